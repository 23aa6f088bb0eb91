import type { TiedScores } from "./tied-scores.js";

/** Error rates of the decision "one speaker, when the score is at or above the threshold". */
export interface OperatingPoint {
  threshold: number;
  /** Fraction of the target trials that are rejected, 0 to 1. */
  missRate: number;
  /** Fraction of the non-target trials that are accepted, 0 to 1. */
  falseAlarmRate: number;
}

/** All operating points, from accepting all to accepting none, in columns. */
export interface OperatingPoints {
  threshold: Float64Array;
  missRate: Float64Array;
  falseAlarmRate: Float64Array;
}

/**
 * Each threshold lies midway between two neighbouring scores, the first and the last just outside: what is at or above it are
 * the trials that the rates count as accepted, however large the scores are or how close together.
 */
export function operatingPoints({
  score,
  target,
  nonTarget,
  targets,
  nonTargets,
}: TiedScores): OperatingPoints {
  const n = score.length;
  const threshold = new Float64Array(n + 1);
  const missRate = new Float64Array(n + 1);
  const falseAlarmRate = new Float64Array(n + 1);
  threshold[0] = score[0] - 1e-6;
  falseAlarmRate[0] = 1;
  let [missed, rejected] = [0, 0];
  for (let i = 0; i < n; i++) {
    missed += target[i];
    rejected += nonTarget[i];
    threshold[i + 1] = i + 1 < n ? between(score[i], score[i + 1]) : justAbove(score[i]);
    missRate[i + 1] = missed / targets;
    falseAlarmRate[i + 1] = 1 - rejected / nonTargets;
  }
  return { threshold, missRate, falseAlarmRate };
}

/** Halved before they are added, because the sum of two large numbers is infinite. */
function between(low: number, high: number): number {
  const middle = low / 2 + high / 2;
  return middle > low ? middle : high;
}

/** A millionth of a large number's own size is lost in its rounding. */
const justAbove = (score: number): number => score + Math.max(1e-6, Math.abs(score) * Number.EPSILON);
