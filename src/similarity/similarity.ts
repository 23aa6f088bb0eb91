import { invalid, throwIfAborted } from "../errors.js";
import type { Histogram, LongTask, Matrix, Pair, SimilarityStatistics } from "../types.js";
import { backend, withBackend } from "./backend.js";
import { Comparison } from "./comparison.js";
import type { Neighbours } from "./neighbours.js";
import { type Rows, type UnitRows, unitRows } from "./unit-rows.js";

export interface SimilarityOptions extends LongTask {
  /** From here on a pair is listed and counted as high. */
  threshold?: number;
  /** Neighbours to find for every row; 0 for none. */
  topK?: number;
  /** Keep the n x n matrix in memory; by default up to 2,000 rows. */
  matrix?: boolean;
  /** The list of pairs ends with the most similar so many; the count goes on. */
  maxPairs?: number;
  /** Compare with these rows instead of with each other. */
  against?: Rows;
  /** Only the pairs whose first row is in [from, to): a share of the work. */
  rowRange?: [from: number, to: number];
  /** Forces a backend of tfjs: tensorflow, wasm or cpu; by default the fastest there is. */
  backend?: string;
  /**
   * Receives the matrix in blocks of whole rows, in order; the memory of a block is used again once its promise is
   * fulfilled.
   */
  onRows?: (block: Matrix, firstRow: number) => void | Promise<void>;
}

export interface SimilarityResult {
  /** Keys of the rows; the row number as text where a row has none. */
  keys: string[];
  /** Keys of the rows compared with, where these are others. */
  againstKeys?: string[];
  n: number;
  dimension: number;
  /** Name of the backend of tfjs. */
  backend: string;
  /** Over the pairs i < j (with `against`: over all pairs); NaN where there is no pair. */
  statistics: SimilarityStatistics;
  histogram: Histogram;
  /** The pairs at or above the threshold, most similar first; `statistics.highPairs` counts them all. */
  pairs: Pair[];
  neighbours?: Neighbours;
  matrix?: Matrix;
  /** The rows [from, to) that this result is about. */
  rowRange: [from: number, to: number];
}

/** Largest matrix that is kept in memory, and written into the JSON file, without being asked for. */
export const matrixLimit = 2000;

/**
 * Cosine similarity of every row with every other: statistics, histogram, the pairs at or above a threshold and, where
 * asked for, the nearest neighbours and the matrix; exact, in memory that does not grow with n².
 *
 * The upper triangle is computed tile by tile on a backend of tfjs, and each tile is reduced where it was computed.
 * Everything is that of the float32 similarities which the matrix holds; mean and standard deviation are summed up in
 * float64 (on a GPU row by row in float32). One row or none gives no pairs and NaN statistics.
 *
 * @param rows embeddings with keys, or a matrix of them; not normalised
 * @throws `invalid` for a NaN, an infinite value, a zero vector or mixed dimensions (the row is named), and for options
 * out of range; `interrupted` when `abortSignal` is aborted
 *
 * @example
 * const { statistics, pairs } = await similarity(await readEmbeddings("final_embeddings"), { threshold: 0.7 })
 */
export async function similarity(rows: Rows, options: SimilarityOptions = {}): Promise<SimilarityResult> {
  const checked = checkedRows(rows, options);
  const { from, to, second } = checked;
  const { matrix = (to - from) * second.n <= matrixLimit ** 2 } = options;
  return compare(checked, { ...options, matrix }, async (comparison) => {
    const { matrix: whole, ...share } = await comparison.share();
    return { ...(await comparison.result([share])), matrix: whole };
  });
}

/** Rows and options in their canonical form. */
export interface CheckedRows {
  first: UnitRows;
  second: UnitRows;
  from: number;
  to: number;
  threshold: number;
  topK: number;
  maxPairs: number;
}

/** @throws `invalid` as `similarity` does */
export function checkedRows(rows: Rows, options: SimilarityOptions): CheckedRows {
  const { threshold = 0.8, topK = 0, maxPairs = 1_000_000 } = options;
  if (!(threshold >= -1 && threshold <= 1))
    throw invalid("similarity", "threshold", { got: String(threshold), want: "a cosine between -1 and 1" });
  for (const [name, value] of Object.entries({ topK, maxPairs }))
    if (!Number.isInteger(value) || value < 0)
      throw invalid("similarity", name, { got: String(value), want: "a whole number, 0 or more" });
  const first = unitRows(rows);
  const second =
    options.against === undefined ? first : unitRows(options.against, { subject: "similarity, against" });
  if (first.n > 0 && second.n > 0 && first.dimension !== second.dimension)
    throw invalid("similarity", "dimension", {
      got: second.dimension,
      want: `${first.dimension}, as in the other rows`,
    });
  const [from, to] = options.rowRange ?? [0, first.n];
  if (![from, to].every(Number.isInteger) || from < 0 || to < from || to > first.n)
    throw invalid("similarity", "row range", { got: `${from}:${to}`, want: `a part of 0:${first.n}` });
  return { first, second, from, to, threshold, topK, maxPairs };
}

/** Does something with a comparison on its backend. */
export async function compare<T>(
  rows: CheckedRows,
  options: SimilarityOptions,
  job: (comparison: Comparison) => Promise<T>,
): Promise<T> {
  const { first, second, ...settings } = rows;
  const chosen = await backend({ similarityBackend: options.backend });
  throwIfAborted("similarity", options.abortSignal);
  return withBackend(chosen, () =>
    job(new Comparison(first, second, chosen, { ...options, ...settings, matrix: options.matrix ?? false })),
  );
}
