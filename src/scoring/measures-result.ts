import { quantity } from "../shared/text.js";
import { showAs } from "../show/show-as.js";
import type { View } from "../show/view.js";
import type { CostOptions } from "./detection-cost.js";

/** From the lower to the upper end. */
export type Interval = [low: number, high: number];

export interface DetectionCosts extends Required<CostOptions> {
  minDcf: number;
  /** The threshold that gives it. */
  threshold: number;
  /** Null unless the scores are log-likelihood ratios. */
  actDcf: number | null;
  minDcfInterval: Interval | null;
  actDcfInterval: Interval | null;
}

export interface Measures {
  targets: number;
  nonTargets: number;
  /** Equal error rate, 0 to 1, and the score that gives it. */
  eer: number;
  eerThreshold: number;
  /** Area under the receiver operating characteristic, 0 to 1. */
  auc: number;
  dcf: DetectionCosts[];
  /** Bits; null unless the scores are log-likelihood ratios. */
  cllr: number | null;
  minCllr: number;
  /** Null without a bootstrap. */
  intervals: {
    eer: Interval;
    auc: Interval;
    minCllr: Interval;
    cllr: Interval | null;
    /** Number of speakers that were resampled. */
    speakers: number;
    resamples: number;
    confidence: number;
  } | null;
}

export const percent = (share: number): string => `${(100 * share).toFixed(share < 0.01 ? 2 : 1)} %`;

/** Makes measures show themselves: each with its interval. */
export const showMeasures = (measured: Measures): Measures => showAs(measured, measuresView);

function measuresView(measured: Measures): View {
  const { targets, nonTargets, eer, eerThreshold, auc, dcf, cllr, minCllr, intervals } = measured;
  const between = (interval: Interval | null | undefined, text: (value: number) => string) =>
    interval ? interval.map(text).join(" to ") : "";
  const number = (value: number) => value.toFixed(3);
  const row = (
    measure: string,
    value: number,
    interval: Interval | null | undefined,
    text: (value: number) => string = number,
  ) => ({
    measure,
    value: text(value),
    ...(intervals && { [`${Math.round(100 * intervals.confidence)} % interval`]: between(interval, text) }),
  });
  return {
    title: `EER ${percent(eer)} at ${number(eerThreshold)}: ${targets} target, ${quantity(nonTargets, "non-target trial")}`,
    parts: [
      {
        rows: [
          row("EER", eer, intervals?.eer, percent),
          ...dcf.flatMap(({ pTarget, minDcf, actDcf, minDcfInterval, actDcfInterval }) => [
            row(`minDCF(${pTarget})`, minDcf, minDcfInterval),
            ...(actDcf === null ? [] : [row(`actDCF(${pTarget})`, actDcf, actDcfInterval)]),
          ]),
          row("AUC", auc, intervals?.auc, (value) => value.toFixed(4)),
          ...(cllr === null ? [] : [row("Cllr", cllr, intervals?.cllr)]),
          row("minCllr", minCllr, intervals?.minCllr),
        ],
        most: 15,
      },
      intervals === null ? "" : `Intervals over ${quantity(intervals.speakers, "speaker")}`,
    ],
  };
}
