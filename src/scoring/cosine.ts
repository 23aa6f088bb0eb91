import { invalid } from "../errors.js";
import { quantity } from "../shared/text.js";

/**
 * The cosine of two vectors, a·b / (|a| |b|), in float64: for embeddings, how alike two voices are.
 *
 * @param a Float32Array, Float64Array or list of numbers, of any length above 0; need not be normalised
 * @returns -1 to 1
 * @throws invalid for vectors of different length, NaN or infinite values, and a zero vector, which has no direction
 * @example
 * const [first, second] = utterances;
 * cosine(first.embedding, second.embedding);
 */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length)
    throw invalid(
      `The vectors have ${a.length} and ${quantity(b.length, "value")}. Take two embeddings of one model, which are equally long.`,
      { got: b.length },
    );
  if (!(a.length > 0)) throw invalid("The vectors have no values. Give two embeddings.");
  let [product, squareA, squareB] = [0, 0, 0];
  for (let k = 0; k < a.length; k++) {
    product += a[k] * b[k];
    squareA += a[k] * a[k];
    squareB += b[k] * b[k];
  }
  for (const [name, vector, square] of [
    ["first", a, squareA],
    ["second", b, squareB],
  ] as const) {
    if (!Number.isFinite(square))
      throw invalid(
        `The ${name} vector holds ${Array.from(vector).find((x) => !Number.isFinite(x)) ?? "values too large to square"}. All values must be finite.`,
      );
    if (square === 0) throw invalid(`The ${name} vector is a zero vector, which has no direction.`);
  }
  // Rounding may carry the cosine of parallel vectors beyond 1.
  return Math.min(1, Math.max(-1, product / Math.sqrt(squareA) / Math.sqrt(squareB)));
}
