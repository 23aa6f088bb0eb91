import { demandWhole } from "../util/demand.js";
import { logOdds, type ScoreCalibration } from "./score-calibration.js";
import { type LabelledScores, scoresOfBoth } from "./tied-scores.js";

/** Trials whose predicted probability lies in one bin. */
export interface ReliabilityBin {
  from: number;
  to: number;
  /** Mean predicted probability of a target trial. */
  predicted: number;
  /** Fraction that are target trials, at the prior. */
  observed: number;
  targets: number;
  nonTargets: number;
}

export interface ReliabilityOptions {
  /** Prior probability of a target trial; default 0.5. */
  prior?: number;
  /** Number of equally wide probability bins; default 10. */
  bins?: number;
}

/**
 * Whether predicted probabilities come true: of the trials with a probability of 70 to 80 %, about three quarters should be
 * target trials. Trials are weighted so that the fraction of targets matches the prior.
 *
 * @param scores labelled scores, ideally not those the calibration was trained on
 * @returns the non-empty bins, ascending
 * @throws invalid when one kind of trial is missing, for NaN, and for options out of range
 * @see DeGroot and Fienberg, The comparison and evaluation of forecasters, The Statistician 1983
 * @example
 * reliabilityPlot(reliability(trialScores, calibrate(trialScores)));
 */
export function reliability(
  scores: LabelledScores,
  { toProbability }: Pick<ScoreCalibration, "toProbability">,
  { prior = 0.5, bins = 10 }: ReliabilityOptions = {},
): ReliabilityBin[] {
  demandWhole("bins", bins, 1);
  logOdds(prior);
  const { target, nonTarget } = scoresOfBoth(scores);
  const sums = Array.from({ length: bins }, () => ({
    targets: 0,
    nonTargets: 0,
    same: 0,
    all: 0,
    predicted: 0,
  }));
  for (const [values, kind, share] of [
    [target, "targets", prior],
    [nonTarget, "nonTargets", 1 - prior],
  ] as const) {
    const weight = share / values.length;
    for (const score of values) {
      const probability = toProbability(score, prior);
      const bin = sums[Math.min(bins - 1, Math.floor(probability * bins))];
      bin[kind]++;
      bin.all += weight;
      bin.predicted += weight * probability;
      if (kind === "targets") bin.same += weight;
    }
  }
  return sums.flatMap(({ targets, nonTargets, same, all, predicted }, b) =>
    all === 0
      ? []
      : [
          {
            from: b / bins,
            to: (b + 1) / bins,
            predicted: predicted / all,
            observed: same / all,
            targets,
            nonTargets,
          },
        ],
  );
}
