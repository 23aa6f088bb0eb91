import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { type Found, mergeFound } from "./found.js";
import { onnxProduct, type Vectors } from "./onnx-product.js";
import { type ReduceHooks, type ReduceOptions, reduceTiles } from "./reduce-tiles.js";
import type { GridOptions } from "./tile-grid.js";
import type { SharedQueue, TileQueue } from "./tile-queue.js";

/** What a worker is told. */
export interface OnnxJob {
  first: Vectors;
  second: Vectors;
  grid: GridOptions;
  shared: SharedQueue;
  options: ReduceOptions;
}

/** Rows of a tile: small enough for the cache of a core, large enough that the calls do not count. */
export const onnxTile = 512;

/** A worker takes as long to start as so many tiles to compute. */
const tilesAWorker = 32;

/** The lists of neighbours of all workers take at most so many bytes. */
const neighbourBytes = 4e9;

/** How many workers a comparison is worth; 1 stands for this thread. */
export function workersFor(queue: TileQueue, k: number): number {
  const { from, to } = queue.options;
  const room = Math.floor(neighbourBytes / Math.max(1, 8 * k * (to - from)));
  return Math.max(1, Math.min(availableParallelism(), room, Math.ceil(queue.grid.count / tilesAWorker)));
}

/** Computes and reduces the tiles of a queue in workers, with ONNX Runtime on one thread each. */
export async function reduceInWorkers(
  queue: TileQueue,
  { first, second, options }: Pick<OnnxJob, "first" | "second" | "options">,
  { workers, onStrip }: { workers: number; onStrip: (strip: number) => void },
): Promise<Found> {
  // A worker's environment is a copy, which ONNX Runtime does not see.
  process.env.ORT_DISABLE_TELEMETRY = "1";
  const shared = (vectors: Vectors): Vectors => {
    const data = new Float32Array(new SharedArrayBuffer(vectors.data.byteLength));
    data.set(vectors.data);
    return { data, n: vectors.n, dimension: vectors.dimension };
  };
  const rows = shared(first);
  const job: OnnxJob = {
    first: rows,
    second: first === second ? rows : shared(second),
    grid: queue.options,
    shared: queue.shared,
    options,
  };
  const parts = await Promise.allSettled(
    Array.from({ length: workers }, () =>
      runWorker(job, onStrip).catch((error) => {
        queue.stop();
        throw error;
      }),
    ),
  );
  return mergeFound(
    parts.map((part) => {
      if (part.status === "rejected") throw part.reason;
      return part.value;
    }),
    options.maxPairs,
  );
}

function runWorker(job: OnnxJob, onStrip: (strip: number) => void): Promise<Found> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(join(__dirname, "onnx-worker.js"), { workerData: job });
    worker.on("message", ({ strip, found }: { strip?: number; found?: Found }) => {
      if (strip !== undefined) onStrip(strip);
      if (found !== undefined) resolve(found);
    });
    worker.on("error", reject);
    worker.on("exit", (code) => reject(new Error(`A similarity worker ended early, with status ${code}.`)));
  });
}

/** Computes and reduces the tiles of a queue on this thread. */
export async function reduceOnThisThread(
  queue: TileQueue,
  { first, second, options }: Pick<OnnxJob, "first" | "second" | "options">,
  hooks: ReduceHooks,
): Promise<Found> {
  const { product, close } = await onnxProduct(first, second, onnxTile);
  try {
    return await reduceTiles(queue, product, options, hooks);
  } finally {
    await close();
  }
}
