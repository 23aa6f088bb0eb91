import { dot } from "./dot.js";
import { random } from "./random.js";

/** The product of a symmetric positive semidefinite matrix and a vector. */
export type Product = (vector: Float64Array) => Float64Array;

export interface PrincipalAxes {
  /** The largest eigenvalues, descending. */
  values: number[];
  /** Their unit eigenvectors; the component of largest size is positive. */
  vectors: Float64Array[];
}

/**
 * The `count` largest eigenvalues of a symmetric positive semidefinite matrix and their vectors, by subspace iteration
 * with a few vectors to spare. The same in every run.
 *
 * @param size rows of the matrix
 * @see G. Golub, C. Van Loan, Matrix Computations, 4th edition, section 8.2.4
 */
export function principalAxes(
  product: Product,
  size: number,
  { count = 2, spare = 8, iterations = 300 }: { count?: number; spare?: number; iterations?: number } = {},
): PrincipalAxes {
  const next = random(1);
  const start = () => Float64Array.from({ length: size }, () => next() - 0.5);
  let basis = orthonormal(Array.from({ length: Math.min(size, count + spare) }, start));
  let values: number[] = [];
  for (let i = 0; i < iterations; i++) {
    const images = basis.map(product);
    const eigen = jacobi(basis.map((a) => images.map((b) => dot(a, 0, b, 0, size))));
    basis = orthonormal(eigen.vectors.map((weights) => combined(images, weights)));
    const settled = eigen.values
      .slice(0, count)
      .every((value, k) => Math.abs(value - values[k]) <= 1e-12 * eigen.values[0]);
    values = eigen.values;
    // The error of a vector is about the root of the error of its value.
    if (settled) break;
  }
  return { values: values.slice(0, count), vectors: basis.slice(0, count).map(withSign) };
}

/** Gram-Schmidt, twice for the sake of rounding. A vector that depends on those before it becomes zero. */
function orthonormal(vectors: Float64Array[]): Float64Array[] {
  const done: Float64Array[] = [];
  for (const vector of vectors) {
    const rest = vector.slice();
    const size = Math.sqrt(dot(rest, 0, rest, 0, rest.length));
    for (const other of [...done, ...done]) {
      const part = dot(rest, 0, other, 0, rest.length);
      for (let k = 0; k < rest.length; k++) rest[k] -= part * other[k];
    }
    const length = Math.sqrt(dot(rest, 0, rest, 0, rest.length));
    done.push(rest.map((x) => (length > 1e-12 * size ? x / length : 0)));
  }
  return done;
}

function combined(vectors: readonly Float64Array[], weights: readonly number[]): Float64Array {
  return vectors[0].map((_, k) => vectors.reduce((sum, vector, v) => sum + weights[v] * vector[k], 0));
}

function withSign(vector: Float64Array): Float64Array {
  const largest = vector.reduce((most, x) => (Math.abs(x) > Math.abs(most) * (1 + 1e-9) ? x : most), 0);
  return largest < 0 ? vector.map((x) => -x) : vector;
}

/** Eigenvalues, descending, and eigenvectors of a small symmetric matrix by Jacobi's rotations. */
function jacobi(matrix: number[][]): { values: number[]; vectors: number[][] } {
  const n = matrix.length;
  const a = matrix.map((row, i) => row.map((x, j) => (x + matrix[j][i]) / 2));
  const v = a.map((_, i) => a.map((__, j) => Number(i === j)));
  for (let sweep = 0; sweep < 30; sweep++)
    for (let p = 0; p < n; p++)
      for (let q = p + 1; q < n; q++) {
        if (a[p][q] === 0) continue;
        const theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        for (const rows of [a, v]) rotate(rows[p], rows[q], c, c * t);
        for (const row of a) [row[p], row[q]] = [c * row[p] - c * t * row[q], c * t * row[p] + c * row[q]];
      }
  const order = a.map((_, i) => i).sort((i, j) => a[j][j] - a[i][i]);
  return { values: order.map((i) => a[i][i]), vectors: order.map((i) => v[i]) };
}

function rotate(x: number[], y: number[], c: number, s: number): void {
  for (let k = 0; k < x.length; k++) [x[k], y[k]] = [c * x[k] - s * y[k], s * x[k] + c * y[k]];
}
