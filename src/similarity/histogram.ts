import type { Histogram, Matrix } from "../types.js";

export const bins = 200;

/** Pairs are counted in bins of half a thousandth, which is where the search for the median starts. */
export const fineBins = 4000;
const finePerBin = fineBins / bins;

/** Edge f of the fine bins: exactly that of the float64 quotient. */
export const fineEdge = (f: number) => (f - fineBins / 2) / (fineBins / 2);

/** The histogram of fine counts. */
export function histogramOfFine(fine: Float64Array): Histogram {
  const histogram = emptyHistogram();
  for (let f = 0; f < fineBins; f++) histogram.counts[Math.floor(f / finePerBin)] += fine[f];
  return histogram;
}

/** Counts of pair similarities in 200 bins of width 0.01 over [-1, 1]; a value beyond 1 by rounding is in the last bin. */
export const emptyHistogram = (): Histogram => ({
  edges: Float64Array.from({ length: bins + 1 }, (_, b) => (b - 100) / 100),
  counts: new Float64Array(bins),
});

/** The least float32 that is not below a float64: a float32 is >= x exactly when it is >= this. */
export function leastFloatFrom(x: number): number {
  const near = Math.fround(x);
  return near >= x ? near : nextFloat(near);
}

/** The next larger float32. */
export function nextFloat(x: number): number {
  if (x === 0) return 2 ** -149;
  const bits = new Int32Array(new Float32Array([x]).buffer);
  bits[0] += x > 0 ? 1 : -1;
  return new Float32Array(bits.buffer)[0];
}

/** The histogram over the pairs i < j of a matrix. */
export function histogramOf(matrix: Matrix | undefined): Histogram | undefined {
  if (matrix === undefined) return undefined;
  const histogram = emptyHistogram();
  const { edges, counts } = histogram;
  for (let i = 0; i < matrix.rows; i++)
    for (let j = i + 1; j < matrix.columns; j++) {
      const value = matrix.data[i * matrix.columns + j];
      let b = Math.min(bins - 1, Math.max(0, Math.round(value * 100) + 100));
      if (value < edges[b]) b--;
      counts[Math.max(0, b)]++;
    }
  return histogram;
}
