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

/** Each threshold lies midway between two neighbouring scores, the first and the last just outside. */
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
    threshold[i + 1] = i + 1 < n ? (score[i] + score[i + 1]) / 2 : score[i] + 1e-6;
    missRate[i + 1] = missed / targets;
    falseAlarmRate[i + 1] = 1 - rejected / nonTargets;
  }
  return { threshold, missRate, falseAlarmRate };
}
