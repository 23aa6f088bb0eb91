type Numbers = Float32Array | Float64Array;

/** The dot product of row i of one matrix and row j of another, row-major, summed in float64. */
export function dot(a: Numbers, i: number, b: Numbers, j: number, dimension: number): number {
  let sum = 0;
  for (let k = 0, p = i * dimension, q = j * dimension; k < dimension; k++) sum += a[p + k] * b[q + k];
  return sum;
}
