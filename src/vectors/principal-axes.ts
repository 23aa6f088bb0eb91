export interface PrincipalAxes {
  /** The largest eigenvalues, descending. */
  values: number[];
  /** Their unit eigenvectors; the component of largest magnitude is positive. */
  vectors: Float64Array[];
}

/**
 * The `count` largest eigenvalues of a symmetric matrix and their eigenvectors.
 *
 * @param matrix Float64Array (size, size), symmetric, row-major
 */
export function principalAxes(matrix: Float64Array, size: number, { count = 2 } = {}): PrincipalAxes {
  if (size === 0) return { values: [], vectors: [] };
  // Loaded when it is needed: most programs never ask for it.
  const { EigenvalueDecomposition, Matrix } = require("ml-matrix") as typeof import("ml-matrix");
  const rows = Array.from({ length: size }, (_, i) => matrix.subarray(i * size, (i + 1) * size));
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(new Matrix(rows), {
    assumeSymmetric: true,
  });
  const largest = realEigenvalues
    .map((_, k) => k)
    .sort((a, b) => realEigenvalues[b]! - realEigenvalues[a]!)
    .slice(0, count);
  return {
    values: largest.map((k) => realEigenvalues[k]!),
    vectors: largest.map((k) => withSign(Float64Array.from(eigenvectorMatrix.getColumn(k)))),
  };
}

/** The sign of an eigenvector is arbitrary; this one is the same in every run. */
function withSign(vector: Float64Array): Float64Array {
  const largest = vector.reduce((most, x) => (Math.abs(x) > Math.abs(most) * (1 + 1e-9) ? x : most), 0);
  return largest < 0 ? vector.map((x) => -x) : vector;
}
