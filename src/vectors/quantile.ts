/** Quantile of ascending values, interpolated linearly; `part` from 0 to 1. */
export function quantile(ascending: Float64Array, part: number): number {
  const at = part * (ascending.length - 1);
  const below = Math.floor(at);
  const above = Math.min(ascending.length - 1, below + 1);
  return ascending[below] + (at - below) * (ascending[above] - ascending[below]);
}
