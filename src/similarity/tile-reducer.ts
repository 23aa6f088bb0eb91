import type { Tensor1D, Tensor2D } from "@tensorflow/tfjs";
import type { Tfjs } from "./backend.js";
import { bins } from "./histogram.js";

/** Similarities of a row lie in groups of that many: a group whose best is not wanted is never looked at. */
export const groupSize = 16;

// 0.01 in two parts: the first has 17 bits, so that its product with a whole number up to 100 is exact in float32.
const hundredth = 83886 / 2 ** 23;
const hundredthRest = Math.fround(0.01 - hundredth);

/** What is to be found out about a tile. */
export interface TileQuestions {
  /** Statistics over the tile: histogram and lowest. */
  statistics: boolean;
  /** Groups that may hold a value in [low, high], and the number of values below low. */
  bracket: { low: number; high: number } | null;
  /** The number of values at or above this float32. */
  countFrom: number | null;
}

/** What was found out about a tile. */
export interface TileSummary {
  /** The largest value of every group, Float32Array (rows * columns / groupSize). */
  highest: Float32Array;
  lowest: number;
  /** Counts of the 200 bins. */
  counts: ArrayLike<number>;
  /** Of every group the least squared distance to the middle of the bracket. */
  distance: Float32Array | null;
  below: number;
  atLeast: number;
}

/**
 * Reduces tiles of similarities where they were computed: what comes back is a few numbers a group, and the values of
 * those groups alone that are asked for.
 */
export class TileReducer {
  private readonly constants = new Map<number, Tensor2D>();

  constructor(private readonly tf: Tfjs) {}

  /** Similarities of two blocks of unit rows, (rows of a, rows of b). */
  tile(a: Tensor2D, b: Tensor2D): Tensor2D {
    return this.tf.matMul(a, b, false, true);
  }

  /** @param mask 1 where a value does not count, 0 elsewhere; null when all count */
  summary(tile: Tensor2D, mask: Tensor2D | null, questions: TileQuestions): TileSummary {
    const { tf } = this;
    let summary: TileSummary | undefined;
    tf.tidy(() => {
      const groups = [tile.size / groupSize, groupSize];
      // Far above or below every similarity; adding 0 leaves the others as they are, bit for bit.
      const masked = (by: number) => (mask === null ? tile : tf.add(tile, tf.mul(mask, this.constant(by))));
      const high = masked(4);
      const highest = tf.max(tf.reshape(masked(-4), groups), 1).dataSync() as Float32Array;
      let distance: Float32Array | null = null;
      let below = 0;
      if (questions.bracket !== null) {
        const { low, high: top } = questions.bracket;
        const squared = tf.squaredDifference(high, tf.scalar((low + top) / 2));
        distance = tf.min(tf.reshape(squared, groups), 1).dataSync() as Float32Array;
        below = this.count(tf.less(high, tf.scalar(low)) as Tensor2D);
      }
      summary = {
        highest,
        distance,
        below,
        atLeast:
          questions.countFrom === null
            ? 0
            : this.count(tf.greaterEqual(masked(-4), tf.scalar(questions.countFrom)) as Tensor2D),
        lowest: questions.statistics ? tf.min(high).dataSync()[0] : Infinity,
        counts: questions.statistics ? this.histogram(tile, mask) : [],
      };
    });
    return summary!;
  }

  /** The values of some groups, Float32Array (groups.length * groupSize). */
  groups(tile: Tensor2D, groups: Int32Array): Float32Array {
    const { tf } = this;
    const values = tf.tidy(() =>
      tf.gather(tf.reshape(tile, [tile.size / groupSize, groupSize]), tf.tensor1d(groups, "int32")),
    );
    const data = values.dataSync() as Float32Array;
    values.dispose();
    return data;
  }

  dispose(): void {
    for (const tensor of this.constants.values()) tensor.dispose();
  }

  /**
   * Counts in bins [k/100, (k+1)/100), exact for every float32: the bin is that of the nearest k, or the one before when
   * the value is below k/100. The comparison is exact because value - k * hundredth is (Sterbenz), and the rest is
   * small enough; a scaled value alone, floor(100 s), is one bin off for some values next to an edge.
   */
  private histogram(tile: Tensor2D, mask: Tensor2D | null): ArrayLike<number> {
    const { tf } = this;
    const nearest = tf.round(tf.mul(tile, this.constant(100)));
    const beyond = tf.greaterEqual(
      tf.sub(tile, tf.mul(nearest, this.constant(hundredth))),
      tf.mul(nearest, this.constant(hundredthRest)),
    );
    const bin = tf.add(tf.add(nearest, this.constant(100)), tf.cast(beyond, "float32"));
    // Bin 0 is below -1, bins 1 to 200 are the 200, 201 is 1 and above; what is masked lies beyond and is not counted.
    const placed = mask === null ? bin : tf.add(bin, tf.mul(mask, this.constant(1000)));
    const index = tf.reshape(tf.cast(placed, "int32"), [tile.size]) as Tensor1D;
    const counts = tf.bincount(index, tf.tensor1d([]), bins + 2).dataSync();
    const merged = Float64Array.from(counts.subarray(1, bins + 1));
    merged[0] += counts[0];
    merged[bins - 1] += counts[bins + 1];
    return merged;
  }

  private count(flags: Tensor2D): number {
    const { tf } = this;
    // Row by row: a float32 counts exactly up to 16.7 million, which a whole tile on a GPU may exceed.
    let sum = 0;
    for (const n of tf.sum(tf.cast(flags, "float32"), 1).dataSync()) sum += n;
    return sum;
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
