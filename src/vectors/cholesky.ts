/**
 * The lower triangle L with L Lᵀ = A, for a symmetric matrix (size, size).
 *
 * @returns undefined where the matrix is singular, up to rounding, or not positive
 */
export function cholesky(matrix: Float64Array, size: number): Float64Array | undefined {
  const lower = new Float64Array(size * size);
  let largest = 0;
  for (let i = 0; i < size; i++) largest = Math.max(largest, matrix[i * size + i]);
  for (let i = 0; i < size; i++)
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * size + j];
      for (let k = 0; k < j; k++) sum -= lower[i * size + k] * lower[j * size + k];
      if (i !== j) lower[i * size + j] = sum / lower[j * size + j];
      else if (sum > 1e-9 * largest && sum > 1e-12) lower[i * size + i] = Math.sqrt(sum);
      else return undefined;
    }
  return lower;
}

/** Solves L x = b in the place of b. */
export function solveLower(lower: Float64Array, b: Float64Array, size: number): void {
  for (let i = 0; i < size; i++) {
    let sum = b[i];
    for (let k = 0; k < i; k++) sum -= lower[i * size + k] * b[k];
    b[i] = sum / lower[i * size + i];
  }
}

/** Solves Lᵀ x = b. */
export function solveUpper(lower: Float64Array, b: Float64Array, size: number): Float64Array {
  const x = b.slice();
  for (let i = size - 1; i >= 0; i--) {
    const value = x[i] / lower[i * size + i];
    x[i] = value;
    for (let k = 0; k < i; k++) x[k] -= lower[i * size + k] * value;
  }
  return x;
}
