import { invalid } from "../errors.js";
import type { SimilarityResult } from "../similarity/similarity.js";

/** A neighbour of a query. */
export interface RankedRow {
  query: string;
  /** 1 for the nearest. */
  rank: number;
  key: string;
  /** Cosine, -1 to 1. */
  score: number;
}

/**
 * The neighbours found by a comparison, by name: one row each, grouped by query, best first.
 *
 * @param result of `similarity` with `topK`
 * @throws invalid for a result without neighbours
 * @example
 * neighbourRows(await similarity(speakers, { topK: 3 }));
 */
export function neighbourRows({
  keys,
  againstKeys = keys,
  neighbours,
  rowRange: [from],
}: Pick<SimilarityResult, "keys" | "againstKeys" | "neighbours" | "rowRange">): RankedRow[] {
  if (neighbours === undefined)
    throw invalid("The comparison looked for no neighbours. Ask for them: similarity(rows, { topK: 5 }).");
  const { k, index, score } = neighbours;
  return Array.from(index, (column, at) => ({
    query: keys[from + Math.floor(at / k)],
    rank: (at % k) + 1,
    key: againstKeys[column],
    score: score[at],
  }));
}
