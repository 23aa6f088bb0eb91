/** The sum of numbers, the same for any order of them: sums depend on it in their last digits. */
export const orderedSum = (values: Iterable<number>): number =>
  [...values].sort((a, b) => a - b).reduce((sum, x) => sum + x, 0);
