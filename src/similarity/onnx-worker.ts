// A thread that computes and reduces tiles: started by on-onnx.ts.
import { parentPort } from "node:worker_threads";
import { threadData } from "../runtime/threads.js";
import type { OnnxJob } from "./on-onnx.js";
import { onnxProduct } from "./onnx-product.js";
import { reduceTiles } from "./reduce-tiles.js";
import { TileQueue } from "./tile-queue.js";

async function work({ first, second, grid, shared, limits }: OnnxJob): Promise<void> {
  const { product, close } = await onnxProduct(first, second, grid.size);
  const reduction = await reduceTiles(new TileQueue(grid, shared), product, limits);
  await close();
  const { fine, pairs, neighbours } = reduction;
  const arrays = [fine, pairs.rows, pairs.scores, neighbours.index, neighbours.score];
  parentPort!.postMessage(
    reduction,
    arrays.map(({ buffer }) => buffer as ArrayBuffer),
  );
}

void work(threadData());
