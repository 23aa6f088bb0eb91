import type { Tile } from "./blocks.js";
import type { MedianFinder } from "./median.js";
import type { TileReducer } from "./tile-reducer.js";
import type { Search, TileScan } from "./tile-scan.js";
import type { TileStatistics } from "./tile-statistics.js";

/** Reduces tiles that are in the memory of this process. */
export class ScanReducer implements TileReducer {
  private loaded: { tile: Tile; values: Float32Array } | null = null;
  /** The rows of the tile whose groups have their best. */
  private scanned = { first: 0, last: 0 };

  constructor(private readonly scan: TileScan) {}

  addTo(statistics: TileStatistics, tile: Tile): number {
    const { finder, threshold } = statistics;
    this.values(tile);
    const { lowest, highest, above, kept } = this.scan.scan(tile, finder, threshold, statistics);
    const { rows, counted } = tile;
    this.scanned = { first: counted.from - rows.from, last: counted.to - rows.from };
    finder.take(kept);
    statistics.lowest = Math.min(statistics.lowest, lowest);
    statistics.highest = Math.max(statistics.highest, highest);
    statistics.highPairs += above;
    return highest;
  }

  findMedian(finder: MedianFinder, tile: Tile): void {
    this.values(tile);
    finder.take(this.scan.scan(tile, finder, Infinity).kept);
  }

  search(tile: Tile, search: Search): void {
    this.values(tile);
    const { rows, columns } = tile;
    this.scan.findBest(columns.size, 0, this.scanned.first);
    this.scan.findBest(columns.size, this.scanned.last, rows.size);
    this.scan.take(this.scan.want(tile, search).length, true, search);
  }

  values(tile: Tile): Float32Array {
    if (this.loaded?.tile === tile) return this.loaded.values;
    const values = tile.tensor.dataSync() as Float32Array;
    this.scan.load(values);
    this.loaded = { tile, values };
    this.scanned = { first: 0, last: 0 };
    return values;
  }

  dispose(): void {
    this.loaded = null;
  }
}
