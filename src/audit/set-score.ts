/**
 * The score of `pldaScore` for two sets of fixed counts, as a function of their means at places in two arrays. What depends
 * on the counts alone is computed once.
 */
export function setScore(between: Float64Array, first: number, second: number) {
  const rank = between.length;
  const weight = new Float64Array(rank);
  const other = new Float64Array(rank);
  const same = new Float64Array(rank);
  let constant = 0;
  for (let r = 0; r < rank; r++) {
    const known = first * between[r] + 1;
    weight[r] = (first * between[r]) / known;
    same[r] = 1 / (between[r] / known + 1 / second);
    other[r] = 1 / (between[r] + 1 / second);
    constant += Math.log(same[r] / other[r]);
  }
  return (a: Float64Array, p: number, b: Float64Array, q: number): number => {
    let sum = constant;
    for (let r = 0; r < rank; r++) {
      const x = b[q + r];
      const gap = x - weight[r] * a[p + r];
      sum += x * x * other[r] - gap * gap * same[r];
    }
    return sum / 2;
  };
}

export type SetScore = ReturnType<typeof setScore>;

/** `setScore`, each pair of counts computed once. */
export function setScores(between: Float64Array) {
  const scores = new Map<number, SetScore>();
  return (first: number, second: number): SetScore => {
    const key = first * 2 ** 26 + second;
    let score = scores.get(key);
    if (score === undefined) {
      // Large corpora have many pairs of counts.
      if (scores.size > 5_000) scores.clear();
      score = setScore(between, first, second);
      scores.set(key, score);
    }
    return score;
  };
}
