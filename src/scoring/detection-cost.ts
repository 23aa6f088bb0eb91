import { invalid } from "../errors.js";

/** The application: how frequent target trials are, and what errors cost. */
export interface CostOptions {
  /** Prior probability of a target trial, between 0 and 1; default 0.01. */
  pTarget?: number;
  /** Cost of a miss; default 1. */
  costMiss?: number;
  /** Cost of a false alarm; default 1. */
  costFalseAlarm?: number;
}

/** A detection cost, divided by that of accepting all or rejecting all, whichever is cheaper. */
export interface DetectionCost {
  cost(missRate: number, falseAlarmRate: number): number;
  /** Log-likelihood ratio at or above which accepting is cheaper. */
  bayesThreshold: number;
}

/** @throws invalid for a prior outside 0 to 1, or costs that are not positive */
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
