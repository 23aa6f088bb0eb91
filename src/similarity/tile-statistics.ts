import { fineBins, leastFloatFrom } from "./histogram.js";
import type { MedianFinder } from "./median.js";
import type { Sums } from "./sums.js";

/** Similarities of a row lie in groups of that many: a group whose best is not wanted is never looked at. */
export const groupSize = 8;

/** What the pairs of the tiles so far come to. */
export interface TileStatistics extends Sums {
  /** What the sums count in. */
  scale: number;
  /** Counts of the fine bins, Float64Array (4000). */
  fine: Float64Array;
  lowest: number;
  highest: number;
  /** Pairs at or above the threshold. */
  highPairs: number;
  /** The least float32 that is at or above the threshold that was asked for. */
  threshold: number;
  /** Takes what may be the median. */
  finder: MedianFinder;
}

export const emptyStatistics = (finder: MedianFinder, threshold: number, scale: number): TileStatistics => ({
  scale,
  sum: 0n,
  squares: 0n,
  fine: new Float64Array(fineBins),
  lowest: Infinity,
  highest: -Infinity,
  highPairs: 0,
  threshold: leastFloatFrom(threshold),
  finder,
});
