import { invalid } from "../errors.js";
import type { Signal } from "../types.js";
import { tidy } from "./bins.js";
import { type Chart, chart, colors, emptyView, numeric } from "./chart.js";
import { zoomX } from "./zoom.js";

export interface WaveformOptions {
  /** Default "Waveform". */
  title?: string;
  /** Most numbers to draw: of longer signals, the smallest and largest sample of equal stretches. Default 2000. */
  maxPoints?: number;
  /** Pixels; default 680. */
  width?: number;
  /** Default 130. */
  height?: number;
}

/**
 * A signal over time: the range from the smallest to the largest sample in light, the root mean square in dark. Drag
 * to pan, Ctrl + wheel to zoom.
 *
 * @param signal Float32Array in [-1, 1] and its rate
 * @throws `invalid` when the rate is no positive number
 *
 * @example
 * waveform(await loadAudio("data/speech/studio/103/103-1240-0000-part0.flac"))
 */
export function waveform(
  { samples, sampleRate }: Signal,
  { title = "Waveform", maxPoints = 2000, width = 680, height = 130 }: WaveformOptions = {},
): Chart {
  if (!(sampleRate > 0))
    throw invalid(
      `The sample rate of a waveform must be a positive number of samples per second, not ${sampleRate}.`,
    );
  const n = samples.length;
  if (n === 0)
    return chart(emptyView("No samples", { width, height }), {
      title,
      width,
      description: `${title}: empty.`,
    });
  const stretch = Math.max(1, Math.ceil((2 * n) / maxPoints));
  const values = [];
  let peak = 0;
  for (let start = 0; start < n; start += stretch) {
    const end = Math.min(n, start + stretch);
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    let power = 0;
    for (let i = start; i < end; i++) {
      low = Math.min(low, samples[i]);
      high = Math.max(high, samples[i]);
      power += samples[i] ** 2;
    }
    const rms = Math.sqrt(power / (end - start));
    peak = Math.max(peak, -low, high);
    const time = tidy((start + end - 1) / 2 / sampleRate, 6);
    values.push({ time, low: tidy(low, 3), high: tidy(high, 3), rms: tidy(rms, 3), under: -tidy(rms, 3) });
  }
  const facts = `${tidy(n / sampleRate, 3)} s at ${tidy(sampleRate / 1000)} kHz, ${peak > 0 ? `peak ${level(peak)} dBFS` : "digital silence"}`;
  const reach = (peak || 1) * 1.05;
  const x = numeric(
    "time",
    { domain: [0, tidy(n / sampleRate, 6)], nice: false },
    { title: "time (seconds)", grid: false },
  );
  const y = (field: string) =>
    numeric(field, { domain: [-reach, reach], nice: false }, { title: "amplitude", tickCount: 5 });
  const tooltip = [
    { field: "time", title: "seconds", format: ".3f" },
    { field: "low", title: "smallest", format: ".3f" },
    { field: "high", title: "largest", format: ".3f" },
    { field: "rms", title: "RMS", format: ".3f" },
  ];
  const line = { x, y: y("low"), tooltip };
  const view = {
    width,
    height,
    data: { values },
    layer:
      stretch === 1
        ? [
            {
              params: [zoomX],
              mark: { type: "line", clip: true, color: colors.line, strokeWidth: 1, aria: false },
              encoding: line,
            },
          ]
        : [
            {
              params: [zoomX],
              mark: { type: "area", clip: true, color: colors.main, aria: false },
              encoding: { ...line, y2: { field: "high" } },
            },
            {
              mark: { type: "area", clip: true, color: colors.mean, opacity: 0.85, aria: false },
              encoding: { x, y: y("under"), y2: { field: "rms" }, tooltip },
            },
          ],
  };
  return chart(view, {
    title,
    subtitle: stretch === 1 ? facts : `${facts}; light: smallest to largest sample, dark: root mean square`,
    width,
    description: `Waveform. ${title}: ${facts}.`,
  });
}

function level(peak: number): string {
  return (20 * Math.log10(peak)).toFixed(1).replace("-0.0", "0.0").replace("-", "−");
}
