import type { MedianFinder } from "./median.js";
import type { Tile, TileReducer } from "./tile-reducer.js";
import { TileScan } from "./tile-scan.js";
import { type Bars, type Groups, groupSize, groupsAt, type TileStatistics } from "./tile-statistics.js";

/** Reduces tiles that are in the memory of this process. */
export class ScanReducer implements TileReducer {
  private readonly scan: TileScan;
  private copied: { of: Tile; values: Float32Array } | null = null;
  /** The rows of the tile whose groups have their best. */
  private scanned = { first: 0, last: 0 };

  /** @param tileRows the largest tile is as many rows of as many */
  constructor(tileRows: number) {
    this.scan = new TileScan(tileRows * tileRows);
  }

  addTo(statistics: TileStatistics, tile: Tile): number {
    const { finder, fine, threshold } = statistics;
    this.values(tile);
    const region = regionOf(tile);
    const { lowest, highest, above, kept } = this.scan.scan(region, finder, threshold, fine);
    this.scanned = region;
    finder.take(kept);
    statistics.lowest = Math.min(statistics.lowest, lowest);
    statistics.highest = Math.max(statistics.highest, highest);
    statistics.highPairs += above;
    return highest;
  }

  findMedian(finder: MedianFinder, tile: Tile): void {
    this.values(tile);
    finder.take(this.scan.scan(regionOf(tile), finder, Infinity).kept);
  }

  wanted(tile: Tile, bars: Bars): Groups {
    const values = this.values(tile);
    const { rows, columns } = tile;
    const { first, last } = this.scanned;
    this.scan.findBest(columns.size, 0, first);
    this.scan.findBest(columns.size, last, rows.size);
    this.scanned = { first: 0, last: rows.size };
    return { groups: groupsAt(this.scan.best(values.length / groupSize), bars), values, whole: true };
  }

  values(tile: Tile): Float32Array {
    if (this.copied?.of === tile) return this.copied.values;
    const values = tile.tensor.dataSync() as Float32Array;
    this.scan.load(values);
    this.copied = { of: tile, values };
    this.scanned = { first: 0, last: 0 };
    return values;
  }

  dispose(): void {
    this.copied = null;
  }
}

function regionOf({ rows, columns, counted }: Tile) {
  return {
    size: columns.size,
    width: columns.to - columns.from,
    first: counted.from - rows.from,
    last: counted.to - rows.from,
    diagonal: rows === columns,
  };
}
