import { readFile } from "node:fs/promises";
import { inspectSignal } from "../audio/inspect-signal.js";
import { loadSegments, type Segment } from "../audio/load-segments.js";
import { embed } from "../embed/embed.js";
import type { Model } from "../embed/open-model.js";
import { reasonOf } from "../errors.js";
import type { Doubt, Failure, Signal, Utterance } from "../types.js";

type Reason = Pick<Failure, "stage" | "reason">;

/** What a file's bytes gave: a signal to embed, an embedding already (of a long file), or why there is neither. */
export type Loaded =
  | { signal: Signal; seconds: number; doubts: StoredDoubt[] }
  | { embedding: Float32Array; seconds: number; doubts: StoredDoubt[] }
  | Reason;

type StoredDoubt = Pick<Doubt, "warning" | "detail">;

/**
 * A file of more than one and a half times this is embedded in pieces: 300 s in one go take 1 GB in the bundled model.
 */
const pieceSeconds = 200;

/** Reads a file whole; a failure to is an answer, not an exception, because many are read ahead. */
export async function readBytes(utterance: Utterance): Promise<Uint8Array | Reason> {
  try {
    const bytes = await readFile(utterance.path);
    if (bytes.length === utterance.size) return bytes;
    const reason = `the file changed during the run: ${utterance.size} bytes when listed, ${bytes.length} when read`;
    return { stage: "read", reason };
  } catch (error) {
    return { stage: "read", reason: reasonOf(error) };
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
  const pieces = loadSegments(bytes, { sampleRate: model.sampleRate, channel, seconds: pieceSeconds });
  try {
    const first = await pieces.next();
    const second = await pieces.next();
    if (!second.done)
      return await embedPieces([first.value as Segment, second.value], pieces, model, onPiece);
    const { doubts: ofFile, ...signal } = first.value as Segment;
    const { failure, doubts } = inspectSignal(signal.samples, signal.sampleRate, {
      minSamples: model.minSamples,
    });
    if (failure !== undefined) return { stage: "signal", reason: failure };
    return { signal, seconds: signal.samples.length / signal.sampleRate, doubts: [...ofFile, ...doubts] };
  } catch (error) {
    return { stage: "decode", reason: reasonOf(error) };
  }
}

async function embedPieces(
  begun: readonly Segment[],
  further: AsyncIterable<Segment>,
  model: Model,
  onPiece: () => void,
): Promise<Loaded> {
  const sum = new Float64Array(model.dimension);
  let total = 0;
  let weight = 0;
  let pieces = 0;
  let failure: Reason | undefined;
  const doubts = new Map<string, StoredDoubt>();
  const add = async ({ samples, sampleRate, doubts: ofFile }: Segment) => {
    onPiece();
    total += samples.length;
    for (const doubt of ofFile) doubts.set(doubt.warning, doubt);
    const inspection = inspectSignal(samples, sampleRate, { minSamples: model.minSamples });
    if (inspection.failure !== undefined) {
      failure ??= { stage: "signal", reason: inspection.failure };
      return;
    }
    for (const doubt of inspection.doubts) doubts.set(doubt.warning, doubt);
    const embedding = (await embedEach([{ samples, sampleRate }], model, 1))[0]!;
    if (!(embedding instanceof Float32Array)) {
      failure ??= embedding;
      return;
    }
    embedding.forEach((value, i) => {
      sum[i]! += value * samples.length;
    });
    weight += samples.length;
    pieces++;
  };
  for (const piece of begun) await add(piece);
  for await (const piece of further) await add(piece);
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
 */
export async function embedEach(
  signals: readonly Signal[],
  model: Model,
  batchSize: number,
): Promise<(Float32Array | Reason)[]> {
  try {
    return await embed(signals, model, { batchSize });
  } catch (error) {
    if (signals.length === 1) return [{ stage: "model", reason: reasonOf(error) }];
    const half = Math.ceil(signals.length / 2);
    const smaller = Math.max(1, Math.floor(batchSize / 2));
    return [
      ...(await embedEach(signals.slice(0, half), model, smaller)),
      ...(await embedEach(signals.slice(half), model, smaller)),
    ];
  }
}
