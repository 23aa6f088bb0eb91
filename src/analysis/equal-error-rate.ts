import { type OperatingPoint, operatingPoints, type TrialScores } from "./operating-points.js";

/**
 * The equal error rate: where the fraction of rejected target trials equals that of accepted non-target trials.
 *
 * Rates are interpolated linearly between operating points. Where the scores do not overlap the rate is 0 and the threshold
 * is the middle of the gap.
 *
 * @returns `eer` in [0, 1], and the threshold, a cosine, at which it is reached
 * @throws invalid for empty or not finite scores
 * @example
 * const { eer, threshold } = equalErrorRate(intraInterScores(utterances));
 */
export function equalErrorRate(scores: TrialScores): { eer: number; threshold: number } {
  let before: OperatingPoint | undefined;
  for (const point of operatingPoints(scores)) {
    const gap = point.missRate - point.falseAlarmRate;
    if (gap < 0) {
      before = point;
      continue;
    }
    // The first point accepts everything, so there is one before; this one may be on the diagonal itself.
    const { missRate, falseAlarmRate, threshold } = before!;
    const part = (falseAlarmRate - missRate) / (falseAlarmRate - missRate + gap);
    const between = (a: number, b: number) => a + part * (b - a);
    return { eer: between(missRate, point.missRate), threshold: between(threshold, point.threshold) };
  }
  throw new Error("unreachable: the last point rejects everything");
}
