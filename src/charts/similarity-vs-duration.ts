import { quantity, shorten, whole } from "../shared/text.js";
import { tidy } from "./bins.js";
import { type Chart, chart, colors, emptyView, headed, numeric, silent } from "./chart.js";
import { sample } from "./groups.js";
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

/** Fewest utterances per point of the median line. */
const GROUP = 10;

/**
 * Shows whether short utterances are less similar to their speaker: a dot per utterance, and the running median over all
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
  const shown = sample(all, maxPoints);
  const sampled = shown.length < all.length;
  const name = sampled ? `${title}, a sample of ${whole(shown.length)} utterances` : title;
  const facts = `${quantity(all.length, "utterance")}; the line is the median along the lengths`;
  const heading = headed("Scatter plot", name, facts, width);
  if (all.length === 0) return chart(emptyView("No utterances", { width, height }), heading);
  const [shortest, longest] = [all[0].seconds, all[all.length - 1].seconds];
  const group = Math.max(GROUP, Math.ceil(all.length / 20));
  const medians = [];
  for (let start = 0; start + Math.min(group, all.length) <= all.length; start += group) {
    const part = all.slice(start, start + group);
    const middle = Math.floor(part.length / 2);
    const similarities = part.map(({ similarity }) => similarity).sort((a, b) => a - b);
    medians.push({ seconds: tidy(part[middle].seconds, 4), similarity: tidy(similarities[middle], 4) });
  }
  const isWide = longest / shortest > 20;
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
        data: { values: medians },
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
