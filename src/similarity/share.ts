import type { Pair } from "../types.js";
import type { MedianShare } from "./median.js";
import type { Neighbours } from "./neighbours.js";
import type { Sums } from "./sums.js";

/** What the rows [from, to) have found: shares of all rows come to the result. */
export interface Share extends Sums {
  from: number;
  to: number;
  /** Counts of the fine bins, Float64Array (4000). */
  fine: Float64Array;
  lowest: number;
  highest: number;
  highPairs: number;
  pairs: Pair[];
  median: MedianShare;
  neighbours?: Neighbours;
}
