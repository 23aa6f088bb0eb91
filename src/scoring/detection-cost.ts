import { invalid } from "../errors.js";

/** How often target trials come in use, and what the errors cost. */
export interface CostOptions {
  /** How often a trial is a target trial in use, 0 to 1; default 0.01. */
  pTarget?: number;
  /** What a miss costs; default 1. */
  costMiss?: number;
  /** What a false alarm costs; default 1. */
  costFalseAlarm?: number;
}

/** The cost of a pair of error rates, as a part of the cost of the better of accepting all and none. */
export interface DetectionCost {
  cost(missRate: number, falseAlarmRate: number): number;
  /** The log-likelihood ratio from which accepting is the cheaper decision. */
  bayesThreshold: number;
}

/** @throws invalid for a prior that is not within 0 and 1, or costs that are not positive */
export function detectionCost({
  pTarget = 0.01,
  costMiss = 1,
  costFalseAlarm = 1,
}: CostOptions): DetectionCost {
  if (!(pTarget > 0 && pTarget < 1))
    throw invalid(`pTarget must lie between 0 and 1, not be ${pTarget}.`, { got: pTarget });
  if (!(costMiss > 0 && costFalseAlarm > 0 && Number.isFinite(costMiss + costFalseAlarm)))
    throw invalid(
      `The costs of a miss and of a false alarm must be above 0, not ${costMiss} and ${costFalseAlarm}.`,
    );
  const miss = costMiss * pTarget;
  const falseAlarm = costFalseAlarm * (1 - pTarget);
  return {
    cost: (missRate, falseAlarmRate) =>
      (miss * missRate + falseAlarm * falseAlarmRate) / Math.min(miss, falseAlarm),
    bayesThreshold: Math.log(falseAlarm / miss),
  };
}
