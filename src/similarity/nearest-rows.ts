import type { Rows } from "../vectors/unit-rows.js";
import { checkedRows, compare } from "./compare.js";
import type { SimilarityOptions } from "./options.js";
import type { Neighbours } from "./reduction.js";

/**
 * The `topK` nearest of each row by cosine, and nothing else of what `similarity` finds: the mean and deviation of all pairs
 * cost as much again where rows are few.
 *
 * @throws as `similarity` does
 */
export async function nearestRows(
  rows: Rows,
  options: Pick<SimilarityOptions, "topK" | "against" | "backend" | "abortSignal" | "onProgress">,
): Promise<Neighbours> {
  const checked = checkedRows(rows, { ...options, threshold: 1, maxPairs: 0 });
  const { reduction } = await compare(checked, options, { hasCounts: false });
  return reduction.neighbours;
}
