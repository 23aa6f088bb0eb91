import { invalid } from "../errors.js";

/** Scores of trials: cosines of pairs of utterances, of one speaker (`target`) or of two (`nonTarget`). */
export interface TrialScores {
  target: ArrayLike<number>;
  nonTarget: ArrayLike<number>;
}

/** Error rates of the decision "one speaker, when the score is at or above the threshold". */
export interface OperatingPoint {
  threshold: number;
  /** Fraction of the target trials that are rejected, 0 to 1. */
  missRate: number;
  /** Fraction of the non-target trials that are accepted, 0 to 1. */
  falseAlarmRate: number;
}

/**
 * All operating points, from accepting all to accepting none. Each threshold lies midway between two neighbouring scores,
 * the first and the last just outside.
 */
export function* operatingPoints({ target, nonTarget }: TrialScores): Generator<OperatingPoint> {
  const same = sorted(target, "target");
  const different = sorted(nonTarget, "nonTarget");
  let [missed, rejected] = [0, 0];
  let below = Math.min(same[0], different[0]) - 1e-6;
  yield { threshold: below, missRate: 0, falseAlarmRate: 1 };
  while (missed < same.length || rejected < different.length) {
    below = Math.min(same[missed] ?? Infinity, different[rejected] ?? Infinity);
    while (same[missed] === below) missed++;
    while (different[rejected] === below) rejected++;
    const above = Math.min(same[missed] ?? Infinity, different[rejected] ?? Infinity);
    yield {
      threshold: above === Infinity ? below + 1e-6 : (below + above) / 2,
      missRate: missed / same.length,
      falseAlarmRate: 1 - rejected / different.length,
    };
  }
}

function sorted(scores: ArrayLike<number>, name: string): Float64Array {
  const values = Float64Array.from(scores).sort();
  if (values.length === 0)
    throw invalid(`There are no ${name} scores: error rates need at least one trial of each kind.`);
  // NaN is sorted last.
  if (!Number.isFinite(values[0]) || !Number.isFinite(values[values.length - 1]))
    throw invalid(`The ${name} scores hold NaN or infinite values. Leave those trials out.`);
  return values;
}
