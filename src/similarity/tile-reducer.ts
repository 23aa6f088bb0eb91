import type { Tensor2D } from "@tensorflow/tfjs";
import type { Backend } from "./backend.js";
import type { Block } from "./blocks.js";
import { GraphReducer } from "./graph-reducer.js";
import type { MedianFinder } from "./median.js";
import { ScanReducer } from "./scan-reducer.js";
import type { Search, TileScan } from "./tile-scan.js";
import type { TileStatistics } from "./tile-statistics.js";

/** A tile of similarities, (rows.size, columns.size), and which rows it compares with which. */
export interface Tile {
  tensor: Tensor2D;
  rows: Block;
  columns: Block;
  /** The rows whose pairs count; the others only have neighbours here. */
  counted: { from: number; to: number };
}

/**
 * Reduces tiles where they were computed: on a GPU in the graph, so that only a few numbers a group come back; in the
 * memory of this process in one pass over it. (In the graph every step is a pass of its own.) Both give the same, bit for bit, but for the last bits of the sums.
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

export const tileReducer = ({ gpu, tf }: Backend, scan: TileScan): TileReducer =>
  gpu ? new GraphReducer(tf, scan) : new ScanReducer(scan);
