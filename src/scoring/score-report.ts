import { reasonOf } from "../errors.js";
import { type Calibration, calibrated } from "./calibrate.js";
import { type Interval, type Measures, measures } from "./measures.js";
import type { ScoreCalibration } from "./score-calibration.js";
import type { ScoredTrial } from "./trial.js";
import type { SpeakerOf } from "./trial-speakers.js";

/** What `speakerscope score` writes as score_report.json. */
export interface ScoreReport {
  trials: number;
  targets: number;
  non_targets: number;
  eer: number;
  eer_threshold: number;
  auc: number;
  /** By the prior of a target trial, costs of 1. */
  min_dcf: Record<string, number>;
  /** At the threshold given by the calibration; null without one. */
  act_dcf: Record<string, number> | null;
  /** Bits, of the calibrated scores; null without a calibration. */
  cllr: number | null;
  min_cllr: number;
  /** Null when these trials allow none; `calibration_missing` says why. */
  calibration: { scale: number; offset: number; from: string } | null;
  calibration_missing?: string;
  /**
   * The same costs with lines trained without the trial's speakers: an estimate for new speakers. Null for a given calibration
   * and when there are too few speakers.
   */
  cross_validated: { cllr: number; act_dcf: Record<string, number> } | null;
  /** 95 % confidence, by a bootstrap over speakers; null when there are too few. */
  intervals:
    | ({ eer: Interval; auc: Interval; min_cllr: Interval; cllr: Interval | null } & {
        min_dcf: Record<string, Interval>;
        act_dcf: Record<string, Interval> | null;
        speakers: number;
      })
    | null;
}

export interface ScoreReportOptions {
  /** A calibration and its origin, for the report; default: trained on these trials. */
  calibration?: { line: ScoreCalibration; from: string };
  speakerOf?: SpeakerOf;
  /** Of the bootstrap; default that of `measures`. */
  resamples?: number;
}

/**
 * All measures of labelled scores. A calibration trained on these trials is cross-validated over speakers.
 *
 * @returns the report, and the calibration if one was trained
 */
export function scoreReport(
  scored: readonly ScoredTrial[],
  { calibration: given, speakerOf, resamples }: ScoreReportOptions = {},
): { report: ScoreReport; learnt?: Calibration } {
  const [own, why] = given ? [undefined, undefined] : attempt(() => calibrated(scored, { speakerOf }));
  const learnt = own?.calibration;
  const line = given?.line ?? learnt;
  // With too few speakers for a bootstrap there is still an error rate.
  const measured = (trials: readonly ScoredTrial[], logLikelihoodRatios: boolean) =>
    attempt(() => measures(trials, { logLikelihoodRatios, speakerOf, resamples }))[0] ??
    measures(trials, { logLikelihoodRatios, resamples: 0 });
  const ratios =
    line &&
    measured(
      scored.map((trial) => ({ ...trial, score: line.toLogLikelihoodRatio(trial.score) })),
      true,
    );
  // An increasing line changes no error rate, so one bootstrap serves both.
  const raw = ratios ? measures(scored, { resamples: 0 }) : measured(scored, false);
  const crossed = own?.judged && measures(own.judged, { logLikelihoodRatios: true, resamples: 0 });
  const report = {
    ...rawPart(raw),
    ...calibratedPart(ratios),
    ...(line
      ? { calibration: { scale: line.scale, offset: line.offset, from: given?.from ?? "these trials" } }
      : { calibration: null, calibration_missing: why }),
    cross_validated: crossed
      ? { cllr: crossed.cllr!, act_dcf: byPrior(crossed.dcf, ({ actDcf }) => actDcf!) }
      : null,
    intervals: intervals(ratios ?? raw),
  };
  return { report, learnt };
}

function attempt<T>(job: () => T): [T, undefined] | [undefined, string] {
  try {
    return [job(), undefined];
  } catch (error) {
    if ((error as { tag?: string }).tag !== "invalid") throw error;
    return [undefined, reasonOf(error)];
  }
}

const rawPart = ({ targets, nonTargets, eer, eerThreshold, auc, minCllr, dcf }: Measures) => ({
  trials: targets + nonTargets,
  targets,
  non_targets: nonTargets,
  eer,
  eer_threshold: eerThreshold,
  auc,
  min_dcf: byPrior(dcf, ({ minDcf }) => minDcf),
  min_cllr: minCllr,
});

const calibratedPart = (ratios: Measures | undefined) => ({
  act_dcf: ratios ? byPrior(ratios.dcf, ({ actDcf }) => actDcf!) : null,
  cllr: ratios?.cllr ?? null,
});

function intervals({ intervals, dcf }: Measures): ScoreReport["intervals"] {
  if (intervals === null) return null;
  const { eer, auc, minCllr, cllr, speakers } = intervals;
  return {
    eer,
    auc,
    min_cllr: minCllr,
    cllr,
    min_dcf: byPrior(dcf, ({ minDcfInterval }) => minDcfInterval!),
    act_dcf: cllr && byPrior(dcf, ({ actDcfInterval }) => actDcfInterval!),
    speakers,
  };
}

const byPrior = <T>(dcf: Measures["dcf"], value: (row: Measures["dcf"][number]) => T): Record<string, T> =>
  Object.fromEntries(dcf.map((row) => [String(row.pTarget), value(row)]));
