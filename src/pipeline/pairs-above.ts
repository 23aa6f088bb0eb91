import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { endianness } from "node:os";
import { invalid } from "../errors.js";
import { readNpyHeader } from "../format/npy.js";
import type { Matrix, Pair } from "../types.js";

/** Rows of a matrix, `rows` of them from `first` on. */
interface Block extends Matrix {
  first: number;
}

/** Similarities are counted in so many bins to find the one at which the list ends. */
const bins = 1 << 16;

/**
 * The pairs i < j of a similarity matrix at or above a threshold, most similar first, ties by row; of more than `maxPairs`
 * the most similar (where it ends, by row among those within 3e-5). Memory grows with the list alone.
 *
 * @param blocks goes through the rows of the matrix, from the first one each time it is called
 * @returns the pairs, and how many there are in all
 */
export function pairsAbove(
  blocks: () => Iterable<Block>,
  threshold: number,
  maxPairs: number,
): { pairs: Pair[]; total: number } {
  const counts = new Float64Array(bins);
  const binOf = (similarity: number) =>
    Math.max(0, Math.min(bins - 1, Math.floor(((similarity + 1) / 2) * bins)));
  let total = 0;
  each(blocks(), threshold, (_i, _j, similarity) => {
    total++;
    counts[binOf(similarity)]!++;
  });
  // The bins from the top that fit into the list whole, and of the next one the first pairs.
  let lowest = bins;
  let room = maxPairs;
  while (lowest > 0 && counts[lowest - 1]! <= room) room -= counts[--lowest]!;
  const pairs: Pair[] = [];
  each(blocks(), threshold, (i, j, similarity) => {
    const bin = binOf(similarity);
    if (bin < lowest && (bin !== lowest - 1 || room-- <= 0)) return;
    pairs.push({ i, j, similarity });
  });
  pairs.sort((a, b) => b.similarity - a.similarity || a.i - b.i || a.j - b.j);
  return { pairs, total };
}

function each(
  blocks: Iterable<Block>,
  threshold: number,
  take: (i: number, j: number, similarity: number) => void,
): void {
  for (const { data, rows, columns, first } of blocks)
    for (let row = 0; row < rows; row++) {
      const i = first + row;
      for (let j = i + 1, at = row * columns + j; j < columns; j++, at++)
        if (data[at]! >= threshold) take(i, j, data[at]!);
    }
}

/**
 * Goes through a similarity_matrix.npy in blocks of rows; undefined when there is none of n rows and columns that can be read
 * in parts (float32, row after row).
 */
export function matrixFileBlocks(path: string, n: number): (() => Generator<Block>) | undefined {
  if (!existsSync(path) || endianness() !== "LE") return undefined;
  const head = Buffer.alloc(10_240);
  const { code, bigEndian, fortranOrder, shape, dataOffset } = withFile(path, (file) =>
    readNpyHeader(head.subarray(0, readSync(file, head, 0, head.length, 0)), { path }),
  );
  if (code !== "f4" || bigEndian || fortranOrder || shape.length !== 2 || shape[0] !== n || shape[1] !== n)
    return undefined;
  const rowsPerBlock = Math.max(1, Math.floor((1 << 22) / n));
  return function* blocks() {
    const file = openSync(path, "r");
    try {
      for (let first = 0; first < n; first += rowsPerBlock) {
        const rows = Math.min(rowsPerBlock, n - first);
        const data = new Float32Array(rows * n);
        const bytes = new Uint8Array(data.buffer);
        if (readSync(file, bytes, 0, bytes.length, dataOffset + first * n * 4) !== bytes.length)
          throw invalid(`${path} is cut off: it has fewer than ${n} rows.`, { path });
        yield { data, rows, columns: n, first };
      }
    } finally {
      closeSync(file);
    }
  };
}

function withFile<Result>(path: string, use: (file: number) => Result): Result {
  const file = openSync(path, "r");
  try {
    return use(file);
  } finally {
    closeSync(file);
  }
}
