import { PairCollector, pairsOf } from "../similarity/pair-list.js";
import type { Matrix, Pair } from "../types.js";
import { demandCosine } from "../util/demand.js";

/** Rows of a matrix, from the row `first` on. */
export interface RowBlock extends Matrix {
  first: number;
}

/**
 * The pairs i < j of a similarity matrix at or above a threshold, most similar first; ties by row.
 *
 * For a threshold below the one that the pairs were listed with; without a matrix `similarity` has to run again.
 *
 * @param threshold cosine in [-1, 1]
 * @throws `invalid` for a threshold that no cosine can have
 *
 * @example
 * pairsInMatrix(readSimilarity("final_embeddings").matrix()!, 0.5)
 */
export const pairsInMatrix = (matrix: Matrix, threshold: number): Pair[] =>
  pairsInBlocks([{ ...matrix, first: 0 }], threshold, Infinity).pairs;

/**
 * The same for a matrix that comes in blocks of rows, and of more than `maxPairs` pairs only the most similar.
 *
 * @returns the pairs, and how many there are in all
 */
export function pairsInBlocks(
  blocks: Iterable<RowBlock>,
  threshold: number,
  maxPairs: number,
): { pairs: Pair[]; total: number } {
  demandCosine(threshold);
  const best = new PairCollector(threshold, maxPairs);
  let total = 0;
  for (const { data, rows, columns, first } of blocks)
    for (let row = 0; row < rows; row++) {
      const i = first + row;
      for (let j = i + 1; j < columns; j++) {
        const similarity = data[row * columns + j]!;
        if (!(similarity >= threshold)) continue;
        total++;
        best.add(i, j, similarity);
      }
    }
  return { pairs: pairsOf(best.best()), total };
}
