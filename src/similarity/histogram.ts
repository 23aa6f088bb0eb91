import type { Histogram, Matrix } from "../types.js";

const bins = 200;

/** Bins of width 2e-6 give every quantile to the same accuracy. */
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
  const [low, high] = [Math.floor((count - 1) / 2), Math.floor(count / 2)].map((rank) => {
    let [bin, below] = [0, 0];
    while (rank >= below + fine[bin]) below += fine[bin++];
    return { bin, below, rank };
  });
  if (valuesOf !== undefined) {
    const values = valuesOf(low.bin, high.bin).sort();
    return (values[low.rank - low.below] + values[high.rank - low.below]) / 2;
  }
  const spread = ({ bin, below, rank }: typeof low) =>
    (bin + (rank - below + 0.5) / fine[bin]) / (fineBins / 2) - 1;
  return (spread(low) + spread(high)) / 2;
}

/** The values of a matrix in some fine bins; `firstColumn` says where the pairs of a row begin. */
export function valuesInBins(
  { data, rows, columns }: Matrix,
  firstColumn: (row: number) => number,
  first: number,
  last: number,
): Float32Array {
  const values: number[] = [];
  for (let i = 0; i < rows; i++)
    for (let j = firstColumn(i); j < columns; j++) {
      const value = data[i * columns + j];
      // The product is exact in float64.
      const bin = Math.floor(value * (fineBins / 2)) + fineBins / 2;
      if (Math.max(bin, 0) >= first && Math.min(bin, fineBins - 1) <= last) values.push(value);
    }
  return Float32Array.from(values);
}
