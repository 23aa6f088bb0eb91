import type { Histogram } from "../types.js";

/** One bar of a histogram. */
export interface Bin {
  from: number;
  to: number;
  count: number;
}

/** With more bars than this, bars are narrower than the gaps between them. */
const MOST_BINS = 60;

export function total({ counts }: Pick<Histogram, "counts">): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/**
 * The value below which the share `p` of the counts lies, interpolated within its bin, so exact to a bin's width. NaN for
 * an empty histogram.
 */
export function quantile(histogram: Histogram, p: number): number {
  const { edges, counts } = histogram;
  const target = p * total(histogram);
  let below = 0;
  for (let b = 0; b < counts.length; b++) {
    if (counts[b] > 0 && below + counts[b] >= target) {
      return edges[b] + ((target - below) / counts[b]) * (edges[b + 1] - edges[b]);
    }
    below += counts[b];
  }
  return Number.NaN;
}

/** How many bins to merge into one bar, by the rule of Freedman and Diaconis (1981). */
export function suitableMerge(histogram: Histogram): number {
  const { edges, counts } = histogram;
  const n = total(histogram);
  if (n === 0) return 1;
  const width = edges[1] - edges[0];
  const spread = quantile(histogram, 0.75) - quantile(histogram, 0.25);
  const wanted = (2 * spread) / Math.cbrt(n);
  const range = counts.findLastIndex((count) => count > 0) - counts.findIndex((count) => count > 0) + 1;
  const fewest = Math.max(wanted / width / 2, range / MOST_BINS);
  return [1, 2, 4, 5, 10].find((k) => k >= fewest) ?? 10;
}

/** The occupied range of a histogram in wider bins, each made of whole original bins. */
export function rebin(histogram: Histogram, merge = suitableMerge(histogram)): Bin[] {
  const { edges, counts } = histogram;
  if (total(histogram) === 0) return [];
  const bins: Bin[] = [];
  for (let b = 0; b < counts.length; b += merge) {
    const end = Math.min(b + merge, counts.length);
    bins.push({
      from: tidy(edges[b]),
      to: tidy(edges[end]),
      count: total({ counts: counts.subarray(b, end) }),
    });
  }
  const occupied = (bin: Bin) => bin.count > 0;
  return bins.slice(bins.findIndex(occupied), bins.findLastIndex(occupied) + 1);
}

/** About how many round bins there are. */
const ROUND_BINS = 24;

/** Equal bins over positive quantities such as seconds, with round edges. */
export function roundBins(values: ArrayLike<number>): Bin[] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    low = Math.min(low, values[i]);
    high = Math.max(high, values[i]);
  }
  if (values.length === 0) return [];
  const rough = (high - low || 1) / ROUND_BINS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const width = power * ([1, 2, 5, 10].find((k) => k * power >= rough) ?? 10);
  // 0.3 / 0.1 is a little less than 3, though 0.3 begins the bin.
  const placeOf = (value: number) => {
    const nearest = Math.round(value / width);
    return value < tidy(nearest * width, 12) ? nearest - 1 : nearest;
  };
  const first = placeOf(low);
  const counts = new Float64Array(placeOf(high) - first + 1);
  for (let i = 0; i < values.length; i++) counts[placeOf(values[i]) - first]++;
  return Array.from(counts, (count, k) => ({
    from: tidy((first + k) * width, 12),
    to: tidy((first + k + 1) * width, 12),
    count,
  }));
}

/** A number without the noise of binary fractions: 0.15000000000000002 becomes 0.15. */
export function tidy(value: number, digits = 6): number {
  return Number(value.toPrecision(digits));
}
