import { invalid } from "../errors.js";
import type { LongTask } from "../types.js";
import { dot } from "../vectors/dot.js";
import { type Rows, unitRows } from "../vectors/unit-rows.js";
import { cohortStatistics } from "./cohort-statistics.js";
import { findEmbeddings } from "./find-embeddings.js";
import type { KeyedEmbedding, ScoredTrial, Trial } from "./trial.js";
import { meanOf, withoutMean } from "./without-mean.js";

export interface ScoreTrialsOptions extends LongTask {
  /** Subtracted from every embedding, the cohort's too: such as the mean of the training data. Default none. */
  mean?: ArrayLike<number> | "cohort";
  /** Embeddings of other speakers, best one a speaker: scores are normalised by how these score. */
  cohort?: Rows;
  /** Only the best so many of the cohort count (AS-norm); default all (S-norm). */
  topN?: number;
  /** What compares with the cohort: `onnx` or `tensorflow`; by default the fastest there is. */
  backend?: string;
}

/**
 * Scores trials: the cosine of the two embeddings, or with a `cohort` the cosine normalised by it.
 *
 *     S-norm:   s' = 1/2 ( (s - mean(e)) / std(e) + (s - mean(t)) / std(t) )
 *     AS-norm:  the same, mean and std over the `topN` highest cosines with the cohort alone
 *
 * where mean(e) and std(e) are those of the cosines between the enrolment e and the cohort (population deviation, as
 * numpy and WeSpeaker compute it), likewise for the test t. A normalised score counts standard deviations, not cosines.
 *
 * The cohort should hold nobody who is in the trials: a speaker in it normalises her own scores away.
 *
 * @param embeddings utterances, models of `enroll`, or both; a trial names them by `key`, or where no key fits by
 * `path` or what only one path ends in
 * @returns the trials in their order with a `score` each; equal ones and labels are kept as they are
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
    throw invalid("The trials are no list. Of what readTrials and makeTrials give, take { trials }.");
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
  if (cohort === undefined) return trials.map((trial, t) => ({ ...trial, score: cosine(t) }));
  const { mean: means, std } = await cohortStatistics(centred(used), centred(cohort), { topN, ...task });
  return trials.map((trial, t) => {
    const [s, e, u] = [cosine(t), enroll[t], test[t]];
    return { ...trial, score: ((s - means[e]) / std[e] + (s - means[u]) / std[u]) / 2 };
  });
}
