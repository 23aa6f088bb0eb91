export { actDcf } from "./act-dcf.js";
export { areaUnderCurve } from "./area-under-curve.js";
export { type Calibration, type CalibrationReport, calibrate } from "./calibrate.js";
export {
  type CalibrationWithoutLabels,
  calibrateWithoutLabels,
  type WithoutLabelsOptions,
} from "./calibrate-without-labels.js";
export { cllr } from "./cllr.js";
export { type Compared, type CompareOptions, compare } from "./compare.js";
export {
  type ComparedModel,
  type CompareModelsOptions,
  compareModels,
  type Disagreement,
  type ModelComparison,
} from "./compare-models.js";
export { cosine } from "./cosine.js";
export { detCurve } from "./det-curve.js";
export { type EnrollOptions, enroll, type SpeakerModel } from "./enroll.js";
export { equalErrorRate } from "./equal-error-rate.js";
export { type Identified, type IdentifyOptions, identify } from "./identify.js";
export { type MakeTrialsOptions, makeTrials } from "./make-trials.js";
export { type Measures, type MeasuresOptions, measures } from "./measures.js";
export { minCllr } from "./min-cllr.js";
export { minDcf } from "./min-dcf.js";
export { neighbourRows, type RankedRow } from "./neighbour-rows.js";
export type { OperatingPoint } from "./operating-points.js";
export { readScores, readTrials } from "./read-trials.js";
export { type ReliabilityBin, type ReliabilityOptions, reliability } from "./reliability.js";
export { readCalibration, type ScoreCalibration, writeCalibration } from "./score-calibration.js";
export { type ScoreTrialsOptions, scoreTrials } from "./score-trials.js";
export type { LabelledScores, TrialScores } from "./tied-scores.js";
export type { KeyedEmbedding, ScoredTrial, Trial } from "./trial.js";
export { unlabelledScores } from "./unlabelled-scores.js";
export { writeScores } from "./write-scores.js";
