import { dot } from "../vectors/dot.js";
import { gatherRows } from "../vectors/gather-rows.js";
import { sumOfRows } from "../vectors/sum-of-rows.js";
import { lengthOf } from "../vectors/unit-vector.js";

/**
 * The least dot product of two of `n` unit vectors, exact.
 *
 * Two vectors at angles a and b to a common direction are at most a + b apart. With the vectors sorted by their angle to
 * the mean direction, the search ends once no remaining pair can be farther apart than the farthest found. In the worst
 * case it looks at every pair.
 *
 * @param data Float32Array (n, dimension), rows of length 1
 */
export function leastSimilarity(data: Float32Array, n: number, dimension: number): number {
  const { rows, angles } = farthestFirst(data, n, dimension);
  // Float32 rows are not exactly of length 1, so the bound is widened a little.
  const bound = (i: number, j: number) => Math.cos(Math.min(Math.PI, angles[i] + angles[j])) - 1e-6;
  let least = 1;
  for (let i = 0; i + 1 < n && bound(i, i + 1) < least; i += 4)
    for (let j = i + 1; j < n && bound(i, j) < least; j++)
      least = Math.min(least, leastOfFour(rows, i, j, n, dimension));
  return least;
}

function farthestFirst(data: Float32Array, n: number, dimension: number) {
  const sum = sumOfRows(data, dimension);
  const length = lengthOf(sum);
  const angleOf = (i: number) =>
    Math.acos(Math.min(1, Math.max(-1, dot(data, i, sum, 0, dimension) / length)));
  const all = Float64Array.from({ length: n }, (_, i) => angleOf(i));
  const order = Uint32Array.from({ length: n }, (_, i) => i).sort((a, b) => all[b] - all[a] || a - b);
  return { rows: gatherRows(data, order, dimension), angles: Float64Array.from(order, (i) => all[i]) };
}

/** Compares four rows from i on with row j at once, so that each value of row j is loaded once for four products. */
function leastOfFour(rows: Float32Array, i: number, j: number, n: number, dimension: number): number {
  const last = (n - 1) * dimension;
  let p0 = i * dimension;
  let p1 = Math.min(p0 + dimension, last);
  let p2 = Math.min(p1 + dimension, last);
  let p3 = Math.min(p2 + dimension, last);
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let q = j * dimension, end = q + dimension; q < end; q++) {
    const x = rows[q];
    s0 += x * rows[p0++];
    s1 += x * rows[p1++];
    s2 += x * rows[p2++];
    s3 += x * rows[p3++];
  }
  return Math.min(s0, s1, s2, s3);
}
