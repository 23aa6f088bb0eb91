import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { invalid, missing } from "../errors.js";
import { readPickle } from "../format/pickle.js";
import type { SpeakerEmbedding, UtteranceEmbedding } from "../types.js";
import { speakerPath, utterancePath } from "./individual.js";

type Fields = Record<string, unknown>;

/**
 * Reads combined embeddings: of the speakers, or with `level: "utterance"` of the utterances.
 *
 * @param path a folder that merging or a rank wrote, or one of the two pickles in it
 * @throws `missing` when it is not there, `invalid` when it is not a pickle of embeddings
 *
 * @example
 * const speakers = await readEmbeddings("final_embeddings")
 * const utterances = await readEmbeddings("final_embeddings", { level: "utterance" })
 */
export function readEmbeddings(path: string, options: { level: "utterance" }): Promise<UtteranceEmbedding[]>;
export function readEmbeddings(path: string, options?: { level?: "speaker" }): Promise<SpeakerEmbedding[]>;
export async function readEmbeddings(
  path: string,
  { level = "speaker" }: { level?: "speaker" | "utterance" } = {},
): Promise<UtteranceEmbedding[] | SpeakerEmbedding[]> {
  if (!existsSync(path))
    throw missing("embeddings", "file or folder", { path, want: "what `speakerscope merge` wrote" });
  const file = statSync(path).isDirectory() ? join(path, `${level}_embeddings.pkl`) : path;
  if (!existsSync(file))
    throw missing("embeddings", "file", { path: file, want: "what `speakerscope merge` wrote" });
  const dict = fields(readPickle(readFileSync(file), { path: file }), file);
  return level === "speaker"
    ? Object.entries(dict).map(([key, row]) => speaker(key, fields(row, file), file))
    : Object.entries(dict).map(([key, row]) => utterance(key, fields(row, file), file));
}

/** What `readIndividual` looks for; without a speaker or utterance, that level is not looked at. */
export interface IndividualName {
  dataset: string;
  speakerId: string;
  utteranceId?: string;
}

/**
 * Reads the pickle of one utterance, or of one speaker.
 *
 * @param folder an embeddings_individual folder
 * @throws `missing` when there is none of that name
 *
 * @example
 * const speaker = readIndividual("final_embeddings/embeddings_individual", { dataset: "test-other", speakerId: "533" })
 */
export function readIndividual(
  folder: string,
  name: IndividualName & { utteranceId: string },
): Omit<UtteranceEmbedding, "key">;
export function readIndividual(
  folder: string,
  name: IndividualName & { utteranceId?: undefined },
): Omit<SpeakerEmbedding, "key">;
export function readIndividual(
  folder: string,
  { dataset, speakerId, utteranceId }: IndividualName,
): Omit<UtteranceEmbedding, "key"> | Omit<SpeakerEmbedding, "key"> {
  const path =
    utteranceId === undefined
      ? speakerPath(folder, { dataset, speakerId })
      : utterancePath(folder, { dataset, speakerId, utteranceId });
  if (!existsSync(path))
    throw missing("individual embedding", utteranceId === undefined ? "speaker" : "utterance", {
      path,
      want: "a name that is there (`speakerscope load --embeddings_dir ...` lists them)",
    });
  const { embedding, info } = fields(readPickle(readFileSync(path), { path }), path);
  const row = { embedding, ...fields(info, path) };
  const { key: _key, ...rest } =
    utteranceId === undefined ? speaker("", row, path) : utterance("", row, path);
  return rest;
}

function speaker(key: string, row: Fields, path: string): SpeakerEmbedding {
  return {
    key,
    dataset: text(row, "dataset", path),
    speakerId: text(row, "speaker_id", path),
    numUtterances: Number(row.num_utterances),
    embedding: vector(row, path),
  };
}

function utterance(key: string, row: Fields, path: string): UtteranceEmbedding {
  return {
    key,
    dataset: text(row, "dataset", path),
    speakerId: text(row, "speaker_id", path),
    utteranceId: text(row, "utterance_id", path),
    path: text(row, "path", path),
    embedding: vector(row, path),
  };
}

function fields(value: unknown, path: string): Fields {
  if (typeof value !== "object" || value === null)
    throw invalid("embeddings", "pickle", { path, got: value, want: "a dict" });
  return value as Fields;
}

function text(row: Fields, key: string, path: string): string {
  const value = row[key];
  if (typeof value !== "string")
    throw invalid("embeddings", `"${key}"`, { path, got: value ?? null, want: "text" });
  return value;
}

function vector({ embedding }: Fields, path: string): Float32Array {
  const data = (embedding as { data?: unknown } | undefined)?.data;
  if (data instanceof Float32Array) return data;
  if (data instanceof Float64Array) return Float32Array.from(data);
  throw invalid("embeddings", `"embedding"`, { path, want: "a numpy array of float32 or float64" });
}
