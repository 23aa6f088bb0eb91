import { fineBins, leastFloatFrom } from "./histogram.js";
import type { MedianFinder } from "./median.js";

/** Similarities of a row lie in groups of that many: a group whose best is not wanted is never looked at. */
export const groupSize = 8;

/** What the pairs of the tiles so far come to. */
export interface TileStatistics {
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

export const emptyStatistics = (finder: MedianFinder, threshold: number): TileStatistics => ({
  fine: new Float64Array(fineBins),
  lowest: Infinity,
  highest: -Infinity,
  highPairs: 0,
  threshold: leastFloatFrom(threshold),
  finder,
});

/** Some groups of a tile with their values. */
export interface Groups {
  groups: Int32Array;
  values: Float32Array;
  /** True when `values` is the whole tile, false when it holds the values of the groups only. */
  whole: boolean;
}

/** From where on a group is wanted: by its row, or by one of its columns. */
export interface Bars {
  /** Float64Array (rows of the tile). */
  rows: Float64Array;
  /** Float64Array (groups of a row). */
  groups: Float64Array;
}

/** The groups whose best value is at or above one of their bars, in the order of rows, then of columns. */
export function groupsAt(best: Float32Array, { rows, groups }: Bars): Int32Array {
  const wanted = new Int32Array(rows.length * groups.length);
  let count = 0;
  for (let i = 0, g = 0; i < rows.length; i++) {
    const bar = rows[i];
    for (let c = 0; c < groups.length; c++, g++) {
      const value = best[g];
      if (value >= bar || value >= groups[c]) wanted[count++] = g;
    }
  }
  return wanted.subarray(0, count);
}
