import type { Tfjs } from "./backend.js";
import { fineBins } from "./histogram.js";
import type { MedianFinder } from "./median.js";
import type { Tile, TileReducer } from "./tile-reducer.js";
import { type Groups, groupSize, type TileStatistics } from "./tile-statistics.js";

const half = fineBins / 2;

/** Reduces tiles that are in the memory of this process. */
export class ScanReducer implements TileReducer {
  private readonly counts = new Int32Array(fineBins + 2 * margin);
  private copied: { of: Tile; values: Float32Array } | null = null;

  constructor(private readonly tf: Tfjs) {}

  addTo(statistics: TileStatistics, tile: Tile): number {
    const values = this.values(tile);
    const { counts } = this;
    counts.fill(0);
    forRows(tile, (start, end) => {
      const { finder } = statistics;
      // First the room, then the count: making room may begin anew.
      const kept = finder.room(end - start);
      finder.count += scanRow(values, start, end, counts, finder, kept);
    });
    const { fine } = statistics;
    for (let b = 0; b < counts.length; b++)
      fine[Math.min(fineBins - 1, Math.max(0, b - margin))] += counts[b];
    // The counts tell where nothing new is to be found.
    const first = (counts.findIndex((n) => n > 0) - margin - half) / half;
    const last = (counts.findLastIndex((n) => n > 0) + 1 - margin - half) / half;
    if (first <= statistics.lowest || last >= statistics.highest)
      forRows(tile, (start, end) => {
        for (let at = start; at < end; at++) {
          const value = values[at];
          if (value < statistics.lowest) statistics.lowest = value;
          if (value > statistics.highest) statistics.highest = value;
        }
      });
    return last;
  }

  findMedian(finder: MedianFinder, tile: Tile): void {
    const values = this.values(tile);
    const { low, high } = finder;
    forRows(tile, (start, end) => {
      const kept = finder.room(end - start);
      let { count } = finder;
      for (let at = start; at < end; at++) {
        const value = values[at];
        kept[count] = value;
        count += +(value >= low) & +(value < high);
      }
      finder.count = count;
    });
  }

  highest({ tensor }: Tile): Float32Array {
    const { tf } = this;
    const best = tf.tidy(() => tf.max(tf.reshape(tensor, [tensor.size / groupSize, groupSize]), 1));
    const values = best.dataSync() as Float32Array;
    best.dispose();
    return values;
  }

  count(tile: Tile, from: number): number {
    const values = this.values(tile);
    let count = 0;
    forRows(tile, (start, end) => {
      for (let at = start; at < end; at++) count += +(values[at] >= from);
    });
    return count;
  }

  groups(tile: Tile, groups: Int32Array): Groups {
    return { groups, values: this.values(tile), whole: true };
  }

  values(tile: Tile): Float32Array {
    if (this.copied?.of !== tile) this.copied = { of: tile, values: tile.tensor.dataSync() as Float32Array };
    return this.copied.values;
  }

  dispose(): void {
    this.copied = null;
  }
}

/** Bins beyond -1 and 1, for what rounding carries there. */
const margin = 1;

/** Calls with the positions [start, end) of the pairs of each row of a tile. */
function forRows({ rows, columns }: Tile, visit: (start: number, end: number) => void): void {
  const width = columns.to - columns.from;
  for (let i = 0; i < rows.to - rows.from; i++) {
    const start = i * columns.size + (rows === columns ? i + 1 : 0);
    visit(start, i * columns.size + width);
  }
}

/**
 * Counts and keeps what the finder looks for. Two thousand times a float32 is exact in float64, so every value is in its own
 * bin. Without a branch it takes half the time: what is to be kept cannot be foreseen.
 */
function scanRow(
  values: Float32Array,
  start: number,
  end: number,
  counts: Int32Array,
  { low, high, count }: MedianFinder,
  kept: Float32Array,
): number {
  let next = count;
  for (let at = start; at < end; at++) {
    const value = values[at];
    counts[(Math.floor(value * half) + half + margin) | 0]++;
    kept[next] = value;
    next += +(value >= low) & +(value < high);
  }
  return next - count;
}
