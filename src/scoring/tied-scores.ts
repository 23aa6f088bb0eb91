import { invalid } from "../errors.js";

/** Scores of trials: same speaker (`target`) or different speakers (`nonTarget`). */
export interface TrialScores {
  target: ArrayLike<number>;
  nonTarget: ArrayLike<number>;
}

/** A score and the label of its trial. */
export interface LabelledScore {
  score: number;
  isTarget?: boolean;
}

/** Input of every measure: the scores of both kinds, or labelled scores as returned by `scoreTrials`. */
export type LabelledScores = TrialScores | readonly LabelledScore[];

/** The distinct scores, ascending, with the number of trials of each kind: the form all measures compute with. */
export interface TiedScores {
  score: Float64Array;
  /** Target trials with this score. */
  target: Float64Array;
  nonTarget: Float64Array;
  targets: number;
  nonTargets: number;
}

/**
 * The scores of both kinds.
 *
 * @throws `invalid` when a kind is missing, for a trial without a label, and for NaN and infinite scores
 */
export function scoresOfBoth(scores: LabelledScores): { target: Float64Array; nonTarget: Float64Array } {
  const both = isList(scores)
    ? { target: ofKind(scores, true), nonTarget: ofKind(scores, false) }
    : { target: Float64Array.from(scores.target), nonTarget: Float64Array.from(scores.nonTarget) };
  for (const name of ["target", "nonTarget"] as const) {
    if (both[name].length === 0)
      throw invalid(`There are no ${name} scores: error rates need at least one trial of each kind.`);
    const at = both[name].findIndex((score) => !Number.isFinite(score));
    if (at >= 0)
      throw invalid(
        `The ${name} scores hold NaN or infinite values (${both[name][at]}, the first at ${at}). Leave those trials out.`,
        { got: both[name][at] },
      );
  }
  return both;
}

const isList = (scores: LabelledScores): scores is readonly LabelledScore[] => Array.isArray(scores);

function ofKind(scores: readonly LabelledScore[], kind: boolean): Float64Array {
  const values: number[] = [];
  for (const [at, { score, isTarget }] of scores.entries()) {
    if (typeof isTarget !== "boolean")
      throw invalid(
        `Trial ${at} has no label. Measures need to know of every trial whether it is a target trial (isTarget).`,
      );
    if (isTarget === kind) values.push(score);
  }
  return Float64Array.from(values);
}

export function tiedScores(scores: LabelledScores): TiedScores {
  const { target, nonTarget } = scoresOfBoth(scores);
  target.sort();
  nonTarget.sort();
  const score = new Float64Array(target.length + nonTarget.length);
  const counts = { target: new Float64Array(score.length), nonTarget: new Float64Array(score.length) };
  let n = 0;
  for (let t = 0, u = 0; t < target.length || u < nonTarget.length; n++) {
    const least = Math.min(target[t] ?? Infinity, nonTarget[u] ?? Infinity);
    score[n] = least;
    for (; target[t] === least; t++) counts.target[n]++;
    for (; nonTarget[u] === least; u++) counts.nonTarget[n]++;
  }
  return {
    score: score.slice(0, n),
    target: counts.target.slice(0, n),
    nonTarget: counts.nonTarget.slice(0, n),
    targets: target.length,
    nonTargets: nonTarget.length,
  };
}
