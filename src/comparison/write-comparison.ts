import { rm } from "node:fs/promises";
import { join } from "node:path";
import { csvLine } from "../format/csv.js";
import { writeNpy } from "../format/npy.js";
import type { SimilarityResult } from "../similarity/options.js";
import type { Neighbours } from "../similarity/reduction.js";
import type { Vectors } from "../store/read-vectors.js";
import type { SpeakerInfo } from "../types.js";
import { writeFile } from "../util/write-file.js";
import { writeSimilarity } from "./write-similarity.js";

/** Most rows of neighbours.csv, as of pairs.csv: a spreadsheet takes no more. The .npy files hold any number. */
export const mostNamedNeighbours = 1_000_000;

/** Writes a comparison of files: the files of `writeSimilarity`, pairs.csv and, with `topK`, the neighbours, also by name. */
export async function writeComparison(
  folder: string,
  result: SimilarityResult,
  { vectors, others, matrixFile }: { vectors: Vectors; others: Vectors; matrixFile: string | null },
): Promise<void> {
  const { neighbours, pairs } = result;
  for (const name of ["index", "score"] as const) {
    const path = join(folder, `neighbours_${name}.npy`);
    if (neighbours === undefined) await rm(path, { force: true });
    else {
      const shape = [neighbours.index.length / Math.max(1, neighbours.k), neighbours.k];
      await writeFile(path, writeNpy(neighbours[name], { shape }));
    }
  }
  const named = join(folder, "neighbours.csv");
  if (neighbours !== undefined && neighbours.index.length <= mostNamedNeighbours)
    await writeFile(named, neighboursCsv(result, neighbours));
  else await rm(named, { force: true });
  await writeFile(join(folder, "pairs.csv"), csv(pairs, vectors.info, others.info));
  await writeSimilarity(folder, vectors.info, result, { matrixFile, against: others.info });
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
