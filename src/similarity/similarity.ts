import type { Matrix } from "../types.js";
import { demandList } from "../util/demand.js";
import type { Rows } from "../vectors/unit-rows.js";
import { checkedRows, compareAll } from "./compare.js";
import { matrixLimit, type SimilarityOptions, type SimilarityResult } from "./options.js";
import type { Neighbours } from "./reduction.js";
import { showSimilarity } from "./show-similarity.js";

export type { Neighbours, SimilarityOptions, SimilarityResult };

/** What the options ask for by a literal is certain to be in the result, so a cell need not look whether it is there. */
type AskedFor<Kept extends boolean, TopK extends number> = ([Kept] extends [true]
  ? { matrix: Matrix }
  : unknown) &
  (number extends TopK ? unknown : TopK extends 0 ? unknown : { neighbours: Neighbours });

/**
 * Cosine similarity of every row with every other: statistics, histogram, the pairs at or above a threshold and, where
 * asked for, the nearest neighbours and the matrix; in memory that does not grow with n².
 *
 * A backend makes the upper triangle tile by tile, and one pass over each tile finds everything but mean and standard
 * deviation, which come from sums over the vectors in float64. Everything is exact for the float32 similarities which the
 * matrix holds, but for the median where the matrix is not kept: that is within 2e-6. One row or none gives no pairs and NaN statistics.
 *
 * @param rows embeddings with keys, or a matrix of them; not normalised
 * @throws `invalid` for a NaN, an infinite value, a zero vector or mixed dimensions (the row is named), and for options
 * out of range; `interrupted` when `abortSignal` is aborted
 *
 * @example
 * const { statistics, pairs } = await similarity(await readEmbeddings("final_embeddings"), { threshold: 0.7 })
 */
export async function similarity<Kept extends boolean = false, TopK extends number = 0>(
  rows: Rows,
  options: SimilarityOptions & { matrix?: Kept; topK?: TopK } = {},
): Promise<SimilarityResult & AskedFor<Kept, TopK>> {
  if (!("data" in Object(rows)))
    demandList(
      rows,
      "similarity takes a list of embeddings, or a matrix { data, rows, columns }",
      'const rows = await readEmbeddings("final_embeddings")',
    );
  const checked = checkedRows(rows, options);
  const { from, to, second } = checked;
  const { matrix = (to - from) * second.n <= matrixLimit ** 2 } = options as SimilarityOptions;
  const result = await compareAll(checked, { ...options, matrix });
  return showSimilarity(result) as SimilarityResult & AskedFor<Kept, TopK>;
}
