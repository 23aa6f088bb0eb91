import type { Histogram } from "../types.js";

const bars = 60;
const [width, height] = [300, 40];
const blocks = "▁▂▃▄▅▆▇█";

/** Counts as a small picture in SVG, from the lowest bin that holds any to the highest. */
export function sparkline(histogram: Histogram): string {
  const { counts, low, high } = coarse(histogram);
  const step = width / counts.length;
  const path = heights(counts, height)
    .map((tall, i) =>
      tall === 0 ? "" : `M${round(i * step)} ${height}v${-tall}h${round(step * 0.85)}v${tall}z`,
    )
    .join("");
  return (
    `<svg class="sparkline" width="${width}" height="${height}" role="img" aria-label="Histogram from ${low} to ${high}">` +
    `<path d="${path}" fill="#2f6da8"/></svg>` +
    `<p style="width:${width}px;display:flex;justify-content:space-between;margin:0;opacity:.7"><span>${low}</span><span>${high}</span></p>`
  );
}

/** The same in block characters. */
export function textSparkline(histogram: Histogram): string {
  const { counts, low, high } = coarse(histogram);
  const line = heights(counts, blocks.length).map((tall) => (tall === 0 ? " " : blocks[Math.ceil(tall) - 1]));
  return `${low} ${line.join("")} ${high}`;
}

const round = (value: number) => Number(value.toFixed(1));

/** What holds a count is never too small to be seen: the few pairs of one person are what one looks for. */
function heights(counts: readonly number[], tallest: number): number[] {
  const most = Math.max(...counts);
  return counts.map((count) => (count === 0 ? 0 : round(Math.max(1, (count / most) * tallest))));
}

/** At most 60 bars over the bins between the first and the last that hold anything. */
function coarse({ edges, counts }: Histogram) {
  const from = counts.findIndex((count) => count > 0);
  const to = counts.findLastIndex((count) => count > 0) + 1;
  const each = Math.ceil((to - from) / bars);
  const joined: number[] = [];
  for (let bin = from; bin < to; bin += each)
    joined.push(counts.subarray(bin, Math.min(to, bin + each)).reduce((sum, count) => sum + count, 0));
  return { counts: joined, low: edges[from].toFixed(2), high: edges[to].toFixed(2) };
}

/** Whether there is anything to draw. */
export const hasCounts = ({ counts }: Histogram): boolean => counts.some((count) => count > 0);
