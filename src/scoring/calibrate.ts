import { demandWhole } from "../util/demand.js";
import { cllr } from "./cllr.js";
import { crossValidated } from "./cross-validated.js";
import { logisticRegression } from "./logistic-regression.js";
import { minCllr } from "./min-cllr.js";
import { type ScoreCalibration, scoreCalibration } from "./score-calibration.js";
import { type LabelledScores, scoresOfBoth } from "./tied-scores.js";
import { isScoredTrials, type ScoredTrial } from "./trial.js";
import type { SpeakerOf } from "./trial-speakers.js";

export interface CalibrateOptions {
  /** Train on these scores, such as those of another data set, and report how well the result fits `scores`. */
  with?: LabelledScores;
  /** Speaker behind a key; default: keys that target trials connect are one speaker. */
  speakerOf?: SpeakerOf;
  /** Number of cross-validation folds, over speakers; default 5. */
  folds?: number;
}

/** How good the log-likelihood ratios are, in bits. */
export interface CalibrationReport {
  /**
   * What was evaluated: `other trials` than those trained on; the training trials, `cross-validated` with lines trained
   * without the trial's speakers; or the `same trials`, which is optimistic, when there are too few speakers for folds.
   */
  on: "other trials" | "cross-validated" | "same trials";
  targets: number;
  nonTargets: number;
  cllr: number;
  /** Lower bound for any monotonic calibration. */
  minCllr: number;
}

export interface Calibration extends ScoreCalibration {
  /** Trials used for training. */
  targets: number;
  nonTargets: number;
  report: CalibrationReport;
}

/**
 * Fits the line scale * score + offset that best approximates the log-likelihood ratio: logistic regression without
 * penalty, with targets and non-targets weighted equally (a prior of one half).
 *
 * The report is computed on trials that were not used for training: with `with`, all of `scores`; otherwise by cross-validation
 * over speakers, where the line for each trial was trained without either of its speakers. A calibration holds for speech
 * like its training data: a different channel or clip length shifts the scores.
 *
 * @param scores labelled scores, as returned by `scoreTrials`; `{ target, nonTarget }` has no names and cannot be cross-validated
 * @returns `toLogLikelihoodRatio(score)`, `toProbability(score, prior)`, and the numbers that `writeCalibration` saves
 * @throws invalid when one kind of trial is missing, for NaN, for constant scores, and for scores that separate the kinds
 * completely or in reverse
 * @see Brümmer and du Preez, Application-independent evaluation of speaker detection, Computer Speech & Language 2006;
 * scikit-learn's LogisticRegression(penalty=None, class_weight="balanced") gives the same line
 * @example
 * const { toProbability, report } = calibrate(trialScores);
 * toProbability(0.4, 0.01); // two voices with a cosine of 0.4, where 1 in 100 pairs is the same speaker
 */
export function calibrate(scores: LabelledScores, options: CalibrateOptions = {}): Calibration {
  return calibrated(scores, options).calibration;
}

/** The calibration, and the cross-validated trials where there are any. */
export function calibrated(
  scores: LabelledScores,
  { with: others, speakerOf, folds = 5 }: CalibrateOptions,
): { calibration: Calibration; judged: ScoredTrial[] | null } {
  demandWhole("folds", folds, 2);
  const own = scoresOfBoth(scores);
  const training = others === undefined ? own : scoresOfBoth(others);
  const line = scoreCalibration(logisticRegression(training));
  const judged =
    others === undefined && isScoredTrials(scores)
      ? crossValidated(scores, line, { folds, speakerOf })
      : null;
  const llr = (values: Float64Array) => values.map(line.toLogLikelihoodRatio);
  const calibration = {
    ...line,
    targets: training.target.length,
    nonTargets: training.nonTarget.length,
    report: {
      on: others !== undefined ? "other trials" : judged ? "cross-validated" : "same trials",
      targets: own.target.length,
      nonTargets: own.nonTarget.length,
      cllr: cllr(judged ?? { target: llr(own.target), nonTarget: llr(own.nonTarget) }),
      minCllr: minCllr(scores),
    },
  } as const;
  return { calibration, judged };
}
