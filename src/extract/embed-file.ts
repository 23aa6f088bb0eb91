import type { SignalChecks } from "../checks/signal-checks.js";
import { type AudioBytes, type AudioReader, ChangedError } from "../corpus/open-audio.js";
import { embedFeatures } from "../embed/embed.js";
import type { Model } from "../embed/open-model.js";
import { reasonOf } from "../errors.js";
import type { AudioSource, Matrix } from "../types.js";
import { checkDevice, type Refusal, refusal } from "./fault.js";
import type { Piece, StoredDoubt } from "./prepare.js";

/** The features of a file, its embedding (of a long file), or why there is neither. */
export type Loaded =
  | { features: Matrix; seconds: number; doubts: StoredDoubt[]; checks?: SignalChecks }
  | { embedding: Float32Array; seconds: number; doubts: StoredDoubt[]; checks?: SignalChecks }
  | Refusal;

/** Reads the audio of an utterance. A failure is returned, and thrown only where the machine is at fault. */
export async function readBytes(reader: AudioReader, source: AudioSource): Promise<AudioBytes | Refusal> {
  try {
    return await reader.read(source);
  } catch (error) {
    if (error instanceof ChangedError) return { stage: "read", reason: error.message, decided: false };
    // To cut out a span is to decode, so errors of the audio turn up here already.
    const isAudio = (error as { tag?: string }).tag !== undefined;
    return refusal(isAudio ? "decode" : "read", error);
  }
}

/**
 * Reads a file's pieces: the features of a file in one piece, or the embedding of a long one, which is the mean over its
 * pieces, each weighed by its length; silent pieces are left out.
 *
 * @param onPiece called before each piece of a long file, which may take a while
 */
export async function loadPieces(
  file: AsyncIterable<Piece>,
  model: Model,
  onPiece: () => void = () => {},
): Promise<Loaded> {
  const pieces = decoded(file);
  const first = (await pieces.next()).value as Piece | Refusal;
  if ("stage" in first) return first;
  const second = await pieces.next();
  if (!second.done) return embedPieces([first, second.value], pieces, model, onPiece);
  if ("failure" in first) return { stage: "signal", reason: first.failure, decided: true };
  const { features, samples, doubts, checks } = first;
  return { features, seconds: samples / model.sampleRate, doubts, checks };
}

/** The pieces as they are decoded, and at last the reason where that fails. */
async function* decoded(pieces: AsyncIterable<Piece>): AsyncGenerator<Piece | Refusal> {
  try {
    for await (const piece of pieces) yield piece;
  } catch (error) {
    yield refusal("decode", error);
  }
}

async function embedPieces(
  begun: readonly (Piece | Refusal)[],
  further: AsyncIterable<Piece | Refusal>,
  model: Model,
  onPiece: () => void,
): Promise<Loaded> {
  const sum = new Float64Array(model.dimension);
  let total = 0;
  let weight = 0;
  let pieces = 0;
  let checks: SignalChecks | undefined;
  let failure: Refusal | undefined;
  const doubts = new Map<string, StoredDoubt>();
  /** Returns the reason where the whole file cannot be embedded: only pieces that are no speech may be left out. */
  const add = async (piece: Piece | Refusal): Promise<Refusal | undefined> => {
    if ("stage" in piece) return piece;
    onPiece();
    const { samples } = piece;
    checks = piece.checks;
    total += samples;
    for (const doubt of piece.doubts) doubts.set(doubt.warning, doubt);
    if ("failure" in piece) {
      failure ??= { stage: "signal", reason: piece.failure, decided: true };
      return undefined;
    }
    const embedding = (await embedEach([piece.features], model, 1))[0]!;
    if (!(embedding instanceof Float32Array)) return embedding;
    embedding.forEach((value, i) => {
      sum[i]! += value * samples;
    });
    weight += samples;
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
    checks,
  };
}

/**
 * Embeds features together, or one by one where together fails, so that one bad file (or a batch that is too large
 * for the device) costs no other.
 *
 * @throws when the device is at fault: then a fixed test signal fails too
 */
export async function embedEach(
  features: readonly Matrix[],
  model: Model,
  batchSize: number,
): Promise<(Float32Array | Refusal)[]> {
  try {
    return await embedFeatures(features, model, { batchSize });
  } catch (error) {
    if (features.length === 1) {
      await checkDevice(model, error);
      // The model works, but gave NaN: the file's content is the cause. Anything else may go well next time.
      return [{ stage: "model", reason: reasonOf(error), decided: isInvalid(error) }];
    }
    const half = Math.ceil(features.length / 2);
    const smaller = Math.max(1, Math.floor(batchSize / 2));
    return [
      ...(await embedEach(features.slice(0, half), model, smaller)),
      ...(await embedEach(features.slice(half), model, smaller)),
    ];
  }
}

const isInvalid = (error: unknown): boolean => (error as { tag?: string }).tag === "invalid";
