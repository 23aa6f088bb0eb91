import { type CostOptions, type DetectionCost, detectionCost } from "./detection-cost.js";
import { type OperatingPoints, operatingPoints } from "./operating-points.js";
import { type LabelledScores, tiedScores } from "./tied-scores.js";

/**
 * The minimum detection cost over all thresholds, divided by that of accepting all or rejecting all, whichever is cheaper:
 * min over thresholds of (cMiss p Pmiss + cFa (1 - p) Pfa) / min(cMiss p, cFa (1 - p)).
 *
 * @param scores cosines or any other scores: of both kinds, or labelled ones as `scoreTrials` gives them
 * @returns `minDcf` in 0 to 1, and the threshold that gives it
 * @throws invalid for empty or not finite scores, or costs that are not positive
 * @see NIST 2016 Speaker Recognition Evaluation Plan, section 3
 * @example
 * minDcf(intraInterScores(utterances), { pTarget: 0.01 }).minDcf;
 */
export function minDcf(
  scores: LabelledScores,
  options: CostOptions = {},
): { minDcf: number; threshold: number } {
  return leastCost(operatingPoints(tiedScores(scores)), detectionCost(options));
}

export function leastCost(
  { threshold, missRate, falseAlarmRate }: OperatingPoints,
  { cost }: DetectionCost,
): { minDcf: number; threshold: number } {
  let best = { minDcf: Infinity, threshold: Number.NaN };
  for (let i = 0; i < threshold.length; i++) {
    const here = cost(missRate[i], falseAlarmRate[i]);
    if (here < best.minDcf) best = { minDcf: here, threshold: threshold[i] };
  }
  return best;
}
