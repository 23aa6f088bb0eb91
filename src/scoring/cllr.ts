import { logSum } from "../util/log-sum.js";
import { type LabelledScores, type TiedScores, tiedScores } from "./tied-scores.js";

/**
 * The cost of log-likelihood ratios, in bits: the information they lack about the label, averaged over priors and costs.
 *
 *     Cllr = 1/2 ( mean over targets of log2(1 + e^-llr) + mean over non-targets of log2(1 + e^llr) )
 *
 * 0 is perfect, 1 is that of a system that always answers 0; bad calibration can exceed 1.
 *
 * @param llrs log-likelihood ratios (natural logarithm), as given by a calibration, not cosines
 * @throws invalid for empty or not finite scores
 * @see Brümmer and du Preez, Application-independent evaluation of speaker detection, Computer Speech & Language 2006
 * @example
 * cllr({ target: [3, 2], nonTarget: [-4, -1, 0.5] });
 */
export function cllr(llrs: LabelledScores): number {
  return costOfRatios(tiedScores(llrs));
}

export function costOfRatios({ score, target, nonTarget, targets, nonTargets }: TiedScores): number {
  let [sameCost, differentCost] = [0, 0];
  for (let i = 0; i < score.length; i++) {
    if (target[i] > 0) sameCost += target[i] * logSum(0, -score[i]);
    if (nonTarget[i] > 0) differentCost += nonTarget[i] * logSum(0, score[i]);
  }
  return (sameCost / targets + differentCost / nonTargets) / (2 * Math.LN2);
}
