import type { Tensor, Tensor1D, Tensor2D } from "@tensorflow/tfjs";
import type { Tfjs } from "./backend.js";
import { maskOf, type Tile } from "./blocks.js";
import { fineBins, fineEdge } from "./histogram.js";
import type { MedianFinder } from "./median.js";
import type { TileReducer } from "./tile-reducer.js";
import type { Search, TileScan } from "./tile-scan.js";
import { groupSize, type TileStatistics } from "./tile-statistics.js";

const half = fineBins / 2;

/** Reduces tiles in the graph, where they are on another device. */
export class GraphReducer implements TileReducer {
  private readonly constants = new Map<number, Tensor2D>();

  constructor(
    private readonly tf: Tfjs,
    private readonly scan: TileScan,
  ) {}

  addTo(statistics: TileStatistics, tile: Tile): number {
    const { tf } = this;
    const fine = this.fineCounts(tile);
    for (let f = 0; f < fineBins; f++) statistics.fine[f] += fine[f];
    // The counts tell where nothing new is to be found.
    const first = fine.findIndex((n) => n > 0);
    const last = fine.findLastIndex((n) => n > 0);
    if (first === 0 || fineEdge(first) <= statistics.lowest) {
      const lowest = this.read(tile, 4, (values) => tf.min(values))[0];
      statistics.lowest = Math.min(statistics.lowest, lowest);
    }
    const bound = last === fineBins - 1 ? Infinity : fineEdge(last + 1);
    if (bound >= statistics.highest) {
      const highest = this.read(tile, -4, (values) => tf.max(values))[0];
      statistics.highest = Math.max(statistics.highest, highest);
    }
    this.sumUp(statistics, tile);
    if (bound >= statistics.threshold) statistics.highPairs += this.count(tile, statistics.threshold);
    this.findMedian(statistics.finder, tile);
    return bound;
  }

  findMedian(finder: MedianFinder, tile: Tile): void {
    const { tf } = this;
    const { low, high, middle, reach } = finder;
    const distance = this.read(tile, 4, (values) =>
      tf.min(tf.reshape(tf.squaredDifference(values, this.constant(middle)), [-1, groupSize]), 1),
    );
    const near = Int32Array.from(distance.keys()).filter((group) => distance[group] <= reach);
    const values = this.rows(tile.tensor, groupSize, near);
    const { rows, columns, counted } = tile;
    const found = new Float32Array(values.length);
    let count = 0;
    for (let g = 0, at = 0; g < near.length; g++)
      for (let t = 0; t < groupSize; t++, at++) {
        const value = values[at];
        if (!(value >= low && value < high)) continue;
        const position = near[g] * groupSize + t;
        const i = rows.from + Math.floor(position / columns.size);
        const j = columns.from + (position % columns.size);
        if (i < counted.from || i >= counted.to || j >= columns.to || (rows === columns && j <= i)) continue;
        found[count++] = value;
      }
    finder.take(found.subarray(0, count));
  }

  search(tile: Tile, search: Search): void {
    const { tf, scan } = this;
    const best = tf.tidy(() => tf.max(tf.reshape(tile.tensor, [-1, groupSize]), 1));
    scan.loadBest(best.dataSync() as Float32Array);
    best.dispose();
    const groups = scan.want(tile, search);
    scan.load(this.rows(tile.tensor, groupSize, groups));
    scan.take(groups.length, false, search);
  }

  values({ tensor }: Tile): Float32Array {
    return tensor.dataSync() as Float32Array;
  }

  dispose(): void {
    for (const tensor of this.constants.values()) tensor.dispose();
    this.constants.clear();
  }

  /** Sums within a row are in float32: of the distances from the middle, so that little is lost where all lie close. */
  private sumUp(statistics: TileStatistics, tile: Tile): void {
    const { tf } = this;
    const { scale, finder } = statistics;
    const { rows, columns, counted } = tile;
    const { middle } = finder;
    const [distances, squares] = tf.tidy(() => {
      const mask = maskOf(tf, tile);
      const all = tf.sub(tile.tensor, this.constant(middle));
      const pairs = mask === null ? all : tf.mul(all, tf.sub(this.constant(1), mask));
      return [tf.sum(pairs, 1), tf.sum(tf.square(pairs), 1)];
    });
    const [first, second] = [distances.dataSync(), squares.dataSync()];
    tf.dispose([distances, squares]);
    const width = columns.to - columns.from;
    for (let i = counted.from - rows.from; i < counted.to - rows.from; i++) {
      const n = rows === columns ? width - 1 - i : width;
      statistics.sum += BigInt(Math.round((first[i] + n * middle) * scale));
      statistics.squares += BigInt(Math.round((second[i] + middle * (2 * first[i] + n * middle)) * scale));
    }
  }

  /** Pairs at or above a float32. */
  private count(tile: Tile, from: number): number {
    const { tf } = this;
    // Row by row: a float32 counts exactly up to 16.7 million, and a tile holds as many values.
    const perRow = this.read(tile, -4, (values) =>
      tf.sum(tf.cast(tf.greaterEqual(values, tf.scalar(from)), "float32"), 1),
    );
    return perRow.reduce((sum, n) => sum + n, 0);
  }

  /**
   * Counts of floor(2000 s), exact. The product is rounded in float32, so a value just below an edge may come out as the
   * edge itself, and nothing else can go wrong: rows with a whole product are looked at value by value.
   */
  private fineCounts(tile: Tile): Float64Array {
    const { tf } = this;
    const { rows, columns, counted, tensor } = tile;
    const [counts, whole] = tf.tidy(() => {
      // What is masked lies beyond all bins, where it is not counted; it is no whole number either.
      const scaled = this.masked(tf.mul(tensor, this.constant(half)), tile, 8 * fineBins + 0.5);
      const floor = tf.floor(scaled);
      const index = tf.cast(tf.add(floor, this.constant(half + margin)), "int32");
      const bins = tf.bincount(
        tf.reshape(index, [tensor.size]) as Tensor1D,
        tf.tensor1d([]),
        fineBins + 2 * margin,
      );
      return [bins, tf.any(tf.equal(scaled, floor), 1)] as Tensor[];
    });
    const fine = new Float64Array(fineBins);
    for (const [b, n] of counts.dataSync().entries())
      fine[Math.min(fineBins - 1, Math.max(0, b - margin))] += n;
    const flags = whole.dataSync();
    tf.dispose([counts, whole]);
    const unsure = Int32Array.from(flags.keys()).filter(
      (row) => flags[row] === 1 && row >= counted.from - rows.from && row < counted.to - rows.from,
    );
    const values = this.rows(tensor, columns.size, unsure);
    for (let r = 0; r < unsure.length; r++) {
      const first = rows === columns ? unsure[r] + 1 : 0;
      for (let j = first; j < columns.to - columns.from; j++) mend(fine, values[r * columns.size + j]);
    }
    return fine;
  }

  /** What an operation makes of a tile in which no value counts that is no pair. */
  private read(tile: Tile, aside: number, operation: (values: Tensor2D) => Tensor): Float32Array {
    const result = this.tf.tidy(() => operation(this.masked(tile.tensor, tile, aside)));
    const values = result.dataSync() as Float32Array;
    result.dispose();
    return values;
  }

  /** Adds to what is no pair; adding 0 leaves the rest as it is, bit for bit. */
  private masked(values: Tensor2D, tile: Tile, by: number): Tensor2D {
    const mask = maskOf(this.tf, tile);
    return mask === null ? values : this.tf.add(values, this.tf.mul(mask, this.constant(by)));
  }

  /** Some rows of an array (rows, width), Float32Array (indices.length * width). */
  private rows(tensor: Tensor2D, width: number, indices: Int32Array): Float32Array {
    if (indices.length === 0) return new Float32Array();
    const { tf } = this;
    const part = tf.tidy(() => tf.gather(tf.reshape(tensor, [-1, width]), tf.tensor1d(indices, "int32")));
    const values = part.dataSync() as Float32Array;
    part.dispose();
    return values;
  }

  private constant(value: number): Tensor2D {
    let tensor = this.constants.get(value);
    if (tensor === undefined) {
      tensor = this.tf.keep(this.tf.tensor2d([value], [1, 1]));
      this.constants.set(value, tensor);
    }
    return tensor;
  }
}

/** Bins beyond -1 and 1, for what rounding carries there. */
const margin = 1;

/** Moves a value that was counted in the bin of the edge it was rounded to into its own. */
function mend(fine: Float64Array, value: number): void {
  const scaled = Math.fround(value * half);
  const bin = scaled + half;
  if (scaled !== Math.floor(scaled) || bin < 1 || bin >= fineBins || value >= fineEdge(bin)) return;
  fine[bin]--;
  fine[bin - 1]++;
}
