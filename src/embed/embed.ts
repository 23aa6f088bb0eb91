import { invalid, throwIfAborted } from "../errors.js";
import { showVector } from "../show/show-as.js";
import type { Matrix, Signal } from "../types.js";
import type { Model } from "./open-model.js";

export interface EmbedOptions {
  /** Signals of equal frame count that go through the model at once. */
  batchSize?: number;
  abortSignal?: AbortSignal;
}

/** Features that wait for others of their length take this much at most; thousands of signals have few lengths in common. */
const waitingBytes = 64 << 20;

/**
 * Embeds signals: one Float32Array (dimension) each, as the model gives it, in the order of the signals.
 *
 * Nothing is ever padded: the model has no mask, so padding would change the result. Only signals with the same number
 * of frames share a batch, which on a CPU gives the same bits as one by one.
 *
 * @throws `invalid` when a signal has another sample rate than the model or is too short or too long for it
 *
 * @example
 * const files = ["103-1240-0000-part0.flac", "103-1240-0000-part1.flac"].map((name) => `data/speech/studio/103/${name}`);
 * const [a, b] = await embed(await Promise.all(files.map((file) => loadAudio(file))), model);
 */
export async function embed(
  signals: readonly Signal[],
  model: Model,
  options: EmbedOptions = {},
): Promise<Float32Array[]> {
  const features = function* () {
    for (const { samples, sampleRate } of signals) {
      if (sampleRate !== model.sampleRate)
        throw invalid(
          `The signal has ${sampleRate} samples a second, the model takes ${model.sampleRate}. Load it with loadAudio(path, { sampleRate: ${model.sampleRate} }).`,
          { got: sampleRate },
        );
      if (samples.length < model.minSamples)
        throw invalid(
          `The signal has ${samples.length} samples. The model needs at least ${model.minSamples}.`,
          { got: samples.length },
        );
      const seconds = samples.length / sampleRate;
      if (seconds > (model.maxSeconds ?? Infinity))
        throw invalid(
          `The signal is ${Number(seconds.toFixed(3))} s long. The model takes at most ${model.maxSeconds} s; extract embeds longer files in pieces.`,
          { got: seconds },
        );
      yield model.features(samples);
    }
  };
  const embeddings = await embedFeatures(features(), model, options);
  return embeddings.map(showVector);
}

/** `embed` for features that are made already, or as they are asked for. */
export async function embedFeatures(
  features: Iterable<Matrix>,
  model: Model,
  { batchSize = 32, abortSignal }: EmbedOptions = {},
): Promise<Float32Array[]> {
  const embeddings: Float32Array[] = [];
  const waiting = new Map<number, { index: number; features: Matrix }[]>();
  let bytes = 0;

  const flush = async (rows: number) => {
    const batch = waiting.get(rows)!;
    waiting.delete(rows);
    for (const { features } of batch) bytes -= features.data.byteLength;
    const results = await model.run(batch.map(({ features }) => features));
    batch.forEach(({ index }, position) => {
      embeddings[index] = checked(results[position]!);
    });
  };
  let index = 0;
  // A model of the caller's own may make them later.
  for await (const matrix of features) {
    throwIfAborted("Embedding", abortSignal);
    const batch = waiting.get(matrix.rows) ?? [];
    waiting.set(matrix.rows, batch);
    batch.push({ index: index++, features: matrix });
    bytes += matrix.data.byteLength;
    if (batch.length >= batchSize) await flush(matrix.rows);
    // Those that have waited longest go first.
    while (bytes > waitingBytes) await flush(waiting.keys().next().value!);
  }
  for (const rows of [...waiting.keys()]) {
    throwIfAborted("Embedding", abortSignal);
    await flush(rows);
  }
  return embeddings;
}

function checked(embedding: Float32Array): Float32Array {
  if (!embedding.every(Number.isFinite)) throw invalid("The model gave an embedding with NaN or infinity.");
  return embedding;
}
