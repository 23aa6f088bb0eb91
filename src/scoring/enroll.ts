import { invalid } from "../errors.js";
import { quantity } from "../shared/text.js";

/** An utterance to enrol a speaker from. */
export interface EnrollUtterance {
  key: string;
  dataset?: string;
  /** Null when unknown. */
  speakerId: string | null;
  /** Float32Array (dimension). */
  embedding: Float32Array;
  seconds?: number;
}

export interface EnrollOptions<U> {
  /**
   * Key of the model an utterance belongs to, or null to leave it out; default: `dataset_speaker`, the key used in merged
   * files.
   */
  by?: (utterance: U) => string | null;
  /** Weight utterances by `seconds`, which all must have; default false. */
  byDuration?: boolean;
}

/** An enrolled speaker. */
export interface SpeakerModel {
  key: string;
  /** Float32Array (dimension): the mean of unit vectors. */
  embedding: Float32Array;
  /** Number of utterances it is based on. */
  numUtterances: number;
  /** Their total length; null when one is unknown. */
  seconds: number | null;
}

/**
 * Speaker models: the mean of each speaker's unit vectors, in the order of their first utterance. Without
 * `byDuration` a long recording counts no more than a short one.
 *
 * @throws invalid for an utterance without a speaker (leave it out with `by`), for embeddings that are zero, not finite or
 * of different length, for opposite ones whose mean is zero, and for missing `seconds` with `byDuration`
 * @example
 * const enrolled = enroll(utterances);
 * enroll(utterances, { by: ({ path }) => (path.includes("0000") ? path.split("/")[1] : null) });
 */
export function enroll<U extends EnrollUtterance>(
  utterances: readonly U[],
  { by, byDuration = false }: EnrollOptions<U> = {},
): SpeakerModel[] {
  if (utterances.length === 0) throw invalid("There are no utterances to enrol anybody from.");
  const { length } = utterances[0].embedding;
  const models = new Map<string, { sum: Float64Array; weight: number; count: number; seconds: number }>();
  for (const utterance of utterances) {
    const key = by === undefined ? speakerKey(utterance) : by(utterance);
    if (key === null) continue;
    const { embedding, seconds } = utterance;
    if (embedding.length !== length)
      throw invalid(
        `The embedding of ${utterance.key} has ${quantity(embedding.length, "value")}, that of ${utterances[0].key} has ${length}. Take embeddings of one model.`,
      );
    let square = 0;
    for (const value of embedding) square += value * value;
    if (!(square > 0 && Number.isFinite(square)))
      throw invalid(
        `The embedding of ${utterance.key} ${square === 0 ? "is a zero vector, which has no direction" : "holds values that are not finite"}.`,
      );
    if (byDuration && !(seconds !== undefined && seconds > 0 && Number.isFinite(seconds)))
      throw invalid(
        `${utterance.key} does not say how many seconds it has (${seconds}), so it cannot be weighed by them. Add seconds, or leave byDuration out.`,
        { got: seconds },
      );
    const model = models.get(key) ?? { sum: new Float64Array(length), weight: 0, count: 0, seconds: 0 };
    models.set(key, model);
    const weight = byDuration ? seconds! : 1;
    for (let k = 0; k < length; k++) model.sum[k] += (weight * embedding[k]) / Math.sqrt(square);
    model.weight += weight;
    model.count++;
    model.seconds += seconds ?? Number.NaN;
  }
  if (models.size === 0) throw invalid("by left out every utterance, so nobody is enrolled.");
  return Array.from(models, ([key, { sum, weight, count, seconds }]) => {
    const embedding = Float32Array.from(sum, (value) => value / weight);
    if (embedding.every((value) => Math.abs(value) < 1e-7))
      throw invalid(`The utterances of ${key} point in opposite directions: their mean is zero.`);
    return { key, embedding, numUtterances: count, seconds: Number.isNaN(seconds) ? null : seconds };
  });
}

function speakerKey({ key, dataset, speakerId }: EnrollUtterance): string {
  if (speakerId === null)
    throw invalid(
      `Nobody knows whose voice ${key} is, so it cannot enrol anybody. Leave it out, or name speakers with by.`,
    );
  return dataset === undefined || dataset === "" ? speakerId : `${dataset}_${speakerId}`;
}
