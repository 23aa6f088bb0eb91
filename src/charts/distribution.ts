import { quantity } from "../shared/text.js";
import type { Histogram, SimilarityStatistics } from "../types.js";
import { type Bin, rebin } from "./bins.js";
import { type Chart, chart, colors, emptyView, headed, numeric, type Part } from "./chart.js";
import { ruleLayers, usualRules } from "./rules.js";
import { cosine } from "./text.js";

/** Histogram and statistics of a similarity matrix. */
export interface SimilaritySummary {
  histogram: Histogram;
  statistics: SimilarityStatistics;
}

export interface DistributionOptions {
  /** Default: what the chart shows, in words. */
  title?: string;
  /** Pixels; default 560. */
  width?: number;
  /** Pixels; default 260 (of a box plot 90). */
  height?: number;
}

/**
 * The histogram of all pairs, with lines at the mean, the median and the threshold.
 *
 * @example
 * distribution({ histogram, statistics })
 */
export function distribution(
  { histogram, statistics }: SimilaritySummary,
  { title = "How similar two speakers are", width = 560, height = 260 }: DistributionOptions = {},
): Chart {
  const bins = rebin(histogram);
  const { threshold, highPairs } = statistics;
  const facts = `${pairFacts(statistics)}; ${quantity(highPairs, "pair")} at or above ${cosine(threshold)}`;
  const view =
    bins.length === 0
      ? emptyView("No pairs", { width, height })
      : histogramView(bins, { ...statistics, width, height });
  return chart(view, headed("Histogram", title, facts, width));
}

/** Counts, mean and spread in one line. */
export function pairFacts({ totalPairs, mean, std }: SimilarityStatistics): string {
  return totalPairs === 0
    ? "no pairs"
    : `${quantity(totalPairs, "pair")}, cosine ${cosine(mean)} ± ${cosine(std)}`;
}

/** Bars over the bins, and lines at the mean, median and threshold as far as they are given. */
export function histogramView(
  bins: Bin[],
  {
    width,
    height,
    ...marks
  }: { mean?: number; median?: number; threshold?: number; width: number; height: number },
): Part {
  const most = Math.max(...bins.map(({ count }) => count));
  const domain = similarityDomain(bins, marks.threshold);
  const layers = ruleLayers(usualRules(marks), { domain, width });
  return {
    width,
    height,
    layer: [
      {
        data: { values: bins },
        mark: { type: "bar", color: colors.main, binSpacing: 1, tooltip: true },
        encoding: {
          ...binned(domain, similarityAxis),
          y: numeric("count", { domain: [0, most * 1.05], nice: false }, countAxis("pairs", most)),
          tooltip: binTooltip,
        },
      },
      ...layers,
    ],
  };
}

/** The x of bars that each reach over a bin. */
export const binned = (domain: [number, number], axis: Part): Part => ({
  x: { field: "from", bin: "binned", type: "quantitative", scale: { domain, nice: false }, axis },
  x2: { field: "to" },
});

export const similarityAxis: Part = { title: "cosine similarity", grid: false, format: ".2~f", tickCount: 8 };

const binTooltip = [
  { field: "from", title: "from", format: ".2f" },
  { field: "to", title: "to", format: ".2f" },
  { field: "count", title: "pairs", format: "," },
];

/** An axis of whole numbers (500, 10k, 2M) up to `most`. */
export function countAxis(title: string, most: number): Part {
  return {
    title,
    labelExpr: "datum.value % 1 === 0 ? format(datum.value, '~s') : ''",
    tickCount: Math.max(1, Math.min(6, most)),
  };
}

/** From the first occupied bin to the last, and on to the threshold where one is drawn. */
export function similarityDomain(bins: Bin[], threshold?: number): [number, number] {
  const from = Math.min(bins[0].from, threshold ?? Number.POSITIVE_INFINITY);
  const to = Math.max(bins[bins.length - 1].to, threshold ?? Number.NEGATIVE_INFINITY);
  const margin = (to - from) * 0.02;
  return [from - margin, to + margin];
}
