import { readFile } from "node:fs/promises";
import { inspectSignal } from "../audio/inspect-signal.js";
import { loadSegments, type Segment } from "../audio/load-segments.js";
import { embed } from "../embed/embed.js";
import type { Model } from "../embed/open-model.js";
import { reasonOf } from "../errors.js";
import type { Doubt, Signal, Utterance } from "../types.js";
import { checkDevice, type Refusal, refusal } from "./fault.js";

/** What a file's bytes gave: a signal to embed, an embedding already (of a long file), or why there is neither. */
export type Loaded =
  | { signal: Signal; seconds: number; doubts: StoredDoubt[] }
  | { embedding: Float32Array; seconds: number; doubts: StoredDoubt[] }
  | Refusal;

type StoredDoubt = Pick<Doubt, "warning" | "detail">;

/**
 * A file of more than one and a half times this is embedded in pieces: 300 s in one go take 1 GB in the bundled model.
 */
const pieceSeconds = 200;

/** Reads a file whole; a failure to is an answer, not an exception, unless the machine is at fault. */
export async function readBytes(utterance: Utterance): Promise<Uint8Array | Refusal> {
  try {
    const bytes = await readFile(utterance.path);
    if (bytes.length === utterance.size) return bytes;
    const reason = `the file changed during the run: ${utterance.size} bytes when listed, ${bytes.length} when read`;
    return { stage: "read", reason, decided: false };
  } catch (error) {
    return refusal("read", error);
  }
}

/**
 * Decodes a file's bytes to the signal that the model takes, and looks whether it can be speech at all.
 *
 * A long file comes embedded: the mean over its pieces, each weighed by its length; silent pieces are left out.
 *
 * @param onPiece called before each piece of a long file, which may take its time
 */
export async function loadSignal(
  bytes: Uint8Array,
  model: Model,
  channel: number | "mean",
  onPiece: () => void = () => {},
): Promise<Loaded> {
  const options = { sampleRate: model.sampleRate, channel, seconds: pieceSeconds };
  const pieces = decoded(loadSegments(bytes, options));
  const first = (await pieces.next()).value as Segment | Refusal;
  if ("stage" in first) return first;
  const second = await pieces.next();
  if (!second.done) return embedPieces([first, second.value], pieces, model, onPiece);
  const { doubts: ofFile, ...signal } = first;
  const { samples, sampleRate } = signal;
  const { failure, doubts } = inspectSignal(samples, sampleRate, { minSamples: model.minSamples });
  if (failure !== undefined) return { stage: "signal", reason: failure, decided: true };
  return { signal, seconds: samples.length / sampleRate, doubts: [...ofFile, ...doubts] };
}

/** The pieces as they are decoded, and at last the reason where that fails. */
async function* decoded(pieces: AsyncIterable<Segment>): AsyncGenerator<Segment | Refusal> {
  try {
    for await (const piece of pieces) yield piece;
  } catch (error) {
    yield refusal("decode", error);
  }
}

async function embedPieces(
  begun: readonly (Segment | Refusal)[],
  further: AsyncIterable<Segment | Refusal>,
  model: Model,
  onPiece: () => void,
): Promise<Loaded> {
  const sum = new Float64Array(model.dimension);
  let total = 0;
  let weight = 0;
  let pieces = 0;
  let failure: Refusal | undefined;
  const doubts = new Map<string, StoredDoubt>();
  /** Gives the reason when the whole file cannot be embedded: only what is no speech may be left out of it. */
  const add = async (piece: Segment | Refusal): Promise<Refusal | undefined> => {
    if ("stage" in piece) return piece;
    const { samples, sampleRate, doubts: ofFile } = piece;
    onPiece();
    total += samples.length;
    for (const doubt of ofFile) doubts.set(doubt.warning, doubt);
    const inspection = inspectSignal(samples, sampleRate, { minSamples: model.minSamples });
    if (inspection.failure !== undefined) {
      failure ??= { stage: "signal", reason: inspection.failure, decided: true };
      return undefined;
    }
    for (const doubt of inspection.doubts) doubts.set(doubt.warning, doubt);
    const embedding = (await embedEach([{ samples, sampleRate }], model, 1))[0]!;
    if (!(embedding instanceof Float32Array)) return embedding;
    embedding.forEach((value, i) => {
      sum[i]! += value * samples.length;
    });
    weight += samples.length;
    pieces++;
    return undefined;
  };
  for (const piece of begun) {
    const refused = await add(piece);
    if (refused !== undefined) return refused;
  }
  for await (const piece of further) {
    const refused = await add(piece);
    if (refused !== undefined) return refused;
  }
  if (pieces === 0) return failure!;
  const seconds = total / model.sampleRate;
  const long: StoredDoubt = {
    warning: "long",
    detail: `${Math.round(seconds)} s, the mean of ${pieces} pieces`,
  };
  return {
    embedding: Float32Array.from(sum, (value) => value / weight),
    seconds,
    doubts: [...doubts.values(), long],
  };
}

/**
 * Embeds signals together, or one by one where together fails, so that one bad signal (or a batch that is too large
 * for the device) costs no other.
 *
 * @throws when the device is at fault: then a fixed test signal fails too
 */
export async function embedEach(
  signals: readonly Signal[],
  model: Model,
  batchSize: number,
): Promise<(Float32Array | Refusal)[]> {
  try {
    return await embed(signals, model, { batchSize });
  } catch (error) {
    if (signals.length === 1) {
      await checkDevice(model, error);
      // Not a number from a model that works: the bytes decided it. Anything else may be another thing next time.
      return [{ stage: "model", reason: reasonOf(error), decided: isInvalid(error) }];
    }
    const half = Math.ceil(signals.length / 2);
    const smaller = Math.max(1, Math.floor(batchSize / 2));
    return [
      ...(await embedEach(signals.slice(0, half), model, smaller)),
      ...(await embedEach(signals.slice(half), model, smaller)),
    ];
  }
}

const isInvalid = (error: unknown): boolean => (error as { tag?: string }).tag === "invalid";
