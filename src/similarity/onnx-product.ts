import { openSession } from "../runtime/session.js";
import type { UnitRows } from "../vectors/unit-rows.js";
import type { Product } from "./reduce-tiles.js";

/** Rows to multiply; their numbers may lie in shared memory. */
export type Vectors = Pick<UnitRows, "data" | "n" | "dimension">;

/** Rows per tile: small enough for the cache of a core, large enough to hide the cost of a call. */
export const onnxTile = 512;

/** The ONNX graph of one Gemm node, c (m, n) = a (m, d) x b (n, d) transposed; test/similarity/onnx-product.test.ts builds the same bytes. */
export const gemm = Buffer.from(
  "CAgSDHNwZWFrZXJzY29wZTpvCh4KAWEKAWISAWMiBEdlbW0qDQoGdHJhbnNCGAGgAQISCHByb2R1Y3RzWhUKAWESEAoOCAESCgoDEgFtCgMSAWRaFQoBYhIQCg4IARIKCgMSAW4KAxIBZGIVCgFjEhAKDggBEgoKAxIBbQoDEgFuQgQKABAR",
  "base64",
);

/** Products by ONNX Runtime, on the thread that calls; it writes them where they are wanted. */
export async function onnxProduct(
  first: Vectors,
  second: Vectors,
  size: number,
): Promise<{ product: Product; close(): Promise<void> }> {
  const { dimension } = first;
  const session = await openSession(gemm, { threads: 1 });
  // ONNX Runtime rejects arrays in shared memory.
  const a = new Float32Array(size * dimension);
  const b = new Float32Array(size * dimension);
  const product: Product = async ({ rows, columns }, into) => {
    a.set(first.data.subarray(rows.from * dimension, rows.to * dimension));
    b.set(second.data.subarray(columns.from * dimension, columns.to * dimension));
    const [height, width] = [rows.to - rows.from, columns.to - columns.from];
    await session.run(
      {
        a: { data: a.subarray(0, height * dimension), shape: [height, dimension] },
        b: { data: b.subarray(0, width * dimension), shape: [width, dimension] },
      },
      { c: { data: into, shape: [height, width] } },
    );
  };
  return { product, close: () => session.close() };
}
