import { type CostOptions, type DetectionCost, detectionCost } from "./detection-cost.js";
import { type LabelledScores, type TiedScores, tiedScores } from "./tied-scores.js";

/**
 * The actual detection cost at the Bayes threshold, log(cFa (1 - p) / (cMiss p)), divided by the cost of accepting all or
 * rejecting all, whichever is cheaper. The difference to `minDcf` is the calibration loss.
 *
 * @param llrs log-likelihood ratios (natural logarithm), as given by a calibration, not cosines
 * @returns `actDcf`, 0 or more (above 1, guessing would be cheaper), and the threshold
 * @throws invalid for empty or not finite scores, or costs that are not positive
 * @see NIST 2016 Speaker Recognition Evaluation Plan, section 3; Brümmer and du Preez, Application-independent evaluation
 * of speaker detection, Computer Speech & Language 2006
 * @example
 * const { toLogLikelihoodRatio } = calibrate(trialScores);
 * const llrs = trialScores.map((trial) => ({ ...trial, score: toLogLikelihoodRatio(trial.score) }));
 * actDcf(llrs, { pTarget: 0.05 }).actDcf;
 */
export function actDcf(
  llrs: LabelledScores,
  options: CostOptions = {},
): { actDcf: number; threshold: number } {
  const cost = detectionCost(options);
  return { actDcf: actualCost(tiedScores(llrs), cost), threshold: cost.bayesThreshold };
}

export function actualCost(
  { score, target, nonTarget, targets, nonTargets }: TiedScores,
  { cost, bayesThreshold }: DetectionCost,
): number {
  let [missed, rejected] = [0, 0];
  for (let i = 0; i < score.length && score[i] < bayesThreshold; i++) {
    missed += target[i];
    rejected += nonTarget[i];
  }
  return cost(missed / targets, 1 - rejected / nonTargets);
}
