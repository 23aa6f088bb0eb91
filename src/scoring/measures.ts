import { invalid } from "../errors.js";
import { demandWhole } from "../util/demand.js";
import { actualCost } from "./act-dcf.js";
import { area } from "./area-under-curve.js";
import { costOfRatios } from "./cllr.js";
import { type CostOptions, detectionCost } from "./detection-cost.js";
import { crossing } from "./equal-error-rate.js";
import { type DetectionCosts, type Interval, type Measures, showMeasures } from "./measures-result.js";
import { leastCostOfRatios } from "./min-cllr.js";
import { leastCost } from "./min-dcf.js";
import { operatingPoints } from "./operating-points.js";
import { speakerBootstrap } from "./speaker-bootstrap.js";
import { type LabelledScores, type TiedScores, tiedScores } from "./tied-scores.js";
import { isScoredTrials } from "./trial.js";
import type { SpeakerOf } from "./trial-speakers.js";

export type { DetectionCosts, Interval, Measures };

export interface MeasuresOptions {
  /** Priors and costs of the detection costs; default pTarget 0.01, 0.05 and 0.001 with costs of 1. */
  costs?: readonly CostOptions[];
  /** The scores are log-likelihood ratios (natural logarithm): `cllr` and `actDcf` make sense. Default false. */
  logLikelihoodRatios?: boolean;
  /**
   * Resamples of the bootstrap for the intervals; 0 for none. Default 500 for named trials, fewer (at least 100) beyond 100,000
   * of them.
   */
  resamples?: number;
  /** Confidence level of the intervals; default 0.95. */
  confidence?: number;
  /** Speaker behind a key; default: keys that target trials connect are one speaker. */
  speakerOf?: SpeakerOf;
  /** Seed of the bootstrap; default 1. */
  seed?: number;
}

/**
 * How well scores separate target from non-target trials: equal error rate, detection costs, area under the curve and the
 * cost of log-likelihood ratios, each with a confidence interval.
 *
 * The intervals come from a bootstrap over speakers: each resample draws speakers with replacement and weights a trial by how
 * often its speakers were drawn (their product, for a non-target trial). Trials that share a speaker are correlated, so
 * resampling trials would give intervals that are far too narrow.
 *
 * @param scores cosines or any other scores: labelled ones as `scoreTrials` gives them, or of both kinds without intervals
 * @throws invalid when one kind of trial is missing, for NaN or infinite scores, constant scores, and options out of range
 * @see the single measures (`equalErrorRate`, `minDcf`, `actDcf`, `cllr`, `minCllr`, `areaUnderCurve`); Poh and Bengio,
 * Estimating the confidence interval of expected performance curve in biometric authentication using joint bootstrap,
 * ICASSP 2007 (bootstrap over users)
 * @example
 * const { eer, intervals } = measures(trialScores, { resamples: 200 });
 */
export function measures(scores: LabelledScores, options: MeasuresOptions = {}): Measures {
  const {
    costs = [{ pTarget: 0.01 }, { pTarget: 0.05 }, { pTarget: 0.001 }],
    logLikelihoodRatios = false,
    confidence = 0.95,
    seed = 1,
    speakerOf,
  } = options;
  const isNamed = isScoredTrials(scores);
  const { resamples = isNamed ? resamplesFor(scores.length) : 0 } = options;
  demandWhole("resamples", resamples, 0);
  if (!(confidence > 0 && confidence < 1))
    throw invalid(`confidence is ${confidence}. It has to lie between 0 and 1.`, { got: confidence });
  if (resamples > 0 && !isNamed)
    throw invalid(
      "Intervals are drawn over speakers, so the trials have to be named. Give scored trials (enroll, test, score, isTarget), or resamples: 0.",
    );
  const tied = tiedScores(scores);
  if (tied.score.length === 1)
    throw invalid(`All scores are ${tied.score[0]}. Scores that do not vary tell nothing.`, {
      got: tied.score[0],
    });
  const settings = costs.map((cost) => ({ pTarget: 0.01, costMiss: 1, costFalseAlarm: 1, ...cost }));
  const rated = settings.map(detectionCost);

  /** All measures, in a fixed order. */
  const numbersOf = (some: TiedScores): number[] => {
    const points = operatingPoints(some);
    return [
      crossing(points).eer,
      area(points),
      leastCostOfRatios(some),
      logLikelihoodRatios ? costOfRatios(some) : Number.NaN,
      ...rated.map((cost) => leastCost(points, cost).minDcf),
      ...rated.map((cost) => (logLikelihoodRatios ? actualCost(some, cost) : Number.NaN)),
    ];
  };
  const [eer, auc, leastCllr, ownCllr, ...dcf] = numbersOf(tied);
  const drawn =
    resamples === 0 || !isNamed
      ? null
      : speakerBootstrap(scores, tied, { resamples, confidence, seed, speakerOf, numbersOf });
  const orNull = <T>(value: T): T | null => (logLikelihoodRatios ? value : null);
  const points = operatingPoints(tied);
  return showMeasures({
    targets: tied.targets,
    nonTargets: tied.nonTargets,
    eer,
    eerThreshold: crossing(points).threshold,
    auc,
    dcf: settings.map((setting, s) => ({
      ...setting,
      minDcf: dcf[s],
      threshold: leastCost(points, rated[s]).threshold,
      actDcf: orNull(dcf[settings.length + s]),
      minDcfInterval: drawn === null ? null : drawn.intervals[4 + s],
      actDcfInterval: drawn === null ? null : orNull(drawn.intervals[4 + settings.length + s]),
    })),
    cllr: orNull(ownCllr),
    minCllr: leastCllr,
    intervals: drawn && {
      eer: drawn.intervals[0],
      auc: drawn.intervals[1],
      minCllr: drawn.intervals[2],
      cllr: orNull(drawn.intervals[3]),
      speakers: drawn.speakers,
      resamples,
      confidence,
    },
  });
}

/** A resample of a million trials takes half a second. */
const resamplesFor = (trials: number) => Math.max(100, Math.min(500, Math.ceil(5e7 / trials)));
