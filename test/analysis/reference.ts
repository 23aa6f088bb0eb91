import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { NdArray } from "../../src/format/nd-array.js";
import { readPickle } from "../../src/format/read-pickle.js";
import type { UtteranceEmbedding } from "../../src/types.js";
import { random } from "../format/random.js";

export const origin = join(__dirname, "../fixtures/origin");

/** The 100 utterances of 10 speakers that the Python pipeline embedded, sorted by path. */
export function referenceUtterances(): UtteranceEmbedding[] {
  const rows = readPickle(readFileSync(join(origin, "utterance_embeddings.pkl"))) as Record<
    string,
    { embedding: NdArray; dataset: string; speaker_id: string; utterance_id: string; path: string }
  >;
  return Object.entries(rows)
    .map(([key, { embedding, dataset, speaker_id: speakerId, utterance_id: utteranceId, path }]) => ({
      key,
      dataset,
      speakerId,
      utteranceId,
      path,
      embedding: embedding.data as Float32Array,
    }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Utterances around a direction for each speaker, `noise` away from it. */
export function madeUp(
  counts: readonly number[],
  { dimension = 16, noise = 0.5, seed = 1, dataset = "made" } = {},
): UtteranceEmbedding[] {
  const next = random(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  return counts.flatMap((count, s) => {
    const centre = Float64Array.from({ length: dimension }, normal);
    return Array.from({ length: count }, (_, u) => ({
      key: `${dataset}_s${s}_u${u}`,
      dataset,
      speakerId: `s${s}`,
      utteranceId: `u${u}`,
      path: `${dataset}/s${s}/u${u}.wav`,
      embedding: Float32Array.from(centre, (x) => 3 * (x + noise * normal())),
    }));
  });
}

/** Embeddings as a plain list for JSON. */
export const numbers = (utterances: readonly UtteranceEmbedding[]) =>
  utterances.map(({ embedding }) => Array.from(embedding));

/** Whether two numbers, or lists of them, agree. */
export function near(actual: unknown, expected: unknown, tolerance: number): boolean {
  if (Array.isArray(expected))
    return (
      Array.isArray(actual) &&
      actual.length === expected.length &&
      expected.every((value, i) => near(actual[i], value, tolerance))
    );
  if (expected === null) return Number.isNaN(actual);
  return Math.abs((actual as number) - (expected as number)) <= tolerance;
}
