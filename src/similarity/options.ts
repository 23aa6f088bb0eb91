import type { Histogram, LongTask, Matrix, Pair, Progress, SimilarityStatistics } from "../types.js";
import type { Rows } from "../vectors/unit-rows.js";
import type { Neighbours } from "./reduction.js";

export interface SimilarityOptions extends LongTask<Extract<Progress, { stage: "similarity" }>> {
  /** Pairs at or above this cosine, in [-1, 1], are listed and counted as high; default 0.8. */
  threshold?: number;
  /** Nearest neighbours to find for each row; default 0, none. */
  topK?: number;
  /** Whether to keep the n x n matrix in memory; default: up to 2,000 rows. */
  matrix?: boolean;
  /** Lists only the most similar of more pairs than this; all are counted. Default 1,000,000. */
  maxPairs?: number;
  /** Compare with these rows instead of with each other. */
  against?: Rows;
  /** Only the pairs whose first row is in [from, to), a part of the work; default: all rows. */
  rowRange?: [from: number, to: number];
  /** `onnx` or `tensorflow`; default: the fastest there is. */
  backend?: string;
  /** Threads of the backend `onnx`; default: one per core, fewer for small jobs. */
  threads?: number;
  /**
   * Receives the matrix in blocks of whole rows, in order; the memory of a block is reused once the returned promise
   * resolves.
   */
  onRows?: (block: Matrix, firstRow: number) => void | Promise<void>;
}

export interface SimilarityResult {
  /** Keys of the rows; the row number as text where a row has none. */
  keys: string[];
  /** Keys of the rows of `against`. */
  againstKeys?: string[];
  n: number;
  dimension: number;
  /** What it was computed with: `onnx` or `tensorflow`. */
  backend: string;
  /** Over the pairs i < j (with `against`: over all pairs); NaN where there is no pair. */
  statistics: SimilarityStatistics;
  histogram: Histogram;
  /** The pairs at or above the threshold, most similar first; `statistics.highPairs` counts them all. */
  pairs: Pair[];
  /** With `topK`; `neighbourRows` gives them by name. */
  neighbours?: Neighbours;
  /** With `matrix: true`, or up to 2,000 rows without `matrix: false`. */
  matrix?: Matrix;
  /** The rows [from, to) that this result is about. */
  rowRange: [from: number, to: number];
}

/** Rows up to which the matrix is kept in memory, and written into the JSON file, by default. */
export const matrixLimit = 2000;
