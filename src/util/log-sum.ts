/** log(exp(a) + exp(b)), without an overflow; -Infinity stands for log(0). */
export const logSum = (a: number, b: number): number =>
  Math.max(a, b) + (Math.min(a, b) === -Infinity ? 0 : Math.log1p(Math.exp(-Math.abs(a - b))));
