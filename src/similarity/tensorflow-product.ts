import type { Tensor2D } from "@tensorflow/tfjs";
import { type Tensorflow, type Tfjs, useTensorflow } from "../runtime/tensorflow.js";
import type { UnitRows } from "../vectors/unit-rows.js";
import type { Product } from "./reduce-tiles.js";

/** Rows per tile: large enough to hide the cost of a call, small enough for the cache. */
export const tensorflowTile = ({ gpu }: Tensorflow) => (gpu ? 4096 : 1024);

/**
 * The longest dot products that TensorFlow is asked for. For longer ones, oneDNN's kernel for processors without AVX-512
 * points the stack pointer into the heap, and a signal that arrives meanwhile (resizing a terminal is enough) overwrites
 * what lies below it.
 */
const safeDepth = 192;

/** Products by TensorFlow, which is the current backend of tfjs until they are closed. */
export async function tensorflowProduct(
  tf: Tfjs,
  first: UnitRows,
  second: UnitRows,
  size: number,
): Promise<{ product: Product; close(): Promise<void> }> {
  const restore = await useTensorflow(tf);
  const left = blocksOf(tf, first, size);
  const right = first === second ? left : blocksOf(tf, second, size);
  const product: Product = ({ rows, columns }, into) => {
    const [a, b] = [left[rows.from / size], right[columns.from / size]];
    const tile = tf.tidy(() =>
      a
        .map((part, p): Tensor2D => tf.matMul(part, b[p], false, true))
        .reduce((sum, more): Tensor2D => tf.add(sum, more)),
    );
    into.set(tile.dataSync() as Float32Array);
    tile.dispose();
  };
  return {
    product,
    close: () => {
      tf.dispose([left, right]);
      return restore();
    },
  };
}

/** The rows in blocks, each cut into parts of some columns. */
function blocksOf(tf: Tfjs, { data, n, dimension }: UnitRows, size: number): Tensor2D[][] {
  const parts = Math.ceil(dimension / safeDepth);
  const edges = Array.from({ length: parts + 1 }, (_, p) => Math.round((p * dimension) / parts));
  return Array.from({ length: Math.ceil(n / size) }, (_, block) => {
    const height = Math.min(size, n - block * size);
    const start = block * size * dimension;
    return tf.tidy(() => {
      const whole = tf.tensor2d(data.subarray(start, start + height * dimension), [height, dimension]);
      return Array.from({ length: parts }, (_, p) =>
        parts === 1 ? whole : tf.slice(whole, [0, edges[p]], [height, edges[p + 1] - edges[p]]),
      );
    });
  });
}
