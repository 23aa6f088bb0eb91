import type { Tensor2D } from "@tensorflow/tfjs";
import type { Backend } from "./backend.js";
import type { Block } from "./blocks.js";
import { GraphReducer } from "./graph-reducer.js";
import type { MedianFinder } from "./median.js";
import { ScanReducer } from "./scan-reducer.js";
import type { Groups, TileStatistics } from "./tile-statistics.js";

/** A tile of similarities, (rows.size, columns.size), and which rows it compares with which. */
export interface Tile {
  tensor: Tensor2D;
  rows: Block;
  columns: Block;
}

/**
 * Reduces tiles where they were computed: on a GPU in the graph, so that only a few numbers a group come back; in the
 * memory of this process in one pass over it. (In the graph every step is a pass of its own: on a CPU that takes twice
 * as long, measured.) Both give the same, bit for bit.
 */
export interface TileReducer {
  /** Adds the pairs of a tile; gives a number that none of them is above. */
  addTo(statistics: TileStatistics, tile: Tile): number;
  /** Lets the finder take what it looks for. */
  findMedian(finder: MedianFinder, tile: Tile): void;
  /** The largest value of every group, Float32Array (rows.size * columns.size / 8); what is no pair may count too. */
  highest(tile: Tile): Float32Array;
  /** Pairs at or above a float32. */
  count(tile: Tile, from: number): number;
  groups(tile: Tile, groups: Int32Array): Groups;
  /** All values of the tile, as it is. */
  values(tile: Tile): Float32Array;
  dispose(): void;
}

export const tileReducer = (backend: Backend): TileReducer =>
  backend.gpu ? new GraphReducer(backend.tf) : new ScanReducer(backend.tf);
