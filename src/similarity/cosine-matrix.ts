import type { Matrix } from "../types.js";
import { backend, withBackend } from "./backend.js";
import { blocksOf, disposeBlocks, products } from "./blocks.js";
import { type Rows, unitRows } from "./unit-rows.js";

/**
 * The matrix of cosine similarities, (n, n) float32, as scikit-learn's `cosine_similarity` gives it: the diagonal is
 * what came out for it, 1 up to rounding.
 *
 * @throws `invalid` as `similarity` does
 *
 * @example
 * const { data } = await cosineMatrix(speakers)
 */
export async function cosineMatrix(rows: Rows, options: { backend?: string } = {}): Promise<Matrix> {
  const unit = unitRows(rows, { subject: "cosine matrix" });
  const { n } = unit;
  const data = new Float32Array(n * n);
  const chosen = await backend({ similarityBackend: options.backend });
  await withBackend(chosen, async () => {
    const { tf } = chosen;
    const blocks = blocksOf(tf, unit, { size: 1024 });
    for (const a of blocks)
      for (const b of blocks) {
        const tile = tf.tidy(() => products(tf, a, b).dataSync());
        for (let i = a.from; i < a.to; i++) {
          const start = (i - a.from) * b.size;
          data.set(tile.subarray(start, start + b.to - b.from), i * n + b.from);
        }
      }
    disposeBlocks(blocks);
  });
  return { data, rows: n, columns: n };
}
