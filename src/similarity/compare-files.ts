import { closeSync, openSync, readSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { invalid } from "../errors.js";
import { readNpyHeader } from "../format/npy.js";
import type { Matrix, Progress } from "../types.js";
import { MatrixFile } from "./matrix-file.js";
import { readVectors, type Vectors } from "./read-vectors.js";
import {
  completeShares,
  fingerprintOf,
  hasShare,
  readShare,
  removeShares,
  shareMatrix,
  storeShare,
} from "./share-files.js";
import {
  type CheckedRows,
  checkedRows,
  compare,
  matrixLimit,
  type SimilarityOptions,
  type SimilarityResult,
} from "./similarity.js";
import { writeComparison } from "./write-comparison.js";
import { similarityFiles } from "./write-similarity.js";

export interface CompareFilesOptions extends Omit<SimilarityOptions, "against" | "onRows"> {
  /** Compare speakers, or utterances. */
  level?: "speaker" | "utterance";
  /** File or folder to compare with, instead of with each other. */
  against?: string;
  /** Rows that are computed and stored at once when the work is shared out with `rowRange`; a multiple of 4,096 wastes nothing. */
  blockRows?: number;
}

/** The largest matrix that is written without being asked for: 1.6 GB. */
const writtenMatrixRows = 20_000;

/**
 * Compares the vectors of a file, and writes what comes out: the similarity files of `writeSimilarity`, pairs.csv and,
 * with `topK`, neighbours_index.npy and neighbours_score.npy. The matrix is written up to 20,000 rows, or when asked for.
 *
 * With `rowRange` only these rows are compared, and stored in blocks in a folder similarity_rows; what is there already
 * is not done again. Several machines can share out the rows, in the same folder or in folders put together later: who
 * finds all rows there writes the result, and it is the one that a single run gives.
 *
 * @returns the result, and what was compared; no result while other rows are missing
 * @throws as `similarity` and `readVectors` do; `invalid` when there is nothing to compare
 */
export async function compareFiles(
  input: string,
  folder: string,
  { level, against, blockRows = 12_288, rowRange, ...options }: CompareFilesOptions = {},
): Promise<{ result?: SimilarityResult; vectors: Vectors; others: Vectors }> {
  const vectors = await readVectors(input, { level });
  const others = against === undefined ? vectors : await readVectors(against, { level });
  for (const [path, { n }] of [[input, vectors] as const, [against ?? input, others] as const])
    if (n === 0) throw invalid("similarity", "input", { got: "no vectors", want: "at least one", path });
  const rows = checkedRows(vectors.rows, {
    ...options,
    rowRange,
    against: against === undefined ? undefined : others.rows,
  });
  const { matrix = rows.first.n * rows.second.n <= writtenMatrixRows ** 2 } = options;
  await mkdir(folder, { recursive: true });
  let done: Written;
  if (rowRange === undefined) done = await compareAtOnce(folder, rows, { ...options, matrix });
  else {
    const fingerprint = fingerprintOf(rows);
    await computeShares(folder, rows, { ...options, matrix, blockRows }, fingerprint);
    const shares = completeShares(folder, rows.first.n, fingerprint);
    if (shares === null) return { vectors, others };
    done = await joinShares(folder, rows, { ...options, matrix }, shares);
  }
  await writeComparison(folder, done.result, { vectors, others, matrixFile: done.matrixFile });
  if (rowRange !== undefined) await removeShares(folder);
  return { result: done.result, vectors, others };
}

/** A result, and the name of the matrix file that was written while it was computed. */
interface Written {
  result: SimilarityResult;
  matrixFile: string | null;
}

async function compareAtOnce(
  folder: string,
  rows: CheckedRows,
  options: SimilarityOptions,
): Promise<Written> {
  const shape: [number, number] = [rows.first.n, rows.second.n];
  // A small one is kept in memory, because it is written into the JSON file too.
  const isSmall = shape[0] * shape[1] <= matrixLimit ** 2;
  const keeps = options.matrix && isSmall;
  const path = join(folder, similarityFiles.matrix);
  const file = options.matrix && !isSmall ? await MatrixFile.create(path, shape) : null;
  try {
    const onRows = file === null ? undefined : ({ data }: Matrix) => file.write(data);
    const result = await compare(rows, { ...options, onRows, matrix: keeps }, async (comparison) => {
      const { matrix, ...share } = await comparison.share();
      return { ...(await comparison.result([share])), matrix };
    });
    await file?.finish();
    return { result, matrixFile: options.matrix ? similarityFiles.matrix : null };
  } catch (error) {
    await file?.discard();
    throw error;
  }
}

async function computeShares(
  folder: string,
  rows: CheckedRows,
  { blockRows, onProgress, ...options }: SimilarityOptions & { blockRows: number },
  fingerprint: string,
): Promise<void> {
  const { from: first, to: last, second } = rows;
  for (let from = first; from < last; from += blockRows) {
    const block = { ...rows, from, to: Math.min(last, from + blockRows) };
    const progress = ({ done, total }: Extract<Progress, { stage: "similarity" }>) => {
      const within = total > 0 ? (done / total) * (block.to - from) : 0;
      onProgress?.({ stage: "similarity", done: Math.floor(from - first + within), total: last - first });
    };
    if (hasShare(folder, block, fingerprint)) continue;
    await storeShare(folder, block, fingerprint, async (place) => {
      const shape: [number, number] = [block.to - from, second.n];
      const file = options.matrix ? await MatrixFile.create(shareMatrix(place), shape) : null;
      const onRows = file === null ? undefined : ({ data }: Matrix) => file.write(data);
      const settings = {
        ...options,
        onRows,
        matrix: false,
        onProgress: progress as SimilarityOptions["onProgress"],
      };
      try {
        const share = await compare(block, settings, (comparison) => comparison.share());
        await file?.finish();
        return share;
      } catch (error) {
        await file?.discard();
        throw error;
      }
    });
  }
}

async function joinShares(
  folder: string,
  rows: CheckedRows,
  options: SimilarityOptions,
  places: string[],
): Promise<Written> {
  const all = { ...rows, from: 0, to: rows.first.n };
  const settings = { ...options, matrix: false, onProgress: undefined };
  const result = await compare(all, settings, (comparison) => comparison.result(places.map(readShare)));
  if (!options.matrix) return { result, matrixFile: null };
  const [height, width] = [rows.first.n, rows.second.n];
  if (height * width <= matrixLimit ** 2) {
    const matrix: Matrix = { data: new Float32Array(height * width), rows: height, columns: width };
    let at = 0;
    for (const place of places)
      for (const part of rowsOf(shareMatrix(place))) {
        matrix.data.set(part, at);
        at += part.length;
      }
    return { result: { ...result, matrix }, matrixFile: similarityFiles.matrix };
  }
  const file = await MatrixFile.create(join(folder, similarityFiles.matrix), [height, width]);
  for (const place of places) for (const part of rowsOf(shareMatrix(place))) await file.write(part);
  await file.finish();
  return { result, matrixFile: similarityFiles.matrix };
}

/** The numbers of a .npy file of float32 in parts of up to 64 MB. */
function* rowsOf(path: string): Generator<Float32Array> {
  const file = openSync(path, "r");
  try {
    const head = new Uint8Array(10_240);
    const read = readSync(file, head, 0, head.length, 0);
    const { dataOffset, dataLength } = readNpyHeader(head.subarray(0, read), { path });
    for (let at = 0; at < dataLength; ) {
      const part = new Uint8Array(Math.min(1 << 26, dataLength - at));
      at += readSync(file, part, 0, part.length, dataOffset + at);
      yield new Float32Array(part.buffer);
    }
  } finally {
    closeSync(file);
  }
}
