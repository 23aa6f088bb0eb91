import { invalid } from "../errors.js";
import type { Matrix } from "../types.js";
import { linkageMerges } from "../vectors/average-linkage.js";
import { dot } from "../vectors/dot.js";
import { random } from "../vectors/random.js";
import { unitVector } from "../vectors/unit-vector.js";

/**
 * An order of speakers for a heat map that puts similar ones side by side: the leaves of average-linkage clustering, with
 * branches flipped so that neighbouring ends match. Above `maxClustered` rows it is the order along the first principal
 * component, which needs no second matrix of n².
 *
 * @param matrix Matrix (n, n), symmetric, cosines
 * @param maxClustered rows above which the principal component is used; default 2000
 * @returns row numbers, each once; the same in every run
 * @throws invalid when the matrix is not square or has NaN in it
 * @see D. Müllner, Modern hierarchical, agglomerative clustering algorithms, arXiv:1109.2378 (nearest-neighbour chain)
 * @example
 * heatmap({ keys, matrix }, { order: clusterOrder(matrix) });
 */
export function clusterOrder(
  matrix: Matrix,
  { maxClustered = 2000 }: { maxClustered?: number } = {},
): Uint32Array {
  const { rows: n, columns, data } = matrix;
  if (n !== columns || data.length !== n * n)
    throw invalid(`clusterOrder needs a square matrix, not ${n} x ${columns} with ${data.length} values.`);
  if (data.some(Number.isNaN)) throw invalid("clusterOrder needs cosines, but the matrix holds NaN.");
  if (n < 3) return Uint32Array.from({ length: n }, (_, i) => i);
  return n <= maxClustered ? leafOrder(matrix) : componentOrder(matrix);
}

function leafOrder({ data, rows: n }: Matrix): Uint32Array {
  const leaves = Array.from({ length: n }, (_, i) => [i]);
  for (const { into, from } of linkageMerges(Float64Array.from(data), n)) {
    leaves[into] = joined(leaves[into], leaves[from], (i, j) => data[i * n + j]);
    leaves[from] = [];
  }
  const [order] = leaves;
  return Uint32Array.from(order[0] < order[n - 1] ? order : order.reverse());
}

/** Joins two rows of leaves at their two most similar ends. */
function joined(a: number[], b: number[], similarity: (i: number, j: number) => number): number[] {
  const [a0, a1, b0, b1] = [a[0], a[a.length - 1], b[0], b[b.length - 1]];
  const ways: [number, () => number[]][] = [
    [similarity(a1, b0), () => [...a, ...b]],
    [similarity(a1, b1), () => [...a, ...b.reverse()]],
    [similarity(a0, b0), () => [...a.reverse(), ...b]],
    [similarity(a0, b1), () => [...b, ...a]],
  ];
  return ways.reduce((best, way) => (way[0] > best[0] ? way : best))[1]();
}

/** Rows along the first principal component of the matrix, found by power iteration. */
function componentOrder({ data, rows: n }: Matrix): Uint32Array {
  const centred = (vector: Float64Array) => {
    const mean = vector.reduce((sum, x) => sum + x, 0) / n;
    return vector.map((x) => x - mean);
  };
  const next = random(1);
  let axis = centred(Float64Array.from({ length: n }, next));
  // Twenty steps are accurate enough for an order to look at, and each reads the whole matrix.
  for (let step = 0; step < 20; step++) {
    axis = unitVector(centred(axis.map((_, i) => dot(data, i, axis, 0, n))));
  }
  const largest = axis.reduce((most, x) => (Math.abs(x) > Math.abs(most) ? x : most), 0);
  const sign = Math.sign(largest) || 1;
  return Uint32Array.from({ length: n }, (_, i) => i).sort((i, j) => sign * (axis[i]! - axis[j]!) || i - j);
}
