/**
 * The sum of some similarities and that of their squares, as whole numbers of 1 / scale: in whatever order parts are added,
 * the same comes out.
 */
export interface Sums {
  sum: bigint;
  squares: bigint;
}

/** The finest scale, a power of two, at which the sums of so many similarities fit into 64 bits. */
export const scaleFor = (total: number) => 2 ** Math.max(0, 61 - Math.ceil(Math.log2(total + 1)));

/** Mean and population standard deviation; NaN of no similarities. */
export function meanAndStd({ sum, squares }: Sums, count: number, scale: number) {
  // Variance times the square of count times scale: whole numbers, so that nothing cancels.
  const spread = BigInt(count) * squares * BigInt(scale) - sum * sum;
  return {
    mean: Number(sum) / scale / count,
    std: Math.sqrt(Math.max(0, Number(spread))) / scale / count,
  };
}
