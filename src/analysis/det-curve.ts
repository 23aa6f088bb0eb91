import { invalid } from "../errors.js";
import { type OperatingPoint, operatingPoints, type TrialScores } from "./operating-points.js";

/**
 * The trade-off between misses and false alarms, from accepting all trials to accepting none (detection error trade-off).
 *
 * @param maxPoints thins the curve to about this many evenly spaced points, keeping both ends; default 1000
 * @throws invalid for empty or not finite scores
 * @see A. Martin et al., The DET curve in assessment of detection task performance, Eurospeech 1997
 * @example
 * detCurve(intraInterScores(utterances)).find(({ falseAlarmRate }) => falseAlarmRate <= 0.01);
 */
export function detCurve(
  scores: TrialScores,
  { maxPoints = 1000 }: { maxPoints?: number } = {},
): OperatingPoint[] {
  if (!(maxPoints >= 2)) throw invalid(`maxPoints must be at least 2, not ${maxPoints}.`);
  const points = [...operatingPoints(scores)];
  if (points.length <= maxPoints) return points;
  // From one end to the other, misses and false alarms change by 2 in sum.
  const along = ({ missRate, falseAlarmRate }: OperatingPoint) => (missRate + 1 - falseAlarmRate) / 2;
  let next = 0;
  return points.filter((point, i) => {
    if (along(point) * (maxPoints - 1) < next && i < points.length - 1) return false;
    next = Math.floor(along(point) * (maxPoints - 1)) + 1;
    return true;
  });
}
