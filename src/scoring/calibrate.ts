import { invalid } from "../errors.js";
import { cllr } from "./cllr.js";
import { crossValidated } from "./cross-validated.js";
import { logisticRegression } from "./logistic-regression.js";
import { minCllr } from "./min-cllr.js";
import { type ScoreCalibration, scoreCalibration } from "./score-calibration.js";
import { type LabelledScores, scoresOfBoth } from "./tied-scores.js";
import { isScoredTrials, type ScoredTrial } from "./trial.js";
import type { SpeakerOf } from "./trial-speakers.js";

export interface CalibrateOptions {
  /** Learn on these scores instead, and report how well that suits `scores`: such as those of another data set. */
  with?: LabelledScores;
  /** Whose voice a key of a trial names; default: what target trials join is one speaker. */
  speakerOf?: SpeakerOf;
  /** Parts of the speakers that are left out in turn; default 5. */
  folds?: number;
}

/** How good the log-likelihood ratios are, in bits. */
export interface CalibrationReport {
  /**
   * Which scores they were found on: `other trials` than the line was learnt on; these, but `cross-validated` by lines
   * learnt without the speakers of the trial; or the very `same trials`, which flatters, where there are too few speakers.
   */
  on: "other trials" | "cross-validated" | "same trials";
  targets: number;
  nonTargets: number;
  cllr: number;
  /** What no rising calibration could be better than. */
  minCllr: number;
}

export interface Calibration extends ScoreCalibration {
  /** Trials that the line was learnt on. */
  targets: number;
  nonTargets: number;
  report: CalibrationReport;
}

/**
 * Learns what scores mean: the line scale * score + offset that comes nearest to the log-likelihood ratio, by logistic
 * regression with targets and non-targets weighed equally (a prior of one half), without penalty.
 *
 * How good it is, is told by trials it was not learnt on: with `with`, those of `scores`; else by cross-validation over
 * speakers, where each trial is judged by a line that knows neither of its speakers. A calibration holds for speech like that
 * it was learnt on: another channel, another length of the clips shift the scores.
 *
 * @param scores labelled scores such as `scoreTrials` gives them; of both kinds without names they cannot be cross-validated
 * @returns `toLogLikelihoodRatio(score)`, `toProbability(score, prior)`, and plain numbers that `writeCalibration` saves
 * @throws invalid for one kind of trials only, NaN, scores that do not vary, that part the kinds completely or lie the
 * wrong way round
 * @see Brümmer and du Preez, Application-independent evaluation of speaker detection, Computer Speech & Language 2006;
 * scikit-learn's LogisticRegression(penalty=None, class_weight="balanced") gives the same line
 * @example
 * const { toProbability, report } = calibrate(trialScores);
 * toProbability(0.4, 0.01); // of two voices with a cosine of 0.4, where one of a hundred pairs is one speaker
 */
export function calibrate(scores: LabelledScores, options: CalibrateOptions = {}): Calibration {
  return calibrated(scores, options).calibration;
}

/** The calibration, and the trials as cross-validation judges them, where it does. */
export function calibrated(
  scores: LabelledScores,
  { with: others, speakerOf, folds = 5 }: CalibrateOptions,
): { calibration: Calibration; judged: ScoredTrial[] | null } {
  if (!(Number.isInteger(folds) && folds >= 2))
    throw invalid(`folds is ${folds}. It has to be a whole number, 2 or more.`, { got: folds });
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
