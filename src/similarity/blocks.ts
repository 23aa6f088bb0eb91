import type { Tensor2D } from "@tensorflow/tfjs";
import type { Tfjs } from "./backend.js";
import { groupSize } from "./tile-statistics.js";
import type { UnitRows } from "./unit-rows.js";

/** Some consecutive rows as tensors. */
export interface Block {
  from: number;
  to: number;
  /** Together (size, dimension), each with some of the columns; the rows beyond `to` are zero and fill up the last group. */
  parts: Tensor2D[];
  size: number;
}

/** A tile of similarities, (rows.size, columns.size), and which rows it compares with which. */
export interface Tile {
  tensor: Tensor2D;
  rows: Block;
  columns: Block;
  /** The rows whose pairs count; the others only have neighbours here. */
  counted: { from: number; to: number };
}

/**
 * The longest dot products that TensorFlow is asked for. For longer ones, on processors without AVX-512, oneDNN's kernel points the
 * stack pointer at memory of the heap, and a signal that comes meanwhile (a resized terminal is enough) writes over
 * whatever lies below it.
 */
export const safeDepth = 192;

/** The rows in blocks of at most `size` rows, for `products`; none reaches over one of the `cuts`. */
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
      blocks.push({ from, to, size: padded, parts: partsOf(tf, values, [padded, rows.dimension]) });
      from = to;
    }
  return blocks;
}

function partsOf(tf: Tfjs, values: Float32Array, [rows, columns]: [number, number]): Tensor2D[] {
  const whole = tf.tensor2d(values, [rows, columns]);
  if (columns <= safeDepth) return [whole];
  const count = Math.ceil(columns / safeDepth);
  const edge = (part: number) => Math.round((part * columns) / count);
  const parts = Array.from({ length: count }, (_, p) =>
    tf.slice(whole, [0, edge(p)], [rows, edge(p + 1) - edge(p)]),
  );
  whole.dispose();
  return parts;
}

/** The dot products of the rows of one block with those of another, (a.size, b.size). */
export function products(tf: Tfjs, a: Block, b: Block): Tensor2D {
  return tf.tidy(() =>
    a.parts
      .map((part, p): Tensor2D => tf.matMul(part, b.parts[p], false, true))
      .reduce((sum, more): Tensor2D => tf.add(sum, more)),
  );
}

export const disposeBlocks = (blocks: Iterable<Block>) => {
  for (const { parts } of blocks) for (const part of parts) part.dispose();
};

/**
 * Where blocks of `size` rows end, whatever part of the rows is looked at: the last bits of a product depend on the shape of
 * the tile and on the place in it, and a share must have those of the whole. The first blocks are small: until rows have
 * found some neighbours, every value is a candidate.
 */
export const gridOf = (size: number) => ({ size, cuts: [size / 8, size / 4, size / 2, size] });

/** 1 where a tile's value is no pair that counts: in other rows, in the filling, and on and below the diagonal of a diagonal tile. */
export function maskOf(tf: Tfjs, { rows, columns, counted }: Tile): Tensor2D | null {
  const diagonal = rows === columns;
  const width = columns.to - columns.from;
  if (!diagonal && counted.to - counted.from === rows.size && width === columns.size) return null;
  const mask = new Float32Array(rows.size * columns.size).fill(1);
  for (let i = counted.from - rows.from; i < counted.to - rows.from; i++)
    mask.fill(0, i * columns.size + (diagonal ? i + 1 : 0), i * columns.size + width);
  return tf.tensor2d(mask, [rows.size, columns.size]);
}
