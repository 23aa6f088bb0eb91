/** The sum of rows, Float64Array (dimension). */
export function sumOfRows(rows: Float32Array, dimension: number): Float64Array {
  const sum = new Float64Array(dimension);
  for (let at = 0; at < rows.length; at += dimension)
    for (let k = 0; k < dimension; k++) sum[k] += rows[at + k];
  return sum;
}
