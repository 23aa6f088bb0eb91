import type { Histogram, Matrix } from "../types.js";

const bins = 200;

/** Pairs are counted in bins of 2e-6, which tell every quantile to as much. */
export const fineBins = 1_000_000;

/** The histogram of fine counts: 200 bins of width 0.01 over [-1, 1]; a value beyond 1 by rounding is in the last bin. */
export function histogramOfFine(fine: Float64Array): Histogram {
  const histogram = emptyHistogram();
  const perBin = fine.length / bins;
  for (let f = 0; f < fine.length; f++) histogram.counts[Math.floor(f / perBin)] += fine[f];
  return histogram;
}

/** The same of similarities in lists; NaN is not counted. */
export function histogramOf(lists: Iterable<ArrayLike<number>>): Histogram {
  const { edges, counts } = emptyHistogram();
  for (const values of lists)
    for (let i = 0; i < values.length; i++) {
      if (Number.isNaN(values[i])) continue;
      // Rounding may carry a product over an edge, so the nearest edge itself decides.
      const nearest = Math.round(values[i] * (bins / 2)) + bins / 2;
      counts[Math.max(0, Math.min(bins - 1, values[i] < edges[nearest] ? nearest - 1 : nearest))]++;
    }
  return { edges, counts };
}

const emptyHistogram = (): Histogram => ({
  edges: Float64Array.from({ length: bins + 1 }, (_, b) => (b - bins / 2) / (bins / 2)),
  counts: new Float64Array(bins),
});

/** The fine bin of a float32; the product is exact in float64. */
const fineBinOf = (value: number) =>
  Math.min(fineBins - 1, Math.max(0, Math.floor(value * (fineBins / 2)) + fineBins / 2));

/**
 * The median of the counted values, to 2e-6: values are taken to lie evenly in their bin.
 *
 * @param valuesOf gives all values from one bin to another, where they are at hand: then the median is exact
 */
export function medianOf(
  fine: Float64Array,
  count: number,
  valuesOf?: (first: number, last: number) => Float32Array,
): number {
  const [low, high] = [Math.floor((count - 1) / 2), Math.floor(count / 2)].map((rank) => placeOf(fine, rank));
  if (valuesOf === undefined) return (spread(fine, low) + spread(fine, high)) / 2;
  const values = valuesOf(low.bin, high.bin).sort();
  return (values[low.rank - low.below] + values[high.rank - low.below]) / 2;
}

interface Place {
  rank: number;
  bin: number;
  /** Values in the bins below. */
  below: number;
}

function placeOf(fine: Float64Array, rank: number): Place {
  let [bin, below] = [0, 0];
  while (rank >= below + fine[bin]) below += fine[bin++];
  return { rank, bin, below };
}

const spread = (fine: Float64Array, { rank, bin, below }: Place) =>
  (bin + (rank - below + 0.5) / fine[bin]) / (fineBins / 2) - 1;

/** The values of a matrix in some fine bins; `firstColumn` says where the pairs of a row begin. */
export function valuesInBins(
  { data, rows, columns }: Matrix,
  firstColumn: (row: number) => number,
  first: number,
  last: number,
): Float32Array {
  const values: number[] = [];
  // Comparing with the edges is quicker than finding every bin; the outermost ones are open.
  const low = first === 0 ? -Infinity : first / (fineBins / 2) - 1;
  const high = last === fineBins - 1 ? Infinity : (last + 1) / (fineBins / 2) - 1;
  for (let i = 0; i < rows; i++)
    for (let j = firstColumn(i); j < columns; j++) {
      const value = data[i * columns + j];
      if (value >= low && value <= high) {
        const bin = fineBinOf(value);
        if (bin >= first && bin <= last) values.push(value);
      }
    }
  return Float32Array.from(values);
}
