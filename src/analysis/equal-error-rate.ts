import { type OperatingPoint, operatingPoints, type TrialScores } from "./operating-points.js";

/**
 * The equal error rate: where as large a part of the target trials is rejected as of the non-target trials is accepted.
 *
 * Between two operating points the rates are taken as straight lines. Where the scores are apart, the rate is 0 and the
 * threshold lies in the middle of the gap.
 *
 * @returns `eer` in 0 to 1, and the score that gives it
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
