import type { Histogram, Matrix } from "../types.js";

const bins = 200;

/** Pairs are counted in bins of 2e-6, which tell every quantile to as much. */
export const fineBins = 1_000_000;

/** The histogram of fine counts: 200 bins of width 0.01 over [-1, 1]; a value beyond 1 by rounding is in the last bin. */
export function histogramOfFine(fine: Float64Array): Histogram {
  const counts = new Float64Array(bins);
  const perBin = fine.length / bins;
  for (let f = 0; f < fine.length; f++) counts[Math.floor(f / perBin)] += fine[f];
  return { edges: Float64Array.from({ length: bins + 1 }, (_, b) => (b - bins / 2) / (bins / 2)), counts };
}

/** The bin of a float32; the product is exact in float64. */
const fineBinOf = (value: number) =>
  Math.min(fineBins - 1, Math.max(0, Math.floor(value * (fineBins / 2)) + fineBins / 2));

/** The histogram over the pairs i < j of a matrix. */
export function histogramOf(matrix: Matrix | undefined): Histogram | undefined {
  if (matrix === undefined) return undefined;
  const fine = new Float64Array(fineBins);
  for (let i = 0; i < matrix.rows; i++)
    for (let j = i + 1; j < matrix.columns; j++) fine[fineBinOf(matrix.data[i * matrix.columns + j])]++;
  return histogramOfFine(fine);
}

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
  const found: number[] = [];
  // Comparing with the edges is quicker than finding every bin; the outermost ones are open.
  const low = first === 0 ? -Infinity : first / (fineBins / 2) - 1;
  const high = last === fineBins - 1 ? Infinity : (last + 1) / (fineBins / 2) - 1;
  for (let i = 0; i < rows; i++)
    for (let j = firstColumn(i); j < columns; j++) {
      const value = data[i * columns + j];
      if (value >= low && value <= high) {
        const bin = fineBinOf(value);
        if (bin >= first && bin <= last) found.push(value);
      }
    }
  return Float32Array.from(found);
}
