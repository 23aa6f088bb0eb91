import { invalid } from "../errors.js";
import { quantity } from "../shared/text.js";
import { histogramOf } from "../similarity/histogram.js";
import type { Histogram } from "../types.js";
import { rebin, suitableMerge, tidy, total } from "./bins.js";
import { type Chart, chart, colors, emptyView, headed } from "./chart.js";
import { binned, type DistributionOptions, similarityAxis } from "./distribution.js";
import { type Rule, ruleLayers } from "./rules.js";

/** Scores, or their histogram. */
export type Scores = Histogram | ArrayLike<number>;

export interface Trials {
  /** Cosines of two utterances of one speaker (target trials). */
  target: Scores;
  /** Cosines of utterances of two speakers (non-target trials). */
  nonTarget: Scores;
  /** Number of trials, where the scores are a sample of them; default: the scores are all. */
  targetPairs?: number;
  nonTargetPairs?: number;
}

export interface IntraInterOptions extends DistributionOptions {
  /** Equal error rate, 0 to 1, to name in the title; default: not named. */
  eer?: number;
  /** Cosine at which to draw a line, such as that of the equal error rate; default: no line. */
  threshold?: number;
}

const SAME = "same speaker";
const OTHER = "different speakers";

/**
 * Same speaker against different speakers: the two distributions that a threshold has to separate, each in shares of its
 * own trials. Where they overlap, no threshold tells them apart.
 *
 * @throws `invalid` for scores that are not cosines
 *
 * @example
 * intraInter(scores, equalErrorRate(scores))
 */
export function intraInter(
  { target, nonTarget, targetPairs, nonTargetPairs }: Trials,
  {
    eer,
    threshold,
    title = "Same speaker against different speakers",
    width = 560,
    height = 260,
  }: IntraInterOptions = {},
): Chart {
  const histograms = [asHistogram("target", target), asHistogram("nonTarget", nonTarget)];
  const totals = histograms.map(total);
  const isSample = (targetPairs ?? 0) > totals[0] || (nonTargetPairs ?? 0) > totals[1];
  const facts = [
    `${isSample ? "a sample: " : ""}${quantity(totals[0], "trial")} of one speaker, ${quantity(totals[1], "trial")} of two`,
    ...(eer === undefined
      ? []
      : [`equal error rate ${percent(eer)}${threshold === undefined ? "" : ` at ${threshold.toFixed(3)}`}`]),
  ].join("; ");
  const heading = headed("Two histograms", title, facts, width);
  if (totals[0] + totals[1] === 0) return chart(emptyView("No trials", { width, height }), heading);
  const merge = Math.max(...histograms.filter((_, k) => totals[k] > 0).map(suitableMerge));
  const values = histograms.flatMap((histogram, k) =>
    rebin(histogram, merge).map(({ from, to, count }) => ({
      from,
      to,
      count,
      share: tidy(count / totals[k]),
      kind: k === 0 ? SAME : OTHER,
    })),
  );
  const from = Math.min(...values.map((bin) => bin.from), threshold ?? 1);
  const to = Math.max(...values.map((bin) => bin.to), threshold ?? -1);
  const domain: [number, number] = [from - 0.01, to + 0.01];
  const rules: Rule[] =
    threshold === undefined ? [] : [{ name: "threshold", value: threshold, color: "#333333", dash: [4, 3] }];
  const view = {
    width,
    height,
    layer: [
      {
        data: { values },
        mark: { type: "bar", binSpacing: 0.5, opacity: 0.6 },
        encoding: {
          ...binned(domain, similarityAxis),
          y: {
            field: "share",
            type: "quantitative",
            stack: null,
            axis: { title: "share of the trials of its kind", format: ".0%", tickCount: 6 },
          },
          color: {
            field: "kind",
            type: "nominal",
            scale: { domain: [SAME, OTHER], range: [colors.line, colors.second] },
            legend: { title: null, orient: "right", symbolType: "square", symbolOpacity: 0.7 },
          },
          tooltip: [
            { field: "kind", title: "trials of" },
            { field: "from", title: "cosine from", format: ".2f" },
            { field: "to", title: "to", format: ".2f" },
            { field: "count", title: "trials", format: "," },
            { field: "share", title: "share", format: ".2%" },
          ],
        },
      },
      ...ruleLayers(rules, { domain, width }),
    ],
  };
  return chart(view, heading);
}

function asHistogram(name: string, scores: Scores): Histogram {
  if (isHistogram(scores)) return scores;
  if (scores === null || typeof scores !== "object" || typeof scores.length !== "number")
    throw invalid(`intraInter takes a histogram or an array of scores as ${name}, not ${typeof scores}.`);
  for (let i = 0; i < scores.length; i++)
    // Rounding may carry a cosine a little beyond 1.
    if (Math.abs(scores[i]) > 1 + 1e-5)
      throw invalid(
        `The ${name} scores hold ${scores[i]}, which is no cosine: intraInter draws scores from -1 to 1. For others, such as normalised ones, draw detPlot(detCurve(scores)).`,
        { got: scores[i] },
      );
  return histogramOf([scores]);
}

function isHistogram(scores: Scores): scores is Histogram {
  return typeof scores === "object" && scores !== null && "counts" in scores && "edges" in scores;
}

export function percent(share: number): string {
  return `${tidy(share * 100, 3)} %`;
}
