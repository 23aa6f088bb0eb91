/**
 * The score of `pldaScore` for a row against sets of rows, as a function of the set and of the place of the row in an array:
 * what depends on the sets alone is computed once. Counts need not be whole.
 *
 * With n rows of mean m in a set, on an axis with the variance ψ between speakers: x² (1/(ψ+1) - 1/s) / 2 + x w m / s + ..., where
 * w = nψ/(nψ+1) and s = ψ/(nψ+1) + 1.
 */
export function setScores(between: Float64Array, counts: Float64Array, means: Float64Array) {
  const rank = between.length;
  const squares = new Float64Array(counts.length * rank);
  const slopes = new Float64Array(counts.length * rank);
  const constants = new Float64Array(counts.length);
  counts.forEach((n, set) => {
    for (let r = 0, at = set * rank; r < rank; r++, at++) {
      const known = n * between[r] + 1;
      const same = between[r] / known + 1;
      const pull = (n * between[r] * means[at]) / known;
      squares[at] = (1 / (between[r] + 1) - 1 / same) / 2;
      slopes[at] = pull / same;
      constants[set] += (Math.log((between[r] + 1) / same) - (pull * pull) / same) / 2;
    }
  });
  return (set: number, rows: Float64Array, from: number): number => {
    let sum = constants[set];
    for (let r = 0, at = set * rank; r < rank; r++, at++) {
      const x = rows[from + r];
      sum += x * (x * squares[at] + slopes[at]);
    }
    return sum;
  };
}
