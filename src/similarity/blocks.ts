import type { Tensor2D } from "@tensorflow/tfjs";
import type { Tfjs } from "./backend.js";
import { groupSize } from "./tile-statistics.js";
import type { UnitRows } from "./unit-rows.js";

/** Some consecutive rows as a tensor. */
export interface Block {
  from: number;
  to: number;
  /** (size, dimension); the rows beyond `to` are zero and fill up the last group. */
  tensor: Tensor2D;
  size: number;
}

/** The rows in blocks of at most `size` rows; none reaches over one of the `cuts`. */
export function blocksOf(
  tf: Tfjs,
  rows: UnitRows,
  { size, cuts = [] }: { size: number; cuts?: number[] },
): Block[] {
  const ends = [...cuts, rows.n].filter((cut) => cut > 0 && cut <= rows.n).sort((a, b) => a - b);
  const blocks: Block[] = [];
  let from = 0;
  for (const end of ends)
    while (from < end) {
      const to = Math.min(end, from + size);
      const padded = Math.ceil((to - from) / groupSize) * groupSize;
      let values = rows.data.subarray(from * rows.dimension, to * rows.dimension);
      if (padded > to - from) {
        const filled = new Float32Array(padded * rows.dimension);
        filled.set(values);
        values = filled;
      }
      blocks.push({ from, to, size: padded, tensor: tf.tensor2d(values, [padded, rows.dimension]) });
      from = to;
    }
  return blocks;
}

/** 1 where a tile's value is no pair of its own: in the filling, and on and below the diagonal of a diagonal tile. */
export function maskOf(tf: Tfjs, rows: Block, columns: Block): Tensor2D | null {
  const diagonal = rows === columns;
  const [height, width] = [rows.to - rows.from, columns.to - columns.from];
  if (!diagonal && height === rows.size && width === columns.size) return null;
  const mask = new Float32Array(rows.size * columns.size).fill(1);
  for (let i = 0; i < height; i++)
    mask.fill(0, i * columns.size + (diagonal ? i + 1 : 0), i * columns.size + width);
  return tf.tensor2d(mask, [rows.size, columns.size]);
}
