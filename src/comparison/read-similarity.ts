import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { invalid, missing, reasonOf, shown } from "../errors.js";
import { readNpy } from "../format/npy.js";
import { isObject, type JsonObject } from "../format/read-json.js";
import { histogramOf } from "../similarity/histogram.js";
import type { Histogram, Matrix, SpeakerInfo, SpeakerPair } from "../types.js";
import { inside } from "../util/inside.js";
import { refuseUnfinished } from "../util/write-together.js";
import { type StoredSimilarity, showStored } from "./stored-similarity.js";
import { similarityFiles } from "./write-similarity.js";

export type { StoredSimilarity };

const advice = "Compare the speakers again: `speakerscope merge --compute_similarity`.";

interface Summary {
  similarity_matrix?: unknown;
  speaker_keys: string[];
  high_similarity_pairs: unknown[];
  statistics: JsonObject;
  similarity_matrix_file?: unknown;
  histogram?: unknown;
}

/**
 * Reads the similarity files of a folder, written by this package or by the Python pipeline.
 *
 * @throws `missing` without speaker_similarity.json, `invalid` when it is not such a file or a part of it has the wrong type
 *
 * @example
 * const { statistics, pairs } = readSimilarity("final_embeddings")
 */
export function readSimilarity(folder: string): StoredSimilarity {
  const path = join(folder, similarityFiles.summary);
  refuseUnfinished(path);
  if (!existsSync(path))
    throw missing(`${path} does not exist. \`speakerscope merge --compute_similarity\` writes it.`, { path });
  const summary = parse(path);
  const { statistics: row, speaker_keys: keys } = summary;
  const number = (name: string) => {
    const value = row[name] ?? Number.NaN;
    return typeof value === "number" ? value : wrong(path, `${name} is ${shown(value)}, not a number`);
  };
  const matrixPath = pathOfMatrix(folder, path, summary.similarity_matrix_file);
  const matrix = () => readMatrix(path, matrixPath, summary);
  return showStored({
    keys,
    statistics: {
      mean: number("mean_similarity"),
      std: number("std_similarity"),
      min: number("min_similarity"),
      max: number("max_similarity"),
      median: number("median_similarity"),
      totalPairs: number("total_pairs"),
      highPairs: number("num_high_similarity_pairs"),
      threshold: number("threshold_used"),
    },
    histogram: summary.histogram ? histogramIn(summary.histogram, path) : histogramOfPairs(matrix()),
    pairs: summary.high_similarity_pairs
      .map((pair, index) => pairOf(pair, index, path))
      .sort((a, b) => b.similarity - a.similarity),
    matrix,
  });
}

function parse(path: string): Summary {
  let summary: Partial<Summary>;
  try {
    summary = JSON.parse(readFileSync(path, "utf8")) ?? {};
  } catch (cause) {
    throw invalid(`${path} is no JSON (${reasonOf(cause)}). ${advice}`, { path, cause });
  }
  const { speaker_keys: keys, high_similarity_pairs: pairs, statistics } = summary;
  if (!Array.isArray(keys) || !Array.isArray(pairs) || !isObject(statistics))
    throw invalid(`${path} lacks speaker_keys, high_similarity_pairs or statistics. ${advice}`, { path });
  const other = keys.findIndex((key) => typeof key !== "string");
  if (other >= 0) wrong(path, `speaker key ${other + 1} is ${shown(keys[other])}, not text`);
  return { ...summary, speaker_keys: keys, high_similarity_pairs: pairs, statistics };
}

function pairOf(pair: unknown, index: number, path: string): SpeakerPair {
  if (isObject(pair)) {
    const { speaker1, speaker2, similarity, speaker1_info, speaker2_info } = pair;
    const first = infoOf(speaker1, speaker1_info);
    const second = infoOf(speaker2, speaker2_info);
    if (first && second && typeof similarity === "number")
      return { speaker1: first, speaker2: second, similarity };
  }
  return wrong(
    path,
    `pair ${index + 1} is ${shown(pair)}, which does not name two speakers and a similarity`,
  );
}

function infoOf(key: unknown, info: unknown): SpeakerInfo | undefined {
  if (typeof key !== "string" || !isObject(info)) return undefined;
  const { dataset, speaker_id: speakerId, num_utterances: numUtterances } = info;
  return typeof dataset === "string" && typeof speakerId === "string" && typeof numUtterances === "number"
    ? { key, dataset, speakerId, numUtterances }
    : undefined;
}

function histogramIn(value: unknown, path: string): Histogram {
  const { edges, counts } = isObject(value) ? value : {};
  return isNumbers(edges) && isNumbers(counts) && edges.length === counts.length + 1
    ? { edges: Float64Array.from(edges), counts: Float64Array.from(counts) }
    : wrong(path, `its histogram is ${shown(value)}, which is not counts between edges`);
}

function histogramOfPairs(matrix: Matrix | undefined): Histogram | undefined {
  if (matrix === undefined) return undefined;
  const { data, rows, columns } = matrix;
  return histogramOf(
    Array.from({ length: rows }, (_, i) => data.subarray(i * columns + i + 1, (i + 1) * columns)),
  );
}

/** The path of the matrix. The name comes from a file, so it must not lead out of the folder. */
function pathOfMatrix(folder: string, path: string, name: unknown): string | null {
  if (name === null) return null;
  if (name === undefined) return join(folder, similarityFiles.matrix);
  if (typeof name !== "string") return wrong(path, `similarity_matrix_file is ${shown(name)}, not text`);
  try {
    return inside(folder, name);
  } catch (cause) {
    return wrong(path, reasonOf(cause).split(". ")[0]!, cause);
  }
}

function readMatrix(summaryPath: string, path: string | null, summary: Summary): Matrix | undefined {
  const n = summary.speaker_keys.length;
  const rows = summary.similarity_matrix;
  if (path !== null && existsSync(path)) {
    const { data, shape } = readNpy(readFileSync(path), { path });
    if (!(data instanceof Float32Array) || shape.length !== 2 || shape[0] !== n)
      throw invalid(
        `The matrix in ${path} has a shape of (${shape.join(", ")}) of ${data.constructor.name}. It must have ${n} rows of float32. Compare the speakers again.`,
        { got: shape, path },
      );
    return { data, rows: n, columns: shape[1] };
  }
  if (!rows) return undefined;
  if (!Array.isArray(rows) || rows.length !== n || !rows.every((row) => isNumbers(row) && row.length === n))
    return wrong(summaryPath, `similarity_matrix is not ${n} rows of ${n} numbers`);
  return { data: Float32Array.from(rows.flat()), rows: n, columns: n };
}

const isNumbers = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((item) => typeof item === "number");

function wrong(path: string, what: string, cause?: unknown): never {
  throw invalid(`${path} is not what comparing speakers writes: ${what}. ${advice}`, { path, cause });
}
