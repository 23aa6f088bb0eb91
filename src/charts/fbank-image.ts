import { invalid } from "../errors.js";
import type { Matrix } from "../types.js";
import { tidy } from "./bins.js";
import { type Chart, chart, emptyView, headed, numeric } from "./chart.js";
import { zoomX } from "./zoom.js";

export interface FbankImageOptions {
  /** Default "Filter bank features". */
  title?: string;
  /** Seconds from one frame to the next; default 0.01. */
  frameShiftSeconds?: number;
  /** Most pixels; default 680. */
  width?: number;
  /** Most pixels; default 240. */
  height?: number;
}

const MAX_COLUMNS = 600;
const MAX_BANDS = 80;

/**
 * Filter bank features, which are what the model sees, as a picture: time to the right, frequency upwards. More than 600
 * frames or 80 bands are averaged, and the title says so. The colour scale runs from the 1st to the 99th percentile.
 *
 * @param features Matrix (frames, bands), natural log energies, normalised or not
 * @throws `invalid` when the matrix does not hold rows x columns numbers
 *
 * @example
 * fbankImage(await fbank(await loadAudio("data/speech/test-other/533/533-1066-0000.flac")))
 */
export function fbankImage(
  { data, rows, columns }: Matrix,
  {
    title = "Filter bank features",
    frameShiftSeconds = 0.01,
    width: maxWidth = 680,
    height: maxHeight = 240,
  }: FbankImageOptions = {},
): Chart {
  if (data.length !== rows * columns)
    throw invalid(`The features hold ${data.length} values instead of ${rows} x ${columns}.`);
  if (rows === 0 || columns === 0)
    return chart(emptyView("No frames", { width: maxWidth, height: 160 }), {
      title,
      width: maxWidth,
      description: `${title}: no frames.`,
    });
  const frames = Math.ceil(rows / MAX_COLUMNS);
  const bands = Math.ceil(columns / MAX_BANDS);
  const across = Math.ceil(rows / frames);
  const up = Math.ceil(columns / bands);
  // Cells cover whole pixels, or the background would shine through between them.
  const width = across * Math.max(1, Math.floor(maxWidth / across));
  const height = up * Math.max(1, Math.floor(maxHeight / up));
  const sums = new Float64Array(across * up);
  const counts = new Float64Array(across * up);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const value = data[r * columns + c];
      if (!Number.isFinite(value)) continue;
      const cell = Math.floor(r / frames) * up + Math.floor(c / bands);
      sums[cell] += value;
      counts[cell]++;
    }
  }
  const means = sums.map((sum, cell) => sum / counts[cell]);
  const sorted = means.filter(Number.isFinite).sort();
  const low = sorted[Math.floor(sorted.length * 0.01)] ?? 0;
  const high = sorted[Math.floor((sorted.length - 1) * 0.99)] ?? 1;
  const cells = Array.from(means, (value) => Math.round((Number.isFinite(value) ? value : low) * 100) / 100);
  const seconds = tidy(frames * frameShiftSeconds);
  const averaged = [frames > 1 ? `${frames} frames` : "", bands > 1 ? `${bands} bands` : ""].filter(Boolean);
  const facts = `${rows} frames of ${columns} bands, ${tidy(rows * frameShiftSeconds, 3)} s${averaged.length > 0 ? `; each cell is the mean of ${averaged.join(" by ")}` : ""}`;
  const view = {
    width,
    height,
    params: [zoomX],
    data: { values: cells },
    transform: [
      { window: [{ op: "row_number", as: "position" }] },
      { calculate: `floor((datum.position - 1) / ${up}) * ${seconds}`, as: "from" },
      { calculate: `datum.from + ${seconds}`, as: "to" },
      { calculate: `(datum.position - 1) % ${up} * ${bands} + 1`, as: "band" },
      { calculate: "datum.band - 0.5", as: "bottom" },
      { calculate: `datum.band + ${bands} - 0.5`, as: "top" },
    ],
    mark: { type: "rect", clip: true, aria: false },
    encoding: {
      x: numeric(
        "from",
        { domain: [0, tidy(across * seconds)], nice: false },
        { title: "time (seconds)", grid: false },
      ),
      x2: { field: "to" },
      y: numeric(
        "bottom",
        { domain: [0.5, up * bands + 0.5], nice: false, zero: false },
        { title: "mel band", grid: false, tickCount: 5 },
      ),
      y2: { field: "top" },
      color: {
        field: "data",
        type: "quantitative",
        scale: {
          domain: [tidy(low, 3), tidy(high > low ? high : low + 1, 3)],
          clamp: true,
          scheme: "viridis",
        },
        legend: { title: ["log", "energy"], gradientLength: Math.min(160, height), tickCount: 5 },
      },
      tooltip: [
        { field: "from", title: "seconds", format: ".2f" },
        { field: "band", title: "mel band" },
        { field: "data", title: "log energy", format: ".2f" },
      ],
    },
  };
  return chart(view, headed("Picture of features", title, facts, Math.max(width, 300)));
}
