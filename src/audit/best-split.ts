/** Rows in two parts. */
export interface Split {
  /** Uint8Array (rows): 1 for the smaller part. */
  isFirst: Uint8Array;
  /** The log likelihood ratio of two people against one. */
  ratio: number;
}

/** Fewer rows are no person of their own. */
const leastRows = 2;
const mostMoves = 20;

/**
 * The split in two that speaks most for two people: two-means from two starts, then row after row is moved while that helps.
 *
 * @param rows Float64Array (n, rank), on the axes of a model
 * @returns undefined where there are fewer than four rows
 */
export function bestSplit(rows: Float64Array, between: Float64Array): Split | undefined {
  const rank = between.length;
  const n = rank === 0 ? 0 : rows.length / rank;
  if (n < 2 * leastRows) return undefined;
  const weights = between.map((psi) => psi / (psi + 1));
  const distance = (i: number, centre: Float64Array) => {
    let sum = 0;
    for (let r = 0; r < rank; r++) sum += weights[r] * (rows[i * rank + r] - centre[r]) ** 2;
    return sum;
  };
  const rowAt = (i: number) => rows.subarray(i * rank, (i + 1) * rank);
  const farthest = (centre: Float64Array) => {
    let [best, most] = [0, -1];
    for (let i = 0; i < n; i++) {
      const far = distance(i, centre);
      if (far > most) [best, most] = [i, far];
    }
    return best;
  };
  const middle = new Float64Array(rank);
  for (let at = 0; at < rows.length; at++) middle[at % rank] += rows[at] / n;
  const outer = farthest(middle);
  const opposite = farthest(rowAt(outer));
  const beyond = farthest(rowAt(opposite));
  let best: Split | undefined;
  for (const [a, b] of [
    [rowAt(outer), rowAt(opposite)],
    [rowAt(opposite), rowAt(beyond)],
    [rowAt(outer), middle],
  ]) {
    const found = improved(rows, between, twoMeans(a, b));
    if (found !== undefined && (best === undefined || found.ratio > best.ratio)) best = found;
  }
  return best;

  function twoMeans(a: Float64Array, b: Float64Array): Uint8Array {
    let centres = [a, b];
    const isFirst = new Uint8Array(n);
    for (let round = 0; round < 10; round++) {
      const sums = [new Float64Array(rank), new Float64Array(rank)];
      const counts = [0, 0];
      let changed = round === 0;
      for (let i = 0; i < n; i++) {
        const first = Number(distance(i, centres[0]) < distance(i, centres[1]));
        changed ||= isFirst[i] !== first;
        isFirst[i] = first;
        counts[1 - first]++;
        for (let r = 0; r < rank; r++) sums[1 - first][r] += rows[i * rank + r];
      }
      if (!changed || counts[0] === 0 || counts[1] === 0) break;
      centres = sums.map((sum, c) => sum.map((x) => x / counts[c]));
    }
    return isFirst;
  }
}

/** Moves rows from one part to the other, the best one first, while that raises the ratio. */
function improved(rows: Float64Array, between: Float64Array, isFirst: Uint8Array): Split | undefined {
  const rank = between.length;
  const n = isFirst.length;
  const total = new Float64Array(rank);
  const first = new Float64Array(rank);
  let count = 0;
  for (let i = 0; i < n; i++) {
    count += isFirst[i];
    for (let r = 0; r < rank; r++) {
      total[r] += rows[i * rank + r];
      if (isFirst[i]) first[r] += rows[i * rank + r];
    }
  }
  const ratios = Array.from({ length: n + 1 }, () => undefined as ReturnType<typeof splitRatio> | undefined);
  const ratioOf = (k: number, moved: number, sign: number) => {
    if (k < leastRows || n - k < leastRows) return -Infinity;
    ratios[k] ??= splitRatio(between, k, n - k);
    return ratios[k](first, rows, moved * rank, sign, total);
  };
  let ratio = ratioOf(count, 0, 0);
  for (let move = 0; move < mostMoves; move++) {
    let [best, most] = [-1, ratio + 1e-9];
    for (let i = 0; i < n; i++) {
      const sign = isFirst[i] ? -1 : 1;
      const moved = ratioOf(count + sign, i, sign);
      if (moved > most) [best, most] = [i, moved];
    }
    // Neither part may be too small, and a start may be.
    if (best < 0) break;
    const sign = isFirst[best] ? -1 : 1;
    isFirst[best] = Number(sign > 0);
    count += sign;
    for (let r = 0; r < rank; r++) first[r] += sign * rows[best * rank + r];
    ratio = most;
  }
  if (!Number.isFinite(ratio)) return undefined;
  return { isFirst: count * 2 > n ? isFirst.map((x) => 1 - x) : isFirst, ratio };
}

/** The ratio of a split into k and m rows, from the sum of the first part with a row added or taken off. */
function splitRatio(between: Float64Array, k: number, m: number) {
  const rank = between.length;
  const weight = between.map((psi) => (k * psi) / (k * psi + 1));
  const same = between.map((psi) => 1 / (psi / (k * psi + 1) + 1 / m));
  const other = between.map((psi) => 1 / (psi + 1 / m));
  let constant = 0;
  for (let r = 0; r < rank; r++) constant += Math.log(same[r] / other[r]);
  return (first: Float64Array, rows: Float64Array, at: number, sign: number, total: Float64Array): number => {
    let sum = constant;
    for (let r = 0; r < rank; r++) {
      const part = first[r] + sign * rows[at + r];
      const x = (total[r] - part) / m;
      const gap = x - (weight[r] * part) / k;
      sum += x * x * other[r] - gap * gap * same[r];
    }
    return -sum / 2;
  };
}
