import type { SimilarityStatistics } from "../types.js";
import { quantile, rebin } from "./bins.js";
import { type Chart, chart, colors, emptyView, numeric, type Part, silent } from "./chart.js";
import {
  type DistributionOptions,
  pairFacts,
  type SimilaritySummary,
  similarityAxis,
  similarityDomain,
} from "./distribution.js";
import { cosine } from "./text.js";

/**
 * The similarities of all pairs as a box plot: box between the quartiles, line at the median, diamond at the mean, whiskers
 * to minimum and maximum. The quartiles are interpolated in the histogram's bins and good to 0.01; the rest is exact.
 *
 * @example
 * boxPlot({ histogram, statistics })
 */
export function boxPlot(
  summary: SimilaritySummary,
  { title = "Half of all pairs lie in the box", width = 560, height = 90 }: DistributionOptions = {},
): Chart {
  const facts = boxFacts(summary);
  const view =
    summary.statistics.totalPairs === 0
      ? emptyView("No pairs", { width, height })
      : boxView(summary, { width, height });
  return chart(view, {
    title,
    subtitle: summary.statistics.totalPairs === 0 ? facts : [pairFacts(summary.statistics), facts],
    width,
    description: `Box plot. ${title}: ${facts}.`,
  });
}

/** The five numbers of a box plot in words. */
export function boxFacts(summary: SimilaritySummary): string {
  const { min, median, max, totalPairs } = summary.statistics;
  if (totalPairs === 0) return "no pairs";
  const { q1, q3 } = quartiles(summary);
  return `min ${cosine(min)}, quartiles ${cosine(q1)} and ${cosine(q3)} (to 0.01), median ${cosine(median)}, max ${cosine(max)}`;
}

/** Where pairs crowd in one bin, the middle of it says nothing: the exact numbers bound the quartiles more closely. */
function quartiles({ histogram, statistics: { min, median, max } }: SimilaritySummary) {
  return {
    q1: Math.min(median, Math.max(min, quantile(histogram, 0.25))),
    q3: Math.max(median, Math.min(max, quantile(histogram, 0.75))),
  };
}

export function boxView(
  { histogram, statistics }: SimilaritySummary,
  { width, height }: { width: number; height: number },
): Part {
  const { min, max, mean, median } = statistics as SimilarityStatistics;
  const values = [{ min, max, mean, median, ...quartiles({ histogram, statistics }) }];
  const domain = similarityDomain(rebin(histogram));
  const thickness = Math.min(90, height * 0.5);
  const at = (field: string) => numeric(field, { domain, nice: false }, similarityAxis);
  const whisker = { type: "rule", color: "#4d4d4d", ...silent };
  const tick = { type: "tick", orient: "vertical", ...silent };
  return {
    width,
    height,
    data: { values },
    encoding: { y: { value: height / 2 } },
    layer: [
      { mark: whisker, encoding: { x: at("min"), x2: { field: "q1" } } },
      { mark: whisker, encoding: { x: at("q3"), x2: { field: "max" } } },
      { mark: { ...tick, color: "#4d4d4d", size: thickness * 0.4 }, encoding: { x: at("min") } },
      { mark: { ...tick, color: "#4d4d4d", size: thickness * 0.4 }, encoding: { x: at("max") } },
      {
        mark: { type: "bar", color: colors.main, size: thickness, cornerRadius: 2 },
        encoding: {
          x: at("q1"),
          x2: { field: "q3" },
          tooltip: ["min", "q1", "median", "mean", "q3", "max"].map((field) => ({
            field,
            type: "quantitative",
            format: ".3f",
          })),
        },
      },
      {
        mark: { ...tick, color: colors.mean, thickness: 2.5, size: thickness },
        encoding: { x: at("median") },
      },
      {
        mark: {
          type: "point",
          shape: "diamond",
          filled: true,
          color: "white",
          stroke: colors.mean,
          opacity: 1,
          size: 70,
          ...silent,
        },
        encoding: { x: at("mean") },
      },
    ],
  };
}
