import { invalid } from "../errors.js";
import { operatingPoints, type TrialScores } from "./operating-points.js";

/**
 * The minimum detection cost over all thresholds, divided by that of accepting all or rejecting all, whichever is cheaper.
 *
 * @param pTarget prior probability of a target trial, between 0 and 1; default 0.01
 * @param costMiss cost of a miss; default 1
 * @param costFalseAlarm cost of a false alarm; default 1
 * @returns `minDcf` in 0 to 1, and the threshold that gives it
 * @throws invalid for empty or not finite scores, or costs that are not positive
 * @see NIST 2016 Speaker Recognition Evaluation Plan, section 3
 * @example
 * minDcf(intraInterScores(utterances), { pTarget: 0.01 }).minDcf;
 */
export function minDcf(
  scores: TrialScores,
  {
    pTarget = 0.01,
    costMiss = 1,
    costFalseAlarm = 1,
  }: { pTarget?: number; costMiss?: number; costFalseAlarm?: number } = {},
): { minDcf: number; threshold: number } {
  if (!(pTarget > 0 && pTarget < 1)) throw invalid(`pTarget must lie between 0 and 1, not be ${pTarget}.`);
  if (!(costMiss > 0 && costFalseAlarm > 0))
    throw invalid(
      `The costs of a miss and of a false alarm must be above 0, not ${costMiss} and ${costFalseAlarm}.`,
    );
  const miss = costMiss * pTarget;
  const falseAlarm = costFalseAlarm * (1 - pTarget);
  let best = { minDcf: Infinity, threshold: Number.NaN };
  for (const { missRate, falseAlarmRate, threshold } of operatingPoints(scores)) {
    const cost = (miss * missRate + falseAlarm * falseAlarmRate) / Math.min(miss, falseAlarm);
    if (cost < best.minDcf) best = { minDcf: cost, threshold };
  }
  return best;
}
