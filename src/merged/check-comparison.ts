import { existsSync } from "node:fs";
import { join } from "node:path";
import { matrixBlocks } from "../comparison/matrix-file.js";
import { readSimilarity, type StoredSimilarity } from "../comparison/read-similarity.js";
import { readJsonObject, readJsonRows } from "../format/read-json.js";
import { quantity } from "../shared/text.js";
import type { SpeakerEmbedding, SpeakerInfo } from "../types.js";
import { dot } from "../vectors/dot.js";
import { sumOfRows } from "../vectors/sum-of-rows.js";
import { unitRows } from "../vectors/unit-rows.js";
import { similarityFiles } from "./files.js";

/** Most pairs whose similarity is recomputed. */
const checkedPairs = 1000;

/** Values of each row of the matrix that are recomputed, the diagonal among them. */
const checkedInRow = 8;

/** Similarities are float32, and less exact on a GPU. */
const pairTolerance = 1e-3;
const meanTolerance = 1e-4;

/**
 * Looks for signs that the similarity files of a folder compare other speakers than it holds. Empty when there are none, or
 * no similarity files.
 *
 * Compares keys and counts, and recomputes the similarity of the first pairs, some of each row of the matrix, and the mean over
 * all: the squared length of the sum of the unit vectors is the sum of all their products.
 */
export async function checkComparison(
  folder: string,
  speakers: readonly SpeakerEmbedding[],
): Promise<string[]> {
  if (!existsSync(join(folder, similarityFiles.summary))) return [];
  const stored = readSimilarity(folder);
  const other = otherSpeakers(stored, speakers);
  if (other !== undefined) return [other];
  return [
    ...otherSimilarities(stored, speakers),
    ...otherPairs(folder, stored),
    ...otherKeys(folder, speakers),
    ...otherMatrix(folder, speakers),
  ].slice(0, 5);
}

/** The first sign that a comparison names other speakers than these, as a sentence; undefined when there is none. */
export function otherSpeakers(
  { keys, pairs }: StoredSimilarity,
  speakers: readonly SpeakerInfo[],
): string | undefined {
  const name = similarityFiles.summary;
  if (keys.length !== speakers.length)
    return `${name} compares ${quantity(keys.length, "speaker")}, but there are ${speakers.length}`;
  const at = keys.findIndex((key, index) => key !== speakers[index]?.key);
  if (at >= 0)
    return `speaker ${at + 1} in ${name} is ${keys[at]}, but in the speaker list ${speakers[at]?.key}`;
  const byKey = new Map(speakers.map((speaker) => [speaker.key, speaker]));
  for (const { speaker1, speaker2 } of pairs)
    for (const { key, dataset, speakerId, numUtterances } of [speaker1, speaker2]) {
      const known = byKey.get(key);
      if (known === undefined) return `a pair in ${name} names ${key}, which is not in the speaker list`;
      if (known.dataset !== dataset || known.speakerId !== speakerId || known.numUtterances !== numUtterances)
        return `${name} has ${key} with ${quantity(numUtterances, "utterance")}, the speaker list with ${known.numUtterances}`;
    }
  return undefined;
}

/** Signs that a comparison was made of other embeddings than these. */
export function* otherSimilarities(
  { pairs, statistics }: StoredSimilarity,
  speakers: readonly SpeakerEmbedding[],
): Generator<string> {
  const { data, n, dimension } = unitRows(speakers);
  const rowOf = new Map(speakers.map(({ key }, row) => [key, row]));
  for (const { speaker1, speaker2, similarity } of pairs.slice(0, checkedPairs)) {
    const cosine = dot(data, rowOf.get(speaker1.key)!, data, rowOf.get(speaker2.key)!, dimension);
    if (!(Math.abs(cosine - similarity) <= pairTolerance))
      yield `${similarityFiles.summary} gives ${speaker1.key} and ${speaker2.key} a similarity of ${similarity.toFixed(4)}, their embeddings ${cosine.toFixed(4)}`;
  }
  const sum = sumOfRows(data, dimension);
  const mean = (dot(sum, 0, sum, 0, dimension) - n) / (n * (n - 1));
  if (n > 1 && !(Math.abs(mean - statistics.mean) <= meanTolerance))
    yield `${similarityFiles.summary} gives a mean similarity of ${statistics.mean.toFixed(4)}, the embeddings ${mean.toFixed(4)}`;
}

/** high_similarity_pairs.json lists the same pairs. */
function* otherPairs(folder: string, { pairs }: StoredSimilarity): Generator<string> {
  const path = join(folder, similarityFiles.pairs);
  if (!existsSync(path)) return;
  const rows = readJsonRows(path, "The list of pairs");
  // The Python pipeline does not sort its pairs.
  const listed = rows.map(({ similarity }) => Number(similarity)).sort((a, b) => b - a);
  const same =
    listed.length === pairs.length && listed.every((value, index) => value === pairs[index]!.similarity);
  if (!same) yield `${similarityFiles.pairs} lists other pairs than ${similarityFiles.summary}`;
}

/** speaker_keys_mapping.json names the speakers in their order. */
function* otherKeys(folder: string, speakers: readonly SpeakerEmbedding[]): Generator<string> {
  const path = join(folder, similarityFiles.keys);
  if (!existsSync(path)) return;
  const keys = readJsonObject(path, "The list of keys");
  const at = speakers.findIndex(({ key }, row) => keys[row] !== key);
  if (at >= 0 || Object.keys(keys).length !== speakers.length)
    yield `${similarityFiles.keys} does not name the ${quantity(speakers.length, "speaker")} in their order`;
}

/** similarity_matrix.npy is whole, finite, and of these speakers. */
function* otherMatrix(folder: string, speakers: readonly SpeakerEmbedding[]): Generator<string> {
  const path = join(folder, similarityFiles.matrix);
  if (!existsSync(path)) return;
  const { data, n, dimension } = unitRows(speakers);
  const blocks = matrixBlocks(path, [n, n]);
  if (blocks === undefined) {
    yield `${similarityFiles.matrix} is no matrix of ${n} x ${n} float32 numbers`;
    return;
  }
  for (const { data: values, rows, columns, first } of blocks) {
    const odd = values.findIndex((value) => !Number.isFinite(value));
    if (odd >= 0) {
      yield `${similarityFiles.matrix} has ${values[odd]} in row ${first + Math.floor(odd / columns)}`;
      return;
    }
    for (let row = 0; row < rows; row++)
      for (let i = 0; i < checkedInRow; i++) {
        const column = (first + row + i * Math.ceil(n / checkedInRow)) % n;
        const cosine = dot(data, first + row, data, column, dimension);
        if (Math.abs(cosine - values[row * columns + column]!) <= pairTolerance) continue;
        yield `${similarityFiles.matrix} has ${values[row * columns + column]!.toFixed(4)} in row ${first + row}, column ${column}, the embeddings ${cosine.toFixed(4)}`;
        return;
      }
  }
}
