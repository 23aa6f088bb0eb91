import type { Matrix } from "../types.js";
import type { Rows } from "../vectors/unit-rows.js";
import { checkedRows, compare } from "./compare.js";

/**
 * The matrix of cosine similarities, (n, n) float32, as scikit-learn's `cosine_similarity` gives it: the diagonal is
 * what came out for it, 1 up to rounding.
 *
 * @throws `invalid` as `similarity` does
 *
 * @example
 * const { data } = await cosineMatrix(speakers)
 */
export async function cosineMatrix(rows: Rows, options: { backend?: string } = {}): Promise<Matrix> {
  const { matrix } = await compare(checkedRows(rows, { maxPairs: 0 }), { ...options, matrix: true });
  return matrix!;
}
