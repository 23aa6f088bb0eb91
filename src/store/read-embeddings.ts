import { createReadStream, existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { invalid, missing, shown } from "../errors.js";
import type { NdArray } from "../format/nd-array.js";
import { type PickleValue, readPickle, readPickleDictEntries } from "../format/read-pickle.js";
import type { SpeakerEmbedding, Utterance, UtteranceEmbedding } from "../types.js";
import { readJsonLines } from "../util/json-lines.js";
import { readBytes } from "../util/read-file.js";
import { statsOf } from "../util/stats-of.js";
import { refuseUnfinished } from "../util/write-together.js";
import { speakerPath, utterancePath } from "./individual.js";
import { showEmbeddings } from "./show-embeddings.js";

/**
 * Reads combined embeddings: of the speakers, or with `level: "utterance"` of the utterances, with their sessions and lengths
 * where merging has written them down (utterances.jsonl).
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
  const file = fileOf(path, level);
  return level === "speaker"
    ? showEmbeddings(await embeddingRows(file, speakerRow), level)
    : showEmbeddings(await withFacts(await embeddingRows(file, utteranceRow), file), level);
}

/** What merging has written down beside the pickle, which holds what the Python pipeline's does: sessions and lengths. */
async function withFacts(rows: UtteranceEmbedding[], file: string): Promise<UtteranceEmbedding[]> {
  const path = join(dirname(file), "utterances.jsonl");
  if (!existsSync(path)) return rows;
  const rowOf = new Map(rows.map((row) => [row.key, row]));
  for await (const fact of readJsonLines<Pick<UtteranceEmbedding, "key" | "session" | "seconds">>(path)) {
    const row = rowOf.get(fact.key);
    if (row === undefined) continue;
    if (typeof fact.session === "string") row.session = fact.session;
    if (typeof fact.seconds === "number") row.seconds = fact.seconds;
  }
  return rows;
}

/**
 * The same one by one, in bounded memory.
 *
 * @throws as `readEmbeddings`
 */
export async function* streamEmbeddings(
  path: string,
  level: "speaker" | "utterance",
): AsyncGenerator<UtteranceEmbedding | SpeakerEmbedding> {
  const file = fileOf(path, level);
  const rowOf = level === "speaker" ? speakerRow : utteranceRow;
  for await (const [key, value] of embeddingEntries(file)) yield rowOf(key, value, file);
}

const fileOf = (path: string, level: string): string =>
  statsOf(path)?.isDirectory() ? join(path, `${level}_embeddings.pkl`) : path;

/** The rows of a pickled dict of embeddings. */
async function embeddingRows<Row>(
  file: string,
  rowOf: (key: string, value: unknown, file: string) => Row,
): Promise<Row[]> {
  const rows = new Map<string, Row>();
  for await (const [key, value] of embeddingEntries(file)) {
    if (rows.has(key)) throw invalid(`Key ${shown(key)} is twice in ${file}.`, { path: file, got: key });
    rows.set(key, rowOf(key, value, file));
  }
  return [...rows.values()];
}

/**
 * The entries of a pickled dict of embeddings, whatever the size of the file.
 *
 * @throws `missing` when it is not there, `invalid` when it is not a pickled dict with text as keys
 */
export async function* embeddingEntries(file: string): AsyncGenerator<[key: string, value: PickleValue]> {
  refuseUnfinished(file);
  const stats = statsOf(file);
  if (stats === undefined)
    throw missing(`${file} does not exist. \`speakerscope merge\` writes it.`, { path: file });
  if (!stats.isFile()) throw invalid(`${file} is not a file.`, { path: file });
  yield* readPickleDictEntries(() => createReadStream(file, { highWaterMark: 1 << 20 }), { path: file });
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
  name: Pick<Utterance, "dataset" | "speakerId" | "utteranceId">,
): Omit<UtteranceEmbedding, "key">;
export function readIndividual(
  folder: string,
  name: IndividualName & { utteranceId?: undefined },
): Omit<SpeakerEmbedding, "key">;
export function readIndividual(
  folder: string,
  { dataset, speakerId, utteranceId }: Omit<IndividualName, "speakerId"> & { speakerId: string | null },
): Omit<UtteranceEmbedding, "key"> | Omit<SpeakerEmbedding, "key"> {
  const path =
    utteranceId === undefined
      ? speakerPath(folder, { dataset, speakerId: speakerId ?? "" })
      : utterancePath(folder, { dataset, speakerId, utteranceId });
  refuseUnfinished(folder);
  if (!existsSync(path))
    throw missing(
      `No ${utteranceId === undefined ? "speaker" : "utterance"} of that name is there: ${path} is missing. ` +
        "`speakerscope load --embeddings_dir ...` lists the names.",
      { path },
    );
  const value = readPickle(readBytes(path, "The individual embedding"), { path });
  const { embedding, info } = fields(value, "The pickle", path);
  const row = { ...fields(info, "info", path), embedding };
  const { key: _key, ...rest } =
    utteranceId === undefined ? speakerRow("", row, path) : utteranceRow("", row, path);
  return rest;
}

/** The row of a speaker in a pickle. */
function speakerRow(key: string, value: unknown, path: string): SpeakerEmbedding {
  const row = fields(value, `The value of ${shown(key)}`, path);
  return {
    key,
    dataset: text(row, "dataset", path),
    speakerId: text(row, "speaker_id", path),
    numUtterances: count(row, "num_utterances", path),
    embedding: vector(row, path),
  };
}

/** The row of an utterance in a pickle. */
export function utteranceRow(key: string, value: unknown, path: string): UtteranceEmbedding {
  const row = fields(value, `The value of ${shown(key)}`, path);
  return {
    key,
    dataset: text(row, "dataset", path),
    speakerId: row.speaker_id === null ? null : text(row, "speaker_id", path),
    utteranceId: text(row, "utterance_id", path),
    path: text(row, "path", path),
    embedding: vector(row, path),
  };
}

type Fields = Record<string, unknown>;

function fields(value: unknown, what: string, path: string): Fields {
  const prototype: unknown = typeof value === "object" && value !== null && Object.getPrototypeOf(value);
  if (prototype === Object.prototype && !ArrayBuffer.isView((value as Partial<NdArray>).data))
    return value as Fields;
  throw invalid(`${what} in ${path} is ${shown(value)}, not a dict with text as keys.`, { path, got: value });
}

function field(row: Fields, key: string): unknown {
  return Object.hasOwn(row, key) ? row[key] : undefined;
}

function text(row: Fields, key: string, path: string): string {
  const value = field(row, key);
  if (typeof value === "string") return value;
  throw wrong(key, value, "text", path);
}

function count(row: Fields, key: string, path: string): number {
  const value = field(row, key);
  if (typeof value === "number" && Number.isSafeInteger(value) && value > 0) return value;
  throw wrong(key, value, "a whole number, 1 or more", path);
}

function vector(row: Fields, path: string): Float32Array {
  const value = field(row, "embedding");
  const { data, shape } = (value ?? {}) as Partial<NdArray>;
  const isVector =
    Array.isArray(shape) && shape.length > 0 && shape.at(-1) === data?.length && data?.length !== 0;
  if (isVector && data instanceof Float32Array) return data;
  if (isVector && data instanceof Float64Array) return Float32Array.from(data);
  throw wrong(
    "embedding",
    isVector ? `numbers of ${(value as NdArray).dtype}` : (shape ?? value),
    "a vector of float32 or float64",
    path,
  );
}

function wrong(key: string, value: unknown, want: string, path: string): Error {
  const found =
    value === undefined
      ? `A row in ${path} has no "${key}". It`
      : `"${key}" in ${path} is ${shown(value)}. It`;
  return invalid(`${found} must be ${want}.`, { path, got: value ?? null });
}
