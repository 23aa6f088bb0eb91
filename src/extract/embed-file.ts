import { readFile } from "node:fs/promises";
import { inspectSignal, loadAudio } from "../audio/index.js";
import { embed } from "../embed/embed.js";
import type { Model } from "../embed/open-model.js";
import { reasonOf } from "../errors.js";
import type { Doubt, Failure, Signal, Utterance } from "../types.js";

/** A file's signal, or why there is none to embed. */
export type Loaded =
  | { signal: Signal; seconds: number; doubts: Pick<Doubt, "warning" | "detail">[] }
  | Pick<Failure, "stage" | "reason">;

/** Reads a file whole; a failure to is an answer, not an exception, because many are read ahead. */
export async function readBytes(
  utterance: Utterance,
): Promise<Uint8Array | Pick<Failure, "stage" | "reason">> {
  try {
    const bytes = await readFile(utterance.path);
    if (bytes.length === utterance.size) return bytes;
    const reason = `the file changed during the run: ${utterance.size} bytes when listed, ${bytes.length} when read`;
    return { stage: "read", reason };
  } catch (error) {
    return { stage: "read", reason: reasonOf(error) };
  }
}

/** Decodes a file's bytes to the signal that the model takes, and looks whether it can be speech at all. */
export async function loadSignal(bytes: Uint8Array, model: Model, channel: number | "mean"): Promise<Loaded> {
  let signal: Signal & { seconds: number };
  try {
    signal = await loadAudio(bytes, { sampleRate: model.sampleRate, channel });
  } catch (error) {
    return { stage: "decode", reason: reasonOf(error) };
  }
  const { failure, doubts } = inspectSignal(signal.samples, signal.sampleRate, {
    minSamples: model.minSamples,
  });
  if (failure !== undefined) return { stage: "signal", reason: failure };
  return { signal, seconds: signal.seconds, doubts };
}

/**
 * Embeds signals together, or one by one where together fails, so that one bad signal (or a batch that is too large
 * for the device) costs no other.
 */
export async function embedEach(
  signals: readonly Signal[],
  model: Model,
  batchSize: number,
): Promise<(Float32Array | Pick<Failure, "stage" | "reason">)[]> {
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
