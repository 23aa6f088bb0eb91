import type { Tile } from "./blocks.js";
import type { MedianFinder } from "./median.js";
import type { Search } from "./tile-scan.js";
import type { TileStatistics } from "./tile-statistics.js";

/**
 * Reduces tiles where they were computed: on a GPU in the graph, so that only a few numbers a group come back; in the
 * memory of this process in one pass over it. (In the graph every step is a pass of its own.) Both give the same, bit for
 * bit, but for the last bits of the sums.
 */
export interface TileReducer {
  /** Adds the pairs of a tile that count; gives a number that none of them is above. */
  addTo(statistics: TileStatistics, tile: Tile): number;
  /** Lets the finder take what it looks for. */
  findMedian(finder: MedianFinder, tile: Tile): void;
  /** Takes neighbours and pairs from a tile. */
  search(tile: Tile, search: Search): void;
  /** All values of the tile, as it is. */
  values(tile: Tile): Float32Array;
  dispose(): void;
}
