import { invalid } from "../errors.js";
import { thereAre } from "../shared/text.js";
import { demandWhole } from "../util/demand.js";
import { quantile } from "../vectors/quantile.js";
import { random } from "../vectors/random.js";
import { type ScoreCalibration, scoreCalibration } from "./score-calibration.js";
import { isScoredTrials, type ScoredTrial } from "./trial.js";

export interface CalibrationWithoutLabels extends ScoreCalibration {
  /** The score at which one speaker and two are equally likely. */
  threshold: number;
  /** 95 % interval of the threshold, from the bootstrap; NaN where fewer than half of the resamples show two kinds. */
  thresholdInterval: [low: number, high: number];
  /** The two Gaussians: means, common standard deviation, and the fraction of scores in the upper one. */
  targetMean: number;
  nonTargetMean: number;
  deviation: number;
  targetShare: number;
  /** Distance of the means in standard deviations (d'); below about 2.5 the threshold is unreliable. */
  separation: number;
  scores: number;
}

export interface WithoutLabelsOptions {
  /** Number of bootstrap resamples; default 100. */
  resamples?: number;
  /** Seed of the bootstrap; default 1. */
  seed?: number;
}

/** Scores and their weights. */
interface Weighted {
  score: Float64Array;
  weight: Float64Array;
}

interface Mixture {
  low: number;
  high: number;
  deviation: number;
  share: number;
}

/**
 * Calibrates scores without labels: fits two Gaussians of equal variance, for same and different speakers, by expectation
 * maximisation. Their log-likelihood ratio is a line:
 *
 *     llr = (m1 - m0) / v * (s - (m0 + m1) / 2)
 *
 * The scores must contain a good share of both kinds, as those of `unlabelledScores` do. The model is rough (neither kind is
 * exactly Gaussian, nor are they equally wide): use it for a threshold and approximate probabilities, and `calibrate` when
 * there are labels. The interval covers the sampling of utterances (bootstrap), not the error of the model.
 *
 * @param scores those of `unlabelledScores`, or any scores that contain both kinds; labels are ignored
 * @throws invalid for fewer than 20 scores, NaN, constant scores, and scores that do not fall into two kinds
 * @see Brümmer et al., Unsupervised calibration of speaker verification scores, Odyssey 2014 (equal-variance Gaussian mixture);
 * Dempster, Laird and Rubin 1977 (EM)
 * @example
 * const { threshold, thresholdInterval } = calibrateWithoutLabels(await unlabelledScores(utterances));
 */
export function calibrateWithoutLabels(
  scores: readonly ScoredTrial[] | ArrayLike<number>,
  { resamples = 100, seed = 1 }: WithoutLabelsOptions = {},
): CalibrationWithoutLabels {
  demandWhole("resamples", resamples, 0);
  const named = isScoredTrials(scores) ? scores : undefined;
  const score = named
    ? Float64Array.from(named, (trial) => trial.score)
    : Float64Array.from(scores as ArrayLike<number>);
  if (score.length < 20)
    throw invalid(`${thereAre(score.length, "score")}, too few to see two kinds in them. Give 20 or more.`, {
      got: score.length,
    });
  const wrong = score.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0)
    throw invalid(`Score ${wrong} is ${score[wrong]}. All scores must be finite.`, { got: score[wrong] });
  if (score.every((value) => value === score[0]))
    throw invalid(`All scores are ${score[0]}. Scores that do not vary tell nothing.`, { got: score[0] });
  const all = { score, weight: new Float64Array(score.length).fill(1) };
  const mixture = twoGaussians(all);
  if (mixture === null)
    throw invalid(
      "The scores do not fall into two kinds. Give scores of utterances that share speakers with others, such as those of unlabelledScores.",
    );
  const { low, high, deviation, share } = mixture;
  const middle = (low + high) / 2;
  const scale = (high - low) / deviation ** 2;
  const next = random(seed);
  const thresholds: number[] = [];
  for (let r = 0; r < resamples; r++) {
    const resample = twoGaussians({ score, weight: drawn(named, score.length, next) });
    if (resample !== null) thresholds.push((resample.low + resample.high) / 2);
  }
  const isEnough = thresholds.length > 0 && 2 * thresholds.length >= resamples;
  const sorted = Float64Array.from(isEnough ? thresholds : [Number.NaN]).sort();
  const line = scoreCalibration({ scale, offset: -scale * middle });
  return {
    ...line,
    threshold: middle,
    thresholdInterval: [quantile(sorted, 0.025), quantile(sorted, 0.975)],
    targetMean: high,
    nonTargetMean: low,
    deviation,
    targetShare: share,
    separation: (high - low) / deviation,
    scores: score.length,
  };
}

/** Weights of the scores in a resample of the utterances (or of the scores, when they have no names). */
function drawn(named: readonly ScoredTrial[] | undefined, n: number, next: () => number): Float64Array {
  if (named === undefined) {
    const weight = new Float64Array(n);
    for (let i = 0; i < n; i++) weight[Math.floor(next() * n)]++;
    return weight;
  }
  const times = new Map<string, number>();
  for (const { enroll, test } of named) for (const key of [enroll, test]) times.set(key, 0);
  const keys = [...times.keys()];
  for (let i = 0; i < keys.length; i++) {
    const key = keys[Math.floor(next() * keys.length)];
    times.set(key, times.get(key)! + 1);
  }
  return Float64Array.from(named, ({ enroll, test }) => times.get(enroll)! * times.get(test)!);
}

/** Fits two Gaussians of equal variance; null when the fit collapses. */
function twoGaussians({ score, weight }: Weighted): Mixture | null {
  const sorted = score.filter((_, i) => weight[i] > 0).sort();
  let [low, high] = [quantile(sorted, 0.25), quantile(sorted, 0.9)];
  const whole = sorted[sorted.length - 1] - sorted[0];
  // A resample may hold no score, or one only.
  if (!(whole > 0)) return null;
  if (high === low) [low, high] = [sorted[0], sorted[sorted.length - 1]];
  let variance = ((high - low) / 4) ** 2;
  let share = 0.3;
  for (let round = 0; round < 1000; round++) {
    let [upper, lower, upperSum, lowerSum, squares] = [0, 0, 0, 0, 0];
    const slope = (high - low) / variance;
    const bias = Math.log(share / (1 - share)) - (slope * (low + high)) / 2;
    for (let i = 0; i < score.length; i++) {
      if (weight[i] === 0) continue;
      const isUpper = weight[i] / (1 + Math.exp(-(slope * score[i] + bias)));
      const isLower = weight[i] - isUpper;
      upper += isUpper;
      lower += isLower;
      upperSum += isUpper * score[i];
      lowerSum += isLower * score[i];
      squares += weight[i] * score[i] * score[i];
    }
    const total = upper + lower;
    const before = low + high;
    [low, high, share] = [lowerSum / lower, upperSum / upper, upper / total];
    // Sum of squares about the two means.
    variance = (squares - lower * low * low - upper * high * high) / total;
    if (!(variance > 1e-12 * whole * whole && share > 1e-6 && share < 1 - 1e-6)) return null;
    if (Math.abs(low + high - before) < 1e-10 * whole) break;
  }
  return { low, high, deviation: Math.sqrt(variance), share };
}
