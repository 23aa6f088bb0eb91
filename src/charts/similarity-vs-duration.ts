import { quantity, shorten, whole } from "../shared/text.js";
import { evenly } from "../util/evenly.js";
import { loess } from "../vectors/loess.js";
import { tidy } from "./bins.js";
import { type Chart, chart, colors, emptyView, headed, numeric, silent } from "./chart.js";
import { rowsOf, type SpeakerColumns, speakerOf, type Table } from "./options.js";
import { zoom } from "./zoom.js";

/** One utterance: how long it is, and how similar to its speaker. */
export interface DurationRow extends SpeakerColumns {
  key: string;
  seconds: number;
  /** Mean cosine to the speaker's other utterances; NaN or null when there are none. */
  similarity: number | null;
}

export interface SimilarityVsDurationOptions {
  /** Default "Similarity to the speaker by length". */
  title?: string;
  /** Most utterances to draw; of more, a sample is drawn. Default 3000. */
  maxPoints?: number;
  /** Pixels; default 560. */
  width?: number;
  /** Default 300. */
  height?: number;
}

/** Places at which the line is computed. */
const LINE_POINTS = 60;

/**
 * Shows whether short utterances are less similar to their speaker: a dot per utterance, and a smooth line (LOESS) over all
 * utterances, even where only a sample is drawn. Drag to pan, Ctrl + wheel to zoom.
 *
 * @param rows one per utterance, with `speakerKey` or `dataset` and `speakerId`; those without a similarity are left out
 * @throws `missing` when a column is not there
 *
 * @example
 * const seconds = await readDurations("embeddings_output");
 * const rows = variability(utterances).utterances;
 * similarityVsDuration(rows.map((row) => ({ ...row, seconds: seconds.get(row.key) ?? Number.NaN })))
 */
export function similarityVsDuration(
  rows: Table<DurationRow>,
  {
    title = "Similarity to the speaker by length",
    maxPoints = 3000,
    width = 560,
    height = 300,
  }: SimilarityVsDurationOptions = {},
): Chart {
  const all = rowsOf<DurationRow>("similarityVsDuration", rows, ["key", "seconds", "similarity"])
    .filter(
      (row): row is DurationRow & { similarity: number } =>
        row.seconds > 0 && Number.isFinite(row.similarity),
    )
    .sort((a, b) => a.seconds - b.seconds);
  const shown = evenly(all, maxPoints);
  const sampled = shown.length < all.length;
  const name = sampled ? `${title}, a sample of ${whole(shown.length)} utterances` : title;
  const facts = `${quantity(all.length, "utterance")}; the line is a robust local fit (LOESS)`;
  const heading = headed("Scatter plot", name, facts, width);
  if (all.length === 0) return chart(emptyView("No utterances", { width, height }), heading);
  const [shortest, longest] = [all[0].seconds, all[all.length - 1].seconds];
  const isWide = longest / shortest > 20;
  const line = smoothLine(all, isWide);
  const free = { zero: false, nice: false, padding: 12 };
  const x = numeric(
    "seconds",
    isWide ? { type: "log", nice: false, domain: [shortest * 0.9, longest * 1.1] } : free,
    { title: `length (seconds${isWide ? ", logarithmic" : ""})`, grid: false, format: "~g", tickCount: 8 },
  );
  const y = numeric("similarity", free, { title: "cosine similarity", format: ".2~f", tickCount: 6 });
  const view = {
    width,
    height,
    layer: [
      {
        params: [zoom],
        data: {
          values: shown.map((row) => ({
            key: shorten(row.key, 60),
            speaker: shorten(speakerOf(row), 60),
            seconds: tidy(row.seconds, 4),
            similarity: tidy(row.similarity, 4),
          })),
        },
        mark: {
          type: "point",
          filled: true,
          clip: true,
          color: colors.line,
          opacity: shown.length > 500 ? 0.35 : 0.6,
          size: 32,
          aria: false,
        },
        encoding: {
          x,
          y,
          tooltip: [
            { field: "key", title: "utterance" },
            { field: "speaker" },
            { field: "seconds", format: ".1f" },
            { field: "similarity", format: ".3f" },
          ],
        },
      },
      {
        data: { values: line },
        mark: {
          type: "line",
          clip: true,
          color: colors.accent,
          strokeWidth: 2.5,
          interpolate: "monotone",
          ...silent,
        },
        encoding: { x, y },
      },
    ],
  };
  return chart(view, heading);
}

/** At even distances on the axis as it is drawn. */
function smoothLine(rows: readonly { seconds: number; similarity: number }[], isWide: boolean) {
  const [place, seconds] = isWide ? [Math.log, Math.exp] : [Number, Number];
  const x = Float64Array.from(rows, (row) => place(row.seconds));
  const y = Float64Array.from(rows, (row) => row.similarity);
  const [first, last] = [x[0], x[x.length - 1]];
  const points = last > first ? LINE_POINTS : 1;
  const at = Float64Array.from(
    { length: points },
    (_, k) => first + (k / Math.max(1, points - 1)) * (last - first),
  );
  const fitted = loess(x, y, at);
  return Array.from(at, (where, k) => ({
    seconds: tidy(seconds(where), 4),
    similarity: tidy(Math.min(1, fitted[k]), 4),
  }));
}
