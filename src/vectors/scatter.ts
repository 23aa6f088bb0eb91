/**
 * The sum of the outer products of rows with themselves, Float64Array (dimension, dimension), symmetric.
 *
 * @param rows row-major, (n, dimension)
 */
export function scatter(rows: Float32Array | Float64Array, dimension: number): Float64Array {
  const sum = new Float64Array(dimension * dimension);
  for (let at = 0; at < rows.length; at += dimension)
    for (let p = 0; p < dimension; p++) {
      const x = rows[at + p];
      for (let q = p; q < dimension; q++) sum[p * dimension + q] += x * rows[at + q];
    }
  for (let p = 0; p < dimension; p++)
    for (let q = 0; q < p; q++) sum[p * dimension + q] = sum[q * dimension + p];
  return sum;
}
