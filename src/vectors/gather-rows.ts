/** Some rows of a matrix of `width` columns, one behind the other. */
export function gatherRows<Values extends Float64Array | Float32Array>(
  values: Values,
  rows: ArrayLike<number>,
  width: number,
): Values {
  const block = new (values.constructor as new (length: number) => Values)(rows.length * width);
  for (let row = 0; row < rows.length; row++)
    block.set(values.subarray(rows[row] * width, (rows[row] + 1) * width), row * width);
  return block;
}
