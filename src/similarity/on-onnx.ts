import { availableParallelism } from "node:os";
import { join } from "node:path";
import { startThread } from "../runtime/threads.js";
import type { Vectors } from "./onnx-product.js";
import { type Limits, mergeReductions, type Reduction } from "./reduction.js";
import type { Grid, SharedQueue, TileQueue } from "./tile-queue.js";

// Before ONNX Runtime loads, and on the main thread: the environment of a worker is a copy that native code does not see.
process.env.ORT_DISABLE_TELEMETRY = "1";

/** What a worker is told. */
export interface OnnxJob {
  first: Vectors;
  second: Vectors;
  grid: Grid;
  shared: SharedQueue;
  limits: Limits;
}

/** Starting a worker costs about as much as computing this many tiles. */
const tilesAWorker = 32;

/** Most bytes for the neighbours of all workers together. */
const neighbourBytes = 4e9;

/** How many workers are worth starting; 1 means to stay on this thread. */
export function workersFor({ count, grid: { from, to, k } }: TileQueue): number {
  const room = Math.floor(neighbourBytes / Math.max(1, 8 * k * (to - from)));
  return Math.max(1, Math.min(availableParallelism(), room, Math.ceil(count / tilesAWorker)));
}

/** Computes and reduces the tiles of a queue in workers, with ONNX Runtime on one thread each. */
export async function reduceInWorkers(
  queue: TileQueue,
  { first, second, limits }: Pick<OnnxJob, "first" | "second" | "limits">,
  workers: number,
): Promise<Reduction> {
  const { grid, shared } = queue;
  const rows = inSharedMemory(first);
  const others = first === second ? rows : inSharedMemory(second);
  const job: OnnxJob = { first: rows, second: others, grid, shared, limits };
  try {
    const parts = await Promise.all(Array.from({ length: workers }, () => runWorker(job)));
    return mergeReductions(parts, limits.maxPairs);
  } catch (error) {
    queue.stop();
    throw error;
  }
}

function inSharedMemory({ data, n, dimension }: Vectors): Vectors {
  const shared = new Float32Array(new SharedArrayBuffer(data.byteLength));
  shared.set(data);
  return { data: shared, n, dimension };
}

const runWorker = (job: OnnxJob): Promise<Reduction> =>
  new Promise((resolve, reject) => {
    const worker = startThread(join(__dirname, "onnx-worker.js"), job);
    worker.on("message", resolve);
    worker.on("error", reject);
    worker.on("exit", (code) => reject(new Error(`A similarity worker ended early, with status ${code}.`)));
  });
