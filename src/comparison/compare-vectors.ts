import { join } from "node:path";
import { invalid } from "../errors.js";
import { npyHeader } from "../format/npy.js";
import { backend } from "../similarity/backend.js";
import {
  type CheckedRows,
  type Comparison,
  checkedRows,
  compare,
  compareAll,
  resultOf,
} from "../similarity/compare.js";
import { momentsOf } from "../similarity/moments.js";
import { matrixLimit, type SimilarityOptions, type SimilarityResult } from "../similarity/options.js";
import { joinReductions } from "../similarity/reduction.js";
import { checkSameModel, readProvenance } from "../store/provenance.js";
import { readComparableVectors, type Vectors } from "../store/read-vectors.js";
import type { Matrix } from "../types.js";
import { makeFolder } from "../util/make-folder.js";
import { writeFile } from "../util/write-file.js";
import { type Together, writeTogether } from "../util/write-together.js";
import { MatrixFile, matrixBlocks } from "./matrix-file.js";
import { RowBlocks, type StoredBlock } from "./row-blocks.js";
import { writeComparison } from "./write-comparison.js";
import { similarityFiles } from "./write-similarity.js";

export interface CompareVectorsOptions extends Omit<SimilarityOptions, "against" | "onRows"> {
  /** What to compare in a folder or pickle of embeddings; default `speaker`. */
  level?: "speaker" | "utterance";
  /** File or folder to compare with; default: the rows with each other. */
  against?: string;
  /** With `rowRange`: rows that are computed and stored at once; default 12,288. Multiples of 4,096 waste no work. */
  blockRows?: number;
  /** Told once where this process waits to see whether another host that holds the folder is alive. */
  onWait?: (line: string) => void;
}

export interface ComparedVectors {
  /** Absent while other rows are missing. */
  result?: SimilarityResult;
  /** True when another process joins the rows at the same time and writes the result. */
  joinedElsewhere?: boolean;
  vectors: Vectors;
  others: Vectors;
}

/** Rows up to which the matrix is written by default: 1.6 GB. */
const writtenMatrixRows = 20_000;

/**
 * Compares the vectors of a file, and writes what comes out: the similarity files of `writeSimilarity`, pairs.csv and,
 * with `topK`, neighbours.csv (query, rank, key, score; up to a million rows), neighbours_index.npy and neighbours_score.npy. The matrix is written up to 20,000 rows, or when asked for.
 *
 * With `rowRange` only these rows are compared, and stored in blocks in a folder similarity_rows; blocks that are there
 * are not computed again. Several machines can split the rows, in one folder or in folders copied together later. Whoever
 * finds all rows present writes the result, which is the same as that of a single run.
 *
 * @returns the result, and what was compared
 * @throws as `similarity` and `readVectors` do; `invalid` when there is nothing to compare; `conflict` when the rows that are
 * there were compared otherwise, and when another process writes into the folder
 * @example
 * const { result } = await compareVectors("final_embeddings/speaker_embeddings.pkl", "comparison", { topK: 5 });
 */
export async function compareVectors(
  input: string,
  folder: string,
  { level, against, blockRows = 12_288, rowRange, ...options }: CompareVectorsOptions = {},
): Promise<ComparedVectors> {
  if (against !== undefined) checkSameModel(readProvenance(input), readProvenance(against));
  const vectors = await readComparableVectors(input, { level });
  const others = against === undefined ? vectors : await readComparableVectors(against, { level });
  for (const [path, { n }] of [[input, vectors] as const, [against ?? input, others] as const])
    if (n === 0) throw invalid("There are no vectors to compare.", { path });
  const rows = checkedRows(vectors.rows, {
    ...options,
    rowRange,
    against: against === undefined ? undefined : others.rows,
  });
  const settings: SimilarityOptions = {
    ...options,
    matrix: options.matrix ?? rows.first.n * rows.second.n <= writtenMatrixRows ** 2,
  };
  const write = (files: Together, result: SimilarityResult) =>
    writeComparison(files, folder, result, {
      vectors,
      others,
      matrixFile: settings.matrix ? similarityFiles.matrix : null,
    });
  const { onWait, abortSignal } = options;
  if (rowRange === undefined)
    return writeTogether(folder, { purpose: "comparing vectors", onWait, abortSignal }, async (files) => {
      const path = files.at(join(folder, similarityFiles.matrix));
      const result = await withMatrixFile(path, rows, settings, compareAll);
      await write(files, result);
      return { result, vectors, others };
    });
  makeFolder(folder);
  const stored = new RowBlocks(folder, rows);
  try {
    await computeBlocks(stored, rows, { ...settings, blockRows });
    if (stored.complete(rows.first.n) === null) return { vectors, others };
    return await writeTogether(folder, { purpose: joining, onWait, abortSignal }, async (files) => {
      // Whoever held the folder until now has joined them.
      const blocks = stored.complete(rows.first.n);
      if (blocks === null) return { vectors, others, joinedElsewhere: true };
      const path = files.at(join(folder, similarityFiles.matrix));
      const result = await joinBlocks(path, rows, settings, { stored, blocks });
      await write(files, result);
      await stored.remove(blocks);
      return { result, vectors, others };
    });
  } catch (error) {
    if (stored.isGone(error) || isJoining(error)) return { vectors, others, joinedElsewhere: true };
    throw error;
  }
}

const joining = "joining rows that were compared";

/** Whether another process holds the folder to join the rows. */
const isJoining = (error: unknown) =>
  (error as { got?: { purpose?: unknown } } | undefined)?.got?.purpose === joining;

/** A small matrix is kept in memory, because the JSON file holds it too. */
const isSmall = (height: number, width: number) => height * width <= matrixLimit ** 2;

/** Runs a comparison; the rows of a large matrix go to its file as they come. */
async function withMatrixFile<T>(
  path: string,
  rows: CheckedRows,
  options: SimilarityOptions,
  job: (rows: CheckedRows, options: SimilarityOptions) => Promise<T>,
  inMemory = isSmall(rows.to - rows.from, rows.second.n),
): Promise<T> {
  if (!options.matrix || inMemory) return job(rows, options);
  const file = await MatrixFile.create(path, [rows.to - rows.from, rows.second.n]);
  try {
    const onRows = ({ data }: Matrix) => file.write(data);
    const done = await job(rows, { ...options, onRows, matrix: false });
    await file.finish();
    return done;
  } catch (error) {
    await file.discard();
    throw error;
  }
}

async function computeBlocks(
  stored: RowBlocks,
  rows: CheckedRows,
  { blockRows, onProgress, ...options }: SimilarityOptions & { blockRows: number },
): Promise<void> {
  const { from: first, to: last } = rows;
  // Blocks that do not fit together are an error before anything is computed.
  const blocks = stored.missing(rows).flatMap(({ from: start, to: end }) =>
    Array.from({ length: Math.ceil((end - start) / blockRows) }, (_, b) => {
      const from = start + b * blockRows;
      return { ...rows, from, to: Math.min(end, from + blockRows) };
    }),
  );
  for (const block of blocks) {
    const { from, to } = block;
    const progress: SimilarityOptions["onProgress"] = ({ done, total }) => {
      const within = total > 0 ? (done / total) * (to - from) : 0;
      onProgress?.({ stage: "similarity", done: Math.floor(from - first + within), total: last - first });
    };
    const settings = { ...options, onProgress: progress };
    await stored.store(block, async (place) => {
      const path = join(place, similarityFiles.matrix);
      return (await withMatrixFile<Comparison>(path, block, settings, compare, false)).reduction;
    });
  }
}

async function joinBlocks(
  path: string,
  rows: CheckedRows,
  options: SimilarityOptions,
  { stored, blocks }: { stored: RowBlocks; blocks: StoredBlock[] },
): Promise<SimilarityResult> {
  const [height, width] = [rows.first.n, rows.second.n];
  const all = { ...rows, from: 0, to: height };
  const reduction = joinReductions(
    (function* () {
      for (const block of blocks) yield stored.read(block);
    })(),
    rows.maxPairs,
  );
  const parts = function* () {
    for (const { path, from, to } of blocks)
      for (const { data } of matrixBlocks(join(path, similarityFiles.matrix), [to - from, width])!)
        yield data;
  };
  let matrix: Matrix | undefined;
  if (options.matrix && isSmall(height, width)) {
    matrix = { data: new Float32Array(height * width), rows: height, columns: width };
    let at = 0;
    for (const part of parts()) {
      matrix.data.set(part, at);
      at += part.length;
    }
  } else if (options.matrix)
    await writeFile(
      path,
      (function* () {
        yield npyHeader("float32", [height, width]);
        for (const part of parts()) yield new Uint8Array(part.buffer);
      })(),
    );
  const { name } = await backend(options.backend);
  const moments = await momentsOf(rows.first, rows.second, all, options.abortSignal);
  return resultOf(all, { reduction, matrix, backend: name }, moments);
}
