import { join } from "node:path";
import { csvLine } from "../format/csv.js";
import { writeNpy } from "../format/npy.js";
import type { SimilarityResult } from "../similarity/options.js";
import type { Neighbours } from "../similarity/reduction.js";
import type { Vectors } from "../store/read-vectors.js";
import type { SpeakerInfo } from "../types.js";
import { writeFile } from "../util/write-file.js";
import type { Together } from "../util/write-together.js";
import { similarityInto, similarityPaths } from "./write-similarity.js";

/** Most rows of neighbours.csv, as of pairs.csv: a spreadsheet takes no more. The .npy files hold any number. */
export const mostNamedNeighbours = 1_000_000;

/**
 * Writes a comparison of files: the files of `writeSimilarity`, pairs.csv and, with `topK`, the neighbours, also by name. They
 * replace those of an earlier one.
 */
export async function writeComparison(
  files: Together,
  folder: string,
  result: SimilarityResult,
  { vectors, others, matrixFile }: { vectors: Vectors; others: Vectors; matrixFile: string | null },
): Promise<void> {
  const { neighbours, pairs } = result;
  const write = (name: string, content: Parameters<typeof writeFile>[1]) =>
    writeFile(files.at(join(folder, name)), content);
  if (neighbours !== undefined) {
    const shape = [neighbours.index.length / Math.max(1, neighbours.k), neighbours.k];
    for (const name of ["index", "score"] as const)
      await write(`neighbours_${name}.npy`, writeNpy(neighbours[name], { shape }));
    if (neighbours.index.length <= mostNamedNeighbours)
      await write("neighbours.csv", neighboursCsv(result, neighbours));
  }
  await write("pairs.csv", csv(pairs, vectors.info, others.info));
  await similarityInto(files, folder, {
    speakers: vectors.info,
    result,
    matrixFile,
    against: others.info,
  });
  const own = ["pairs.csv", "neighbours.csv", "neighbours_index.npy", "neighbours_score.npy"];
  files.commit([...similarityPaths(folder), ...own.map((name) => join(folder, name))]);
}

function* csv(
  pairs: SimilarityResult["pairs"],
  first: SpeakerInfo[],
  second: SpeakerInfo[],
): Generator<string> {
  yield csvLine(["row1", "row2", "key1", "key2", "dataset1", "dataset2", "similarity"]);
  for (const { i, j, similarity } of pairs) {
    const [a, b] = [first[i], second[j]];
    yield csvLine([i, j, a.key, b.key, a.dataset, b.dataset, similarity]);
  }
}

function* neighboursCsv(
  { keys, againstKeys = keys, rowRange: [from] }: SimilarityResult,
  { k, index, score }: Neighbours,
): Generator<string> {
  yield csvLine(["query", "rank", "key", "score"]);
  for (const [at, column] of index.entries())
    yield csvLine([keys[from + Math.floor(at / k)], (at % k) + 1, againstKeys[column], score[at]]);
}
