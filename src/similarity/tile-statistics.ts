import { fineBins } from "./histogram.js";
import type { MedianFinder } from "./median.js";

/** Similarities of a row lie in groups of that many: a group whose best is not wanted is never looked at. */
export const groupSize = 8;

/** What the pairs of the tiles so far come to. */
export interface TileStatistics {
  /** Counts of the fine bins, Float64Array (4000). */
  fine: Float64Array;
  lowest: number;
  highest: number;
  /** Takes what may be the median. */
  finder: MedianFinder;
}

export const emptyStatistics = (finder: MedianFinder): TileStatistics => ({
  fine: new Float64Array(fineBins),
  lowest: Infinity,
  highest: -Infinity,
  finder,
});

/** Some groups of a tile with their values. */
export interface Groups {
  groups: Int32Array;
  values: Float32Array;
  /** True when `values` is the whole tile, false when it holds the values of the groups only. */
  whole: boolean;
}
