import { quantity } from "../shared/text.js";
import type { SpeakerPair } from "../types.js";
import { demandCosine } from "../util/demand.js";
import { firstFrom } from "../vectors/first-from.js";
import { tidy, total } from "./bins.js";
import { type Chart, chart, colors, emptyView, type Part, panelTitle, silent } from "./chart.js";
import { countAxis, type SimilaritySummary, similarityAxis } from "./distribution.js";
import { nameLimit, pairLayers, pairRows, ROW } from "./high-pairs.js";
import { cosine } from "./text.js";

export interface ThresholdExplorerOptions {
  /** Default "Where to draw the line". */
  title?: string;
  /** Initial threshold, cosine in [-1, 1]; default: that of the statistics. */
  threshold?: number;
  /** Most pairs to list: those just above the threshold, where the decision is made. Default 15. */
  maxPairs?: number;
  /** Pixels; default 620. */
  width?: number;
}

/**
 * Helps to choose a threshold: drag it in the histogram (or move the slider) to see how many pairs lie at or above it, and
 * which. It moves in steps of 0.01, the bins of the histogram.
 *
 * @param summary `pairs`: those that the list can show, all pairs above the lowest threshold of interest
 *
 * @example
 * thresholdExplorer({ histogram, statistics, pairs: highSimilarityPairs(result, speakers) })
 */
export function thresholdExplorer(
  { histogram, statistics, pairs }: SimilaritySummary & { pairs: readonly SpeakerPair[] },
  {
    title = "Where to draw the line",
    threshold = statistics.threshold,
    maxPairs = 15,
    width = 620,
  }: ThresholdExplorerOptions = {},
): Chart {
  demandCosine(threshold);
  const heading = { title, width };
  const all = total(histogram);
  if (all === 0) {
    return chart(emptyView("No pairs", { width, height: 160 }), {
      ...heading,
      description: `${title}: no pairs.`,
    });
  }
  // The last bin begins at 0.99: what lies above cannot be told apart.
  const start = Math.min(0.99, Math.round(threshold * 100) / 100);
  const { edges, counts } = histogram;
  const first = Math.max(
    0,
    Math.min(
      counts.findIndex((count) => count > 0),
      binOf(start),
    ) - 2,
  );
  const last = Math.min(
    counts.length,
    Math.max(
      counts.findLastIndex((count) => count > 0),
      binOf(start),
    ) + 3,
  );
  let above = 0;
  const bins: { from: number; to: number; count: number; above: number }[] = [];
  for (let b = counts.length - 1; b >= first; b--) {
    above += counts[b];
    if (b < last) bins.unshift({ from: tidy(edges[b]), to: tidy(edges[b + 1]), count: counts[b], above });
  }
  const kept = pairRows(closest(pairs, maxPairs), Number.POSITIVE_INFINITY, nameLimit(width));
  const lowest = kept.length === 0 ? 1 : kept[kept.length - 1].similarity;
  const floor = completeFrom(bins, pairs);
  const rows = Math.max(1, Math.min(maxPairs, kept.length));
  const x = {
    type: "quantitative",
    scale: { domain: [bins[0].from, bins[bins.length - 1].to], nice: false },
  };
  const counted = bins.find(({ from }) => from === start)?.above ?? 0;
  const view = {
    vconcat: [
      {
        width,
        height: 220,
        data: { values: bins },
        encoding: { x: { ...x, field: "from", axis: similarityAxis } },
        layer: [
          {
            transform: [{ calculate: `datum.from >= ${at(start)} - 1e-6`, as: "isAbove" }],
            mark: { type: "bar", binSpacing: 0.5, aria: false },
            encoding: {
              x: { field: "from", bin: "binned" },
              x2: { field: "to" },
              y: {
                field: "count",
                type: "quantitative",
                stack: null,
                axis: countAxis("pairs", Math.max(...counts)),
              },
              color: {
                field: "isAbove",
                type: "nominal",
                scale: { domain: [false, true], range: [colors.quiet, colors.line] },
                legend: {
                  title: null,
                  orient: "top",
                  symbolType: "square",
                  labelExpr: "datum.value ? 'at or above the threshold' : 'below'",
                },
              },
            },
          },
          {
            params: [picker(start, bins)],
            mark: { type: "bar", binSpacing: 0, opacity: 0, aria: false, cursor: "ew-resize" },
            encoding: {
              x: { field: "from", bin: "binned" },
              x2: { field: "to" },
              y: { value: 0 },
              y2: { value: 220 },
              tooltip: [
                { field: "from", title: "threshold", format: ".2f" },
                { field: "above", title: "pairs at or above it", format: "," },
                { field: "count", title: "pairs in this bin", format: "," },
              ],
            },
          },
          {
            transform: [{ filter: `abs(datum.from - ${at(start)}) < 1e-6` }],
            mark: { type: "rule", color: colors.threshold, strokeWidth: 2, ...silent },
          },
          {
            transform: [
              { filter: `abs(datum.from - ${at(start)}) < 1e-6` },
              {
                calculate: `format(datum.above, ',') + (datum.above === 1 ? ' pair' : ' pairs') + ' at or above ' + format(datum.from, '.2f') + ' (' + format(datum.above / ${all}, '.2~%') + ' of ${quantity(all, "pair")})'`,
                as: "label",
              },
            ],
            mark: {
              type: "text",
              align: "right",
              baseline: "top",
              fontSize: 13,
              fontWeight: 600,
              ...silent,
            },
            encoding: { x: { value: width }, y: { value: -22 }, text: { field: "label" } },
          },
        ],
      },
      {
        title: panelTitle("The pairs just above the line", "", width),
        width,
        height: rows * ROW,
        encoding: {
          y: {
            field: "position",
            type: "ordinal",
            axis: null,
            scale: { domain: Array.from({ length: rows }, (_, k) => k + 1) },
          },
        },
        layer: [
          {
            data: { values: kept },
            transform: [
              { filter: `datum.similarity >= ${at(start)} - 1e-9 && ${at(start)} >= ${floor}` },
              {
                window: [{ op: "row_number", as: "fromLine" }],
                sort: [{ field: "rank", order: "descending" }],
              },
              { filter: `datum.fromLine <= ${maxPairs}` },
              {
                window: [{ op: "row_number", as: "position" }],
                sort: [{ field: "rank", order: "ascending" }],
              },
            ],
            layer: pairLayers({ low: Math.min(0, lowest), width, rowHeight: ROW }),
          },
          {
            data: { values: [{}] },
            transform: [{ filter: `${at(start)} < ${floor}` }],
            mark: { type: "text", align: "left", color: "#666", fontSize: 13, ...silent },
            encoding: {
              x: { value: 0 },
              y: { value: ROW / 2 },
              text: {
                value:
                  kept.length === 0
                    ? "No pairs were given to list."
                    : `The list begins at ${cosine(floor)}: no less similar pairs were given.`,
              },
            },
          },
        ],
      },
    ],
    resolve: { scale: { color: "independent" } },
  };
  return chart(view, {
    ...heading,
    subtitle: "drag the line in the histogram, or use the slider",
    description: `${title}: ${quantity(counted, "pair")} of ${quantity(all, "pair")} at or above ${cosine(start)}.`,
  });
}

/** The lowest threshold for which every pair at or above it was given. */
function completeFrom(bins: { from: number; above: number }[], pairs: readonly SpeakerPair[]): number {
  const similarities = Float64Array.from(pairs, ({ similarity }) => similarity).sort();
  const given = (from: number) => similarities.length - firstFrom(similarities, from);
  return bins.find(({ from, above }) => given(from) >= above)?.from ?? 1;
}

/** For every bin the threshold can stand at, the pairs just above it. */
function closest(pairs: readonly SpeakerPair[], maxPairs: number): SpeakerPair[] {
  const bins = new Map<number, SpeakerPair[]>();
  for (const pair of [...pairs].sort((a, b) => a.similarity - b.similarity)) {
    const bin = Math.floor((pair.similarity + 1) * 100);
    const kept = bins.get(bin) ?? [];
    if (kept.length === 0) bins.set(bin, kept);
    if (kept.length < maxPairs) kept.push(pair);
  }
  return [...bins.values()].flat();
}

/** A selection of one bin, by dragging or by a slider below the chart. */
function picker(start: number, bins: { from: number }[]): Part {
  return {
    name: "pick",
    value: [{ from: start }],
    select: {
      type: "point",
      fields: ["from"],
      on: "pointerdown, [pointerdown, window:pointerup] > pointermove",
      toggle: false,
      clear: false,
    },
    bind: {
      input: "range",
      min: bins[0].from,
      max: bins[bins.length - 1].from,
      step: 0.01,
      name: "threshold ",
    },
  };
}

/** The threshold as a Vega expression. */
function at(start: number): string {
  return `(pick.from && isNumber(pick.from[0]) ? pick.from[0] : ${start})`;
}

function binOf(similarity: number): number {
  return Math.max(0, Math.min(199, Math.round((similarity + 1) * 100)));
}
