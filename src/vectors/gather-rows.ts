/** Some rows of a matrix of `width` columns, one behind the other. */
export function gatherRows(
  values: Float64Array | Float32Array,
  rows: Int32Array,
  width: number,
): Float64Array {
  const block = new Float64Array(rows.length * width);
  rows.forEach((i, row) => {
    block.set(values.subarray(i * width, (i + 1) * width), row * width);
  });
  return block;
}
