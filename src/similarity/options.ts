import type { Histogram, LongTask, Matrix, Pair, Progress, SimilarityStatistics } from "../types.js";
import type { Rows } from "../vectors/unit-rows.js";
import type { Neighbours } from "./reduction.js";

export interface SimilarityOptions extends LongTask<Extract<Progress, { stage: "similarity" }>> {
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
  /** Forces a backend, `onnx` or `tensorflow`; by default the fastest there is. */
  backend?: string;
  /** Threads of the backend `onnx`; by default as many as there are cores and the work is worth. */
  threads?: number;
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
  /** What it was computed with: `onnx` or `tensorflow`. */
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
