import util from "node:util";
import type { Tensor2D } from "@tensorflow/tfjs";
import type { UnitRows } from "../vectors/unit-rows.js";
import type { Found } from "./found.js";
import { type Product, type ReduceHooks, type ReduceOptions, reduceTiles } from "./reduce-tiles.js";
import type { TileQueue } from "./tile-queue.js";

export type Tfjs = typeof import("@tensorflow/tfjs");

/** TensorFlow through tfjs, as set-up built it. */
export interface Tensorflow {
  tf: Tfjs;
  /** True when the arithmetic happens on a GPU. */
  gpu: boolean;
}

let loaded: Promise<Tensorflow> | undefined;

/** Loads TensorFlow, once a process; fails where set-up did not build its addon. */
export function tensorflow(): Promise<Tensorflow> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<Tensorflow> {
  // Node 24 took away two functions that the native backend calls.
  Object.assign(util, {
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: Array.isArray,
  });
  const tf = require("@tensorflow/tfjs-node-gpu") as Tfjs;
  mendRound(tf);
  return withTensorflow({ tf, gpu: false }, async () => ({
    tf,
    gpu: Boolean((tf.backend() as { isUsingGpuDevice?: boolean }).isUsingGpuDevice),
  }));
}

/** TensorFlow 2.18 to 2.21 give zeros for Round of int32, where it has nothing to do. */
function mendRound(tf: Tfjs): void {
  const round = tf.getKernel("Round", "tensorflow");
  const identity = tf.getKernel("Identity", "tensorflow");
  tf.unregisterKernel("Round", "tensorflow");
  tf.registerKernel({
    ...round,
    kernelFunc: (call) =>
      (call.inputs.x as { dtype: string }).dtype === "int32"
        ? identity.kernelFunc(call)
        : round.kernelFunc(call),
  });
}

/** Runs a job with TensorFlow as the current backend of tfjs, and gives whoever chose another one theirs back. */
async function withTensorflow<T>({ tf }: Tensorflow, job: () => Promise<T>): Promise<T> {
  const before = tf.getBackend();
  await tf.setBackend("tensorflow");
  try {
    return await job();
  } finally {
    if (before && before !== "tensorflow") await tf.setBackend(before);
  }
}

/** Rows of a tile: large enough that the calls do not count, small enough for the cache. */
export const tensorflowTile = ({ gpu }: Tensorflow) => (gpu ? 4096 : 1024);

/**
 * The longest dot products that TensorFlow is asked for. For longer ones, on processors without AVX-512, oneDNN's kernel points the
 * stack pointer at memory of the heap, and a signal that comes meanwhile (a resized terminal is enough) writes over
 * whatever lies below it.
 */
const safeDepth = 192;

/** Products by TensorFlow. */
function tensorflowProduct(
  tf: Tfjs,
  first: UnitRows,
  second: UnitRows,
  size: number,
): { product: Product; dispose(): void } {
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
  return { product, dispose: () => tf.dispose([left, right]) };
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

/** Computes and reduces the tiles of a queue with TensorFlow's products, on this thread. */
export function reduceOnTensorflow(
  chosen: Tensorflow,
  queue: TileQueue,
  { first, second, options }: { first: UnitRows; second: UnitRows; options: ReduceOptions },
  hooks: ReduceHooks,
): Promise<Found> {
  return withTensorflow(chosen, async () => {
    const { product, dispose } = tensorflowProduct(chosen.tf, first, second, queue.options.size);
    try {
      return await reduceTiles(queue, product, options, hooks);
    } finally {
      dispose();
    }
  });
}
