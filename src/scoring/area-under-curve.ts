import { type OperatingPoints, operatingPoints } from "./operating-points.js";
import { type LabelledScores, tiedScores } from "./tied-scores.js";

/**
 * The area under the receiver operating characteristic: the probability that a random target
 * trial scores above a random non-target trial; ties count half.
 *
 * @param scores cosines or any other scores: of both kinds, or labelled ones as `scoreTrials` gives them
 * @returns 0 to 1; 0.5 for uninformative scores
 * @throws invalid for empty or not finite scores
 * @see Hanley and McNeil, The meaning and use of the area under a receiver operating characteristic (ROC) curve, Radiology 1982
 * @example
 * areaUnderCurve({ target: [0.4, 0.7], nonTarget: [0.1, 0.5] });
 */
export function areaUnderCurve(scores: LabelledScores): number {
  return area(operatingPoints(tiedScores(scores)));
}

export function area({ missRate, falseAlarmRate }: OperatingPoints): number {
  let sum = 0;
  for (let i = 1; i < missRate.length; i++)
    sum += (falseAlarmRate[i - 1] - falseAlarmRate[i]) * (1 - (missRate[i - 1] + missRate[i]) / 2);
  return sum;
}
