import { join } from "node:path";
import { pythonJson, pythonJsonChunks } from "../format/json.js";
import { bytesOf } from "../format/nd-array.js";
import { npyHeader } from "../format/npy.js";
import { float } from "../format/python-float.js";
import { matrixLimit, type SimilarityResult } from "../similarity/options.js";
import type { Matrix, SpeakerInfo, SpeakerPair } from "../types.js";
import { writeFile } from "../util/write-file.js";
import { type Together, writeTogether } from "../util/write-together.js";
import { highSimilarityPairs } from "./high-similarity-pairs.js";

export const similarityFiles = {
  summary: "speaker_similarity.json",
  matrix: "similarity_matrix.npy",
  keys: "speaker_keys_mapping.json",
  pairs: "high_similarity_pairs.json",
};

/**
 * Writes the similarity files of a folder of results: speaker_similarity.json, speaker_keys_mapping.json,
 * high_similarity_pairs.json (`[]` when there are none) and, where the result holds the matrix, similarity_matrix.npy. Those
 * of an earlier comparison are replaced together.
 *
 * The layout is that of the Python pipeline, so scripts that read its files read these. The JSON file holds the matrix up
 * to 2,000 speakers, else `null`; `similarity_matrix_file` names the .npy file or is null.
 *
 * @param speakers the rows that were compared, in the same order
 * @param matrixFile name of a matrix file that is already there
 * @param against the rows that they were compared with; default: `speakers`
 * @throws `invalid` when there are not as many speakers as rows; `conflict` when another process writes into the folder
 *
 * @example
 * await writeSimilarity("final_embeddings", speakers, await similarity(speakers))
 */
export async function writeSimilarity(
  folder: string,
  speakers: readonly SpeakerInfo[],
  result: SimilarityResult,
  options: SimilarityFilesOptions = {},
): Promise<void> {
  const kept = options.matrixFile == null ? undefined : join(folder, options.matrixFile);
  await writeTogether(folder, { purpose: "writing a comparison" }, async (files) => {
    await similarityInto(files, folder, { speakers, result, ...options });
    files.commit(similarityPaths(folder).filter((path) => path !== kept));
  });
}

export interface SimilarityFilesOptions {
  matrixFile?: string | null;
  against?: readonly SpeakerInfo[];
}

/** The files of a comparison, those that may be left out too. */
export const similarityPaths = (folder: string): string[] =>
  Object.values(similarityFiles).map((name) => join(folder, name));

/** Writes the similarity files, to be put into the folder with others. */
export async function similarityInto(
  { at }: Pick<Together, "at">,
  folder: string,
  {
    speakers,
    result,
    matrixFile,
    against,
  }: SimilarityFilesOptions & { speakers: readonly SpeakerInfo[]; result: SimilarityResult },
): Promise<void> {
  const pairs = highSimilarityPairs(result, speakers, { against });
  const { matrix } = result;
  const write = (name: string, content: Parameters<typeof writeFile>[1]) =>
    writeFile(at(join(folder, name)), content);
  if (matrix !== undefined) await write(similarityFiles.matrix, npyChunks(matrix));
  const mapping = new Map(result.keys.map((key, i) => [i, key]));
  await write(similarityFiles.keys, pythonJson(mapping));
  await write(similarityFiles.pairs, pythonJsonChunks(pairRows(pairs)));
  const named = matrixFile ?? (matrix === undefined ? null : similarityFiles.matrix);
  const summary = summaryOf(result, pairRows(pairs), named);
  // Without it nobody takes the others for a comparison.
  await write(similarityFiles.summary, pythonJsonChunks(summary));
}

/** What speaker_similarity.json holds; the keys are always the same. */
function summaryOf(result: SimilarityResult, pairs: Iterable<unknown>, matrixFile: string | null) {
  const { keys, statistics, histogram, matrix } = result;
  // Without a pair the statistics are NaN, which JSON lacks.
  const number = (value: number) => (Number.isNaN(value) ? null : float(value));
  return {
    similarity_matrix: matrix !== undefined && matrix.rows <= matrixLimit ? matrixRows(matrix) : null,
    speaker_keys: keys,
    high_similarity_pairs: pairs,
    statistics: {
      mean_similarity: number(statistics.mean),
      std_similarity: number(statistics.std),
      min_similarity: number(statistics.min),
      max_similarity: number(statistics.max),
      median_similarity: number(statistics.median),
      num_high_similarity_pairs: statistics.highPairs,
      total_pairs: statistics.totalPairs,
      threshold_used: float(statistics.threshold),
    },
    similarity_matrix_file: matrixFile,
    histogram: { edges: histogram.edges, counts: Array.from(histogram.counts) },
  };
}

function* pairRows(pairs: readonly SpeakerPair[]): Generator {
  for (const { speaker1, speaker2, similarity } of pairs)
    yield {
      speaker1: speaker1.key,
      speaker2: speaker2.key,
      similarity: float(similarity),
      speaker1_info: infoOf(speaker1),
      speaker2_info: infoOf(speaker2),
    };
}

const infoOf = ({ dataset, speakerId, numUtterances }: SpeakerInfo) => ({
  dataset,
  speaker_id: speakerId,
  num_utterances: numUtterances,
});

function* matrixRows({ data, rows, columns }: Matrix): Generator<Float32Array> {
  for (let i = 0; i < rows; i++) yield data.subarray(i * columns, (i + 1) * columns);
}

function* npyChunks({ data, rows, columns }: Matrix): Generator<Uint8Array> {
  yield npyHeader("float32", [rows, columns]);
  const step = Math.max(1, Math.floor((1 << 22) / Math.max(1, columns)));
  for (let i = 0; i < rows; i += step) {
    yield bytesOf(data.subarray(i * columns, Math.min(rows, i + step) * columns));
  }
}
