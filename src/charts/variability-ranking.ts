import { quantity, shorten } from "../shared/text.js";
import { compare } from "../util/compare.js";
import { tidy } from "./bins.js";
import { type Chart, chart, colors, emptyView, numeric, silent } from "./chart.js";
import { similarityAxis } from "./distribution.js";
import { rowsOf, type Table } from "./options.js";

/** How similar the utterances of one speaker are. */
export interface VariabilityRow {
  key: string;
  dataset: string;
  speakerId: string;
  /** Mean, population standard deviation and minimum of the cosines within the speaker; NaN or null for one utterance. */
  mean: number | null;
  std: number | null;
  min: number | null;
  numUtterances: number;
}

export interface VariabilityRankingOptions {
  /** Default "How alike the utterances of each speaker are". */
  title?: string;
  /** Most speakers to draw, the least consistent first; default 40. */
  maxSpeakers?: number;
  /** Pixels; default 440. */
  width?: number;
}

const ROW = 17;

type Moments = Record<"mean" | "std" | "min", number>;

/**
 * Speakers ranked by the similarity of their utterances, the least consistent first, where mislabelled, noisy or mixed
 * recordings hide. A dot at the mean, a bar of one standard deviation to either side, a line down to the minimum.
 *
 * @param rows one per speaker; those without a mean (one utterance) are left out, and counted in the title
 * @throws `missing` when a column is not there
 *
 * @example
 * variabilityRanking(variability(utterances).speakers)
 */
export function variabilityRanking(
  rows: Table<VariabilityRow>,
  {
    title = "How alike the utterances of each speaker are",
    maxSpeakers = 40,
    width = 440,
  }: VariabilityRankingOptions = {},
): Chart {
  const all = rowsOf<VariabilityRow>("variabilityRanking", rows, [
    "key",
    "mean",
    "std",
    "min",
    "numUtterances",
  ]);
  const known = all
    .filter((row): row is VariabilityRow & Moments => Number.isFinite(row.mean))
    .sort((a, b) => a.mean - b.mean || compare(a.key, b.key));
  const shown = known.slice(0, maxSpeakers);
  const facts = [
    shown.length < known.length
      ? `the ${maxSpeakers} least consistent of ${quantity(known.length, "speaker")}`
      : quantity(known.length, "speaker"),
    ...(known.length < all.length
      ? [`${quantity(all.length - known.length, "speaker")} with one utterance left out`]
      : []),
  ].join("; ");
  const heading = { title, width: width + 120, description: `Dots and bars. ${title}: ${facts}.` };
  if (shown.length === 0) {
    return chart(emptyView("No speaker has two utterances", { width, height: 120 }), {
      ...heading,
      subtitle: facts,
    });
  }
  const values = shown.map(({ key, dataset, mean, std, min, numUtterances }, rank) => ({
    rank,
    key: shorten(key, 60),
    dataset: shorten(dataset ?? "", 40),
    mean: tidy(mean, 4),
    low: tidy(Math.max(-1, mean - std), 4),
    high: tidy(Math.min(1, mean + std), 4),
    std: tidy(std, 4),
    min: tidy(min, 4),
    utterances: numUtterances,
  }));
  const from = Math.min(...values.map(({ min, low }) => Math.min(min, low)));
  const to = Math.max(...values.map(({ high }) => high));
  const margin = Math.max(0.01, (to - from) * 0.04);
  const domain = [tidy(from - margin, 4), tidy(Math.min(1, to + margin), 4)];
  const axis = { ...similarityAxis, title: "cosine between utterances of the speaker", grid: true };
  const x = (field: string) => numeric(field, { domain, nice: false, zero: false }, axis);
  const view = {
    params: [{ name: "names", value: shown.map(({ key }) => shorten(key, 26)) }],
    width,
    height: values.length * ROW,
    data: { values },
    encoding: {
      y: {
        field: "rank",
        type: "ordinal",
        axis: { title: null, labelExpr: "names[datum.value]", domain: false, ticks: false, grid: false },
      },
    },
    layer: [
      {
        mark: { type: "rule", color: colors.quiet, strokeWidth: 1.5, ...silent },
        encoding: { x: x("min"), x2: { field: "mean" } },
      },
      {
        mark: { type: "tick", orient: "vertical", color: "#8b98a5", size: 8, thickness: 1.5, ...silent },
        encoding: { x: x("min") },
      },
      {
        mark: { type: "bar", height: 7, color: colors.main, cornerRadius: 2, ...silent },
        encoding: { x: x("low"), x2: { field: "high" } },
      },
      {
        mark: { type: "point", filled: true, color: colors.mean, opacity: 1, size: 45 },
        encoding: {
          x: x("mean"),
          tooltip: [
            { field: "key", title: "speaker" },
            { field: "dataset", title: "data set" },
            { field: "utterances", title: "utterances" },
            ...["mean", "std", "min"].map((field) => ({ field, type: "quantitative", format: ".3f" })),
          ],
        },
      },
    ],
  };
  return chart(view, {
    ...heading,
    subtitle: [facts, "dot: mean, bar: ± one standard deviation, line: down to the minimum"],
  });
}
