import type { Matrix, Pair } from "../types.js";

/**
 * The pairs i < j of a similarity matrix at or above a threshold, most similar first; ties by row.
 *
 * For a threshold below the one that the pairs were listed with; without a matrix `similarity` has to run again.
 *
 * @example
 * pairsInMatrix(readSimilarity("final_embeddings").matrix()!, 0.5)
 */
export function pairsInMatrix({ data, rows, columns }: Matrix, threshold: number): Pair[] {
  const pairs: Pair[] = [];
  for (let i = 0; i < rows; i++)
    for (let j = i + 1; j < columns; j++) {
      const similarity = data[i * columns + j]!;
      if (similarity >= threshold) pairs.push({ i, j, similarity });
    }
  return pairs.sort((a, b) => b.similarity - a.similarity || a.i - b.i || a.j - b.j);
}
