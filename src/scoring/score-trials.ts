import { invalid, stoppable } from "../errors.js";
import type { LongTask } from "../types.js";
import { dot } from "../vectors/dot.js";
import { type Rows, unitRows } from "../vectors/unit-rows.js";
import { cohortStatistics } from "./cohort-statistics.js";
import { findEmbeddings } from "./find-embeddings.js";
import { showTrials } from "./show-trials.js";
import type { KeyedEmbedding, ScoredTrial, Trial } from "./trial.js";
import { meanOf, withoutMean } from "./without-mean.js";

export interface ScoreTrialsOptions extends LongTask {
  /** Subtracted from every embedding, including the cohort's, such as the mean of the training data; default: nothing. */
  mean?: ArrayLike<number> | "cohort";
  /** Embeddings of other speakers, ideally one per speaker, to normalise the scores with. */
  cohort?: Rows;
  /** Use only this many nearest cohort embeddings (AS-norm); default: all (S-norm). */
  topN?: number;
  /** Backend for the cohort scores, `onnx` or `tensorflow`; default: the fastest available. */
  backend?: string;
}

/**
 * Scores trials: the cosine of the two embeddings, or with a `cohort` the cosine normalised by it.
 *
 *     S-norm:   s' = 1/2 ( (s - mean(e)) / std(e) + (s - mean(t)) / std(t) )
 *     AS-norm:  the same, with mean and std over the `topN` highest cosines only
 *
 * where mean(e) and std(e) describe the cosines between the enrolment e and the cohort (population standard deviation, as in
 * numpy and WeSpeaker), and likewise for the test t. A normalised score is in standard deviations, not a cosine.
 *
 * No speaker of the trials should be in the cohort: it would normalise that speaker's own scores away.
 *
 * @param embeddings utterances, models of `enroll`, or both; a trial names them by `key`, or where no key fits by
 * `path` or what only one path ends in
 * @returns the trials in their order with a `score` each; all other fields are kept
 * @throws unknown for names without an embedding (`got` holds them all), conflict for two embeddings of one key, invalid
 * for embeddings that are zero, not finite or of different length, for a cohort smaller than `topN`, and for one whose
 * scores do not vary; `interrupted` when `abortSignal` is aborted
 * @see Kenny 2010 (S-norm: Bayesian speaker verification with heavy-tailed priors); Matějka et al., Analysis of score
 * normalization in multilingual speaker recognition, Interspeech 2017 (AS-norm, "adaptive S-norm 1"); WeSpeaker's
 * score_norm.py
 * @example
 * const { trials } = makeTrials(utterances);
 * const scored = await scoreTrials(trials, utterances, { cohort: speakers, topN: 5 });
 */
export async function scoreTrials<T extends Trial>(
  trials: readonly T[],
  embeddings: readonly KeyedEmbedding[],
  { mean, cohort, topN, ...task }: ScoreTrialsOptions = {},
): Promise<(T & ScoredTrial)[]> {
  if (!Array.isArray(trials))
    throw invalid("The trials are not an array. Use the `trials` of what readTrials or makeTrials returns.");
  if (trials.length === 0) throw invalid("There are no trials to score.");
  if (cohort === undefined && (topN !== undefined || mean === "cohort"))
    throw invalid(
      `${topN === undefined ? 'mean: "cohort"' : "topN"} needs a cohort. Give embeddings of other speakers as cohort.`,
    );
  const { enroll, test, used } = findEmbeddings(trials, embeddings);
  const shift = mean === "cohort" ? meanOf(cohort!) : mean;
  const centred = (rows: Rows) => (shift === undefined ? rows : withoutMean(rows, shift));
  const rows = unitRows(centred(used), { what: "Embedding" });
  const cosine = (t: number) => dot(rows.data, enroll[t], rows.data, test[t], rows.dimension);
  if (cohort === undefined) return showTrials(trials.map((trial, t) => ({ ...trial, score: cosine(t) })));
  const { mean: means, std } = await stoppable("Scoring", () =>
    cohortStatistics(centred(used), centred(cohort), { topN, ...task }),
  );
  const scored = trials.map((trial, t) => {
    const [s, e, u] = [cosine(t), enroll[t], test[t]];
    return { ...trial, score: ((s - means[e]) / std[e] + (s - means[u]) / std[u]) / 2 };
  });
  return showTrials(scored);
}
