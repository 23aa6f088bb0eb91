import { quantile, rebin, tidy, total } from "./bins.js";
import { type Chart, chart, colors, emptyView, headed, numeric, type Part } from "./chart.js";
import {
  type DistributionOptions,
  type SimilaritySummary,
  similarityAxis,
  similarityDomain,
} from "./distribution.js";
import { type Rule, ruleLayers, usualRules } from "./rules.js";
import { cosine } from "./text.js";

/**
 * The cumulative distribution of the similarities, from the histogram: exact at every 0.01.
 *
 * @example
 * cdf({ histogram, statistics })
 */
export function cdf(
  summary: SimilaritySummary,
  { title = "Share of pairs up to a similarity", width = 560, height = 260 }: DistributionOptions = {},
): Chart {
  const { statistics } = summary;
  const rules = usualRules({ median: statistics.median, threshold: statistics.threshold });
  const view =
    statistics.totalPairs === 0
      ? emptyView("No pairs", { width, height })
      : cdfView(summary, { width, height, rules, threshold: statistics.threshold });
  return chart(view, headed("Cumulative distribution", title, cdfFacts(summary), width));
}

/** The 90th and 99th percentile in words. */
export function cdfFacts({ histogram, statistics: { median, max, totalPairs } }: SimilaritySummary): string {
  if (totalPairs === 0) return "no pairs";
  const [p90, p99] = [0.9, 0.99].map((p) => Math.max(median, Math.min(max, quantile(histogram, p))));
  return `90 % of the pairs up to ${cosine(p90)}, 99 % up to ${cosine(p99)} (to 0.01)`;
}

export function cdfView(
  { histogram }: SimilaritySummary,
  { width, height, rules, threshold }: { width: number; height: number; rules: Rule[]; threshold?: number },
): Part {
  const { edges, counts } = histogram;
  const all = total(histogram);
  const domain = similarityDomain(rebin(histogram), threshold);
  const points = [{ similarity: domain[0], share: 0 }];
  let below = 0;
  for (let b = 0; b < counts.length; b++) {
    if (counts[b] > 0 && points.length === 1) points.push({ similarity: tidy(edges[b]), share: 0 });
    below += counts[b];
    if (below > 0 && edges[b + 1] <= domain[1])
      points.push({ similarity: tidy(edges[b + 1]), share: tidy(below / all) });
    if (below === all) break;
  }
  points.push({ similarity: domain[1], share: 1 });
  const layers = ruleLayers(rules, { domain, width });
  return {
    width,
    height,
    layer: [
      {
        data: { values: points },
        mark: {
          type: "area",
          line: { color: colors.line, strokeWidth: 2 },
          color: colors.main,
          fillOpacity: 0.15,
          aria: false,
        },
        encoding: {
          x: numeric("similarity", { domain, nice: false }, similarityAxis),
          y: numeric("share", { domain: [0, 1] }, { title: "share of pairs", format: ".0%", tickCount: 5 }),
          tooltip: [
            { field: "similarity", title: "up to", format: ".2f" },
            { field: "share", title: "share of pairs", format: ".2%" },
          ],
        },
      },
      ...layers,
    ],
  };
}
