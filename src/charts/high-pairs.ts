import { quantity, shorten } from "../shared/text.js";
import type { SpeakerPair } from "../types.js";
import { tidy } from "./bins.js";
import { type Chart, chart, colors, emptyView, headed, numeric, type Part, silent } from "./chart.js";
import { similarityAxis } from "./distribution.js";
import { cosine } from "./text.js";

export interface HighPairsOptions {
  /** Default "The most similar pairs of speakers". */
  title?: string;
  /** Most pairs to draw; default 20. */
  maxPairs?: number;
  /** The threshold of the list, to be named in the title; default: not named. */
  threshold?: number;
  /** Pixels; default 560. */
  width?: number;
}

/** Pixels from one pair to the next. */
export const ROW = 30;

/**
 * The most similar pairs as bars with both names; pairs within a data set and across two differ in colour.
 *
 * @param pairs in any order; the most similar are drawn first
 *
 * @example
 * highPairs(highSimilarityPairs(result, speakers), { maxPairs: 20 })
 */
export function highPairs(
  pairs: readonly SpeakerPair[],
  {
    title = "The most similar pairs of speakers",
    maxPairs = 20,
    threshold,
    width = 560,
  }: HighPairsOptions = {},
): Chart {
  const facts = pairsFacts(pairs, maxPairs, threshold);
  return chart(pairsView(pairs, { maxPairs, threshold, width }), headed("Bars", title, facts, width));
}

/** How many of how many pairs are drawn, in words. */
export function pairsFacts(pairs: readonly SpeakerPair[], maxPairs: number, threshold?: number): string {
  const limit = threshold === undefined ? "" : ` at or above ${cosine(threshold)}`;
  if (pairs.length === 0) return `no pairs${limit}`;
  return pairs.length > maxPairs
    ? `the top ${maxPairs} of ${quantity(pairs.length, "pair")}${limit}`
    : `${quantity(pairs.length, "pair")}${limit}`;
}

export function pairsView(
  pairs: readonly SpeakerPair[],
  {
    maxPairs,
    threshold,
    width,
    height,
  }: { maxPairs: number; threshold?: number; width: number; height?: number },
): Part {
  if (pairs.length === 0) {
    const text = `No pairs${threshold === undefined ? "" : ` at or above ${cosine(threshold)}`}`;
    return emptyView(text, { width, height: height ?? 120 });
  }
  const values = pairRows(pairs, maxPairs, nameLimit(width));
  const low = Math.min(0, ...values.map(({ similarity }) => similarity));
  const rowHeight = height === undefined ? ROW : height / values.length;
  return {
    width,
    height: height ?? values.length * ROW,
    data: { values },
    encoding: {
      y: { field: "rank", type: "ordinal", axis: null, scale: { paddingInner: 0, paddingOuter: 0 } },
    },
    layer: pairLayers({ low, width, rowHeight }),
  };
}

/** The data of the bars, the most similar pair first. */
export function pairRows(pairs: readonly SpeakerPair[], maxPairs: number, limit: number) {
  return [...pairs]
    .sort((a, b) => b.similarity - a.similarity)
    .slice(0, maxPairs)
    .map(({ speaker1, speaker2, similarity }, k) => ({
      rank: k + 1,
      first: shorten(speaker1.key, 60),
      second: shorten(speaker2.key, 60),
      label: `${shorten(speaker1.key, limit)} ↔ ${shorten(speaker2.key, limit)}`,
      similarity: tidy(similarity),
      kind: speaker1.dataset === speaker2.dataset ? SAME : ACROSS,
    }));
}

/** How many characters of each name fit into a row. */
export function nameLimit(width: number): number {
  return Math.floor((width - 60) / 2 / 6.4);
}

const SAME = "same data set";
const ACROSS = "two data sets";

/** Names above, bar below, value at the right: nothing is cut off, however long the names. */
export function pairLayers({
  low,
  width,
  rowHeight,
}: {
  low: number;
  width: number;
  rowHeight: number;
}): Part[] {
  const bar = Math.max(3, Math.min(8, rowHeight * 0.28));
  const color = {
    field: "kind",
    type: "nominal",
    scale: { domain: [SAME, ACROSS], range: [colors.main, colors.second] },
    legend: { orient: "bottom", title: null, symbolType: "square" },
  };
  const fontSize = Math.max(8, Math.min(11, rowHeight * 0.42));
  return [
    {
      mark: { type: "bar", height: bar, yOffset: rowHeight * 0.22, cornerRadiusEnd: 2 },
      encoding: {
        x: numeric("similarity", { domain: [low, 1], nice: false }, { ...similarityAxis, tickCount: 6 }),
        color,
        tooltip: [
          { field: "first", title: "speaker" },
          { field: "second", title: "and speaker" },
          { field: "similarity", title: "similarity", format: ".4f" },
          { field: "kind", title: "from" },
        ],
      },
    },
    {
      mark: { type: "text", align: "left", fontSize, dy: -rowHeight * 0.16, dx: 1, ...silent },
      encoding: { x: { value: 0 }, text: { field: "label" } },
    },
    {
      mark: { type: "text", align: "right", fontSize, dy: -rowHeight * 0.16, fontWeight: 600, ...silent },
      encoding: { x: { value: width }, text: { field: "similarity", type: "quantitative", format: ".3f" } },
    },
  ];
}
