import { invalid } from "../errors.js";
import { type OperatingPoint, operatingPoints } from "./operating-points.js";
import { type LabelledScores, tiedScores } from "./tied-scores.js";

/**
 * The trade-off between misses and false alarms, from accepting all trials to accepting none (detection error trade-off).
 *
 * @param scores cosines or any other scores: of both kinds, or labelled ones as `scoreTrials` gives them
 * @param maxPoints thins the curve to about this many evenly spaced points, keeping both ends; default 1000
 * @throws invalid for empty or not finite scores
 * @see A. Martin et al., The DET curve in assessment of detection task performance, Eurospeech 1997
 * @example
 * detCurve(intraInterScores(utterances)).find(({ falseAlarmRate }) => falseAlarmRate <= 0.01);
 */
export function detCurve(
  scores: LabelledScores,
  { maxPoints = 1000 }: { maxPoints?: number } = {},
): OperatingPoint[] {
  if (!(maxPoints >= 2)) throw invalid(`maxPoints must be at least 2, not ${maxPoints}.`);
  const { threshold, missRate, falseAlarmRate } = operatingPoints(tiedScores(scores));
  const last = threshold.length - 1;
  const curve: OperatingPoint[] = [];
  let next = 0;
  for (let i = 0; i <= last; i++) {
    // From one end to the other, misses and false alarms change by 2 in sum.
    const along = ((missRate[i] + 1 - falseAlarmRate[i]) / 2) * (maxPoints - 1);
    if (last >= maxPoints && along < next && i < last) continue;
    next = Math.floor(along) + 1;
    curve.push({ threshold: threshold[i], missRate: missRate[i], falseAlarmRate: falseAlarmRate[i] });
  }
  return curve;
}
