import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { invalid, missing, reasonOf } from "../errors.js";
import { readNpy } from "../format/npy.js";
import { histogramOf } from "../similarity/histogram.js";
import type { Histogram, Matrix, SimilarityStatistics, SpeakerPair } from "../types.js";
import { similarityFiles } from "./write-similarity.js";

/** What the similarity files of a folder say. */
export interface StoredSimilarity {
  keys: string[];
  statistics: SimilarityStatistics;
  /** Undefined where the file has none (the Python pipeline's) and there is no matrix to count in. */
  histogram?: Histogram;
  /** Most similar first. */
  pairs: SpeakerPair[];
  /** Reads the matrix, from its .npy file or from within the JSON file; undefined where none was written. */
  matrix(): Matrix | undefined;
}

interface PairRow {
  speaker1: string;
  speaker2: string;
  similarity: number;
  speaker1_info: InfoRow;
  speaker2_info: InfoRow;
}

interface InfoRow {
  dataset: string;
  speaker_id: string;
  num_utterances: number;
}

interface Summary {
  similarity_matrix: number[][] | null;
  speaker_keys: string[];
  high_similarity_pairs: PairRow[];
  statistics: Record<string, number | null>;
  similarity_matrix_file?: string | null;
  histogram?: { edges: number[]; counts: number[] };
}

/**
 * Reads the similarity files of a folder, written by this package or by the Python pipeline.
 *
 * @throws `missing` without speaker_similarity.json, `invalid` when it is another JSON file
 *
 * @example
 * const { statistics, pairs } = readSimilarity("final_embeddings")
 */
export function readSimilarity(folder: string): StoredSimilarity {
  const path = join(folder, similarityFiles.summary);
  if (!existsSync(path))
    throw missing(`${path} does not exist. \`speakerscope merge --compute_similarity\` writes it.`, { path });
  const summary = parse(path);
  const { statistics: row, speaker_keys: keys, histogram } = summary;
  const number = (name: string) => row[name] ?? Number.NaN;
  const matrix = () => readMatrix(folder, summary);
  return {
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
    histogram: histogram
      ? { edges: Float64Array.from(histogram.edges), counts: Float64Array.from(histogram.counts) }
      : histogramOf(matrix()),
    pairs: summary.high_similarity_pairs.map(pairOf).sort((a, b) => b.similarity - a.similarity),
    matrix,
  };
}

function parse(path: string): Summary {
  try {
    const summary = JSON.parse(readFileSync(path, "utf8")) as Summary;
    if (
      Array.isArray(summary.speaker_keys) &&
      Array.isArray(summary.high_similarity_pairs) &&
      summary.statistics
    )
      return summary;
  } catch (cause) {
    throw invalid(
      `${path} is no JSON (${reasonOf(cause)}). Compare the speakers again: \`speakerscope merge --compute_similarity\`.`,
      { path, cause },
    );
  }
  throw invalid(
    `${path} lacks speaker_keys, high_similarity_pairs or statistics. Compare the speakers again: \`speakerscope merge --compute_similarity\`.`,
    { path },
  );
}

const pairOf = ({ speaker1, speaker2, similarity, speaker1_info, speaker2_info }: PairRow): SpeakerPair => ({
  speaker1: { key: speaker1, ...infoOf(speaker1_info) },
  speaker2: { key: speaker2, ...infoOf(speaker2_info) },
  similarity,
});

const infoOf = ({ dataset, speaker_id, num_utterances }: InfoRow) => ({
  dataset,
  speakerId: speaker_id,
  numUtterances: num_utterances,
});

function readMatrix(folder: string, summary: Summary): Matrix | undefined {
  const n = summary.speaker_keys.length;
  const { similarity_matrix: inside, similarity_matrix_file: name = similarityFiles.matrix } = summary;
  const path = name === null ? null : join(folder, name);
  if (path !== null && existsSync(path)) {
    const { data, shape } = readNpy(readFileSync(path), { path });
    if (!(data instanceof Float32Array) || shape.length !== 2 || shape[0] !== n)
      throw invalid(
        `The matrix in ${path} has a shape of (${shape.join(", ")}) of ${data.constructor.name}. It must have ${n} rows of float32. Compare the speakers again.`,
        { got: shape, path },
      );
    return { data, rows: n, columns: shape[1] };
  }
  return inside ? { data: Float32Array.from(inside.flat()), rows: n, columns: n } : undefined;
}
