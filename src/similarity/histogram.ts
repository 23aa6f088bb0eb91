import type { Histogram, Matrix } from "../types.js";

export const bins = 200;

/** Counts of pair similarities in 200 bins of width 0.01 over [-1, 1]; a value beyond 1 by rounding is in the last bin. */
export const emptyHistogram = (): Histogram => ({
  edges: Float64Array.from({ length: bins + 1 }, (_, b) => (b - 100) / 100),
  counts: new Float64Array(bins),
});

/** The least float32 that is not below a float64: a float32 is >= x exactly when it is >= this. */
export function leastFloatFrom(x: number): number {
  const near = Math.fround(x);
  if (near >= x) return near;
  const bits = new Int32Array(new Float32Array([near]).buffer);
  bits[0] += near > 0 ? 1 : -1;
  return near === 0 ? 2 ** -149 : new Float32Array(bits.buffer)[0];
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
