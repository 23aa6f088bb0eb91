import { invalid } from "../errors.js";
import type { SpeakerPair } from "../types.js";
import { rebin } from "./bins.js";
import { boxFacts, boxView } from "./box-plot.js";
import { cdfFacts, cdfView } from "./cdf.js";
import { type Chart, chart, emptyView, panelTitle } from "./chart.js";
import { histogramView, pairFacts, type SimilaritySummary } from "./distribution.js";
import { pairsFacts, pairsView } from "./high-pairs.js";
import { LINE, usualRules } from "./rules.js";

export interface SimilarityOverviewOptions {
  /** Default "Speaker similarity". */
  title?: string;
  /** Most pairs to draw; default 10. */
  maxPairs?: number;
}

/**
 * The similarities of a corpus on one page: histogram with mean and median, box plot, cumulative distribution, and the most
 * similar pairs.
 *
 * @param summary `pairs`: those at or above `statistics.threshold`
 * @throws `invalid` for pairs of rows, as `similarity` gives them: `highSimilarityPairs` names their speakers
 *
 * @example
 * similarityOverview({ histogram, statistics, pairs })
 */
export function similarityOverview(
  { histogram, statistics, pairs }: SimilaritySummary & { pairs: readonly SpeakerPair[] },
  { title = "Speaker similarity", maxPairs = 10 }: SimilarityOverviewOptions = {},
): Chart {
  if (pairs.some((pair) => pair?.speaker1 === undefined))
    throw invalid(
      "similarityOverview takes pairs with the names of the speakers: similarityOverview({ ...result, pairs: highSimilarityPairs(result, speakers) }).",
      { got: pairs[0] },
    );
  const summary = { histogram, statistics };
  const size = { width: 400, height: 260 };
  const bins = rebin(histogram);
  const room = bins.length === 0 ? 0 : LINE;
  const facts = pairFacts(statistics);
  const high = pairsFacts(pairs, maxPairs, statistics.threshold);
  const { mean, median, threshold } = statistics;
  const titles = [
    panelTitle("How similar two speakers are", facts, size.width),
    panelTitle("Half of all pairs lie in the box", boxFacts(summary), size.width, room),
    panelTitle("Share of pairs up to a similarity", cdfFacts(summary), size.width),
    panelTitle("The most similar pairs", high, size.width, room),
  ];
  const none = emptyView("No pairs", size);
  const distributions =
    bins.length === 0
      ? [none, none, none]
      : [
          histogramView(bins, { mean, median, ...size }),
          boxView(summary, size),
          cdfView(summary, { ...size, rules: usualRules({ median }) }),
        ];
  const panels = [...distributions, pairsView(pairs, { maxPairs, threshold, ...size })];
  const view = {
    columns: 2,
    resolve: { scale: { color: "independent" } },
    concat: panels.map((panel, k) => ({ ...panel, title: titles[k] })),
  };
  return chart(view, { title, width: 860, description: `Four panels. ${title}: ${facts}; ${high}.` });
}
