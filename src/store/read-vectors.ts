import { createReadStream, existsSync, readFileSync, statSync } from "node:fs";
import { conflict, invalid, missing, shown, unsupported } from "../errors.js";
import { isNdArray, type NdArray } from "../format/nd-array.js";
import { readNpy, readNpyHeader, readNpyText } from "../format/npy.js";
import { readNpz } from "../format/npz.js";
import { readPickle, readPickleDictEntries } from "../format/read-pickle.js";
import { quantity } from "../shared/text.js";
import type { Matrix, SpeakerInfo } from "../types.js";
import { fillAt, readAt } from "../util/read-at.js";
import { readBytes } from "../util/read-file.js";
import { withFile } from "../util/with-file.js";
import { checkRowsOf, type Rows } from "../vectors/unit-rows.js";
import { readArkVectors } from "./read-ark-vectors.js";
import { readEmbeddings } from "./read-embeddings.js";
import { type NamedVector, readParquetVectors } from "./read-parquet-vectors.js";

/** Rows to compare, and what is known of them. */
export interface Vectors {
  rows: Rows;
  n: number;
  info: SpeakerInfo[];
}

const accepted =
  "Accepted are a folder that merging wrote (`speakerscope run` makes one), a .npy file of (rows, dimension), a .npz file with embeddings " +
  "and perhaps keys or paths, a Parquet file with a column of embeddings, a Kaldi archive (.ark, .scp), and a pickle of embeddings, of " +
  "such an array or of {name: vector}.";

/**
 * Reads what is to be compared:
 *
 * - a .npy file of vectors (rows, dimension), float16, float32 or float64;
 * - a .npz file with such an array, called `embeddings` or the only one, and their names in `keys` or `paths` if there are any;
 * - a Parquet file as `exportEmbeddings` writes it: a column of vectors, `embedding`, and their names in `key`;
 * - an archive of Kaldi, .ark or .scp;
 * - a pickle of such an array, or of a dict of vectors by name (also an OrderedDict or a defaultdict);
 * - embeddings as `readEmbeddings` does, those of the speakers or of the utterances.
 *
 * @throws `missing` when it is not there; `conflict` for two rows of one name; `invalid` for another shape, a device and for a file that is cut off; `unsupported` for
 * other number types
 */
export async function readVectors(
  path: string,
  { level = "speaker" }: { level?: "speaker" | "utterance" } = {},
): Promise<Vectors> {
  if (!existsSync(path)) throw missing(`${path} does not exist. ${accepted}`, { path });
  const stats = statSync(path);
  if (!stats.isFile() && !stats.isDirectory())
    throw invalid(`${path} is a device or pipe, which may never end. ${accepted}`, { path });
  if (path.endsWith(".npy")) return numbered(readMatrix(path));
  if (path.endsWith(".npz")) return readNpzVectors(path);
  if (path.endsWith(".parquet")) return named(await readParquetVectors(path), path);
  if (/\.(ark|scp)$/.test(path)) return named(readArkVectors(path), path);
  // What merging wrote is known by its name; looking into a large pickle takes a while.
  const isMerged = stats.isDirectory() || /(speaker|utterance)_embeddings\.pkl$/.test(path);
  const plain = isMerged ? null : await readPlainPickle(path);
  if (plain !== null) return plain;
  const rows =
    level === "speaker"
      ? await readEmbeddings(path)
      : (await readEmbeddings(path, { level })).map((row) => ({
          ...row,
          speakerId: row.speakerId ?? "",
          numUtterances: 1,
        }));
  return { rows, n: rows.length, info: rows };
}

/** An utterance with what its file says of it. */
export interface NamedUtterance {
  key: string;
  dataset: string;
  speakerId: string;
  embedding: Float32Array;
  path?: string;
  /** The recording that it was cut from. */
  session?: string;
  seconds?: number;
}

/**
 * As `readVectors`, of which every row is to be used.
 *
 * @throws `invalid` for a row without a direction, or of another dimension; as `readVectors` does
 */
export async function readComparableVectors(
  path: string,
  options: { level?: "speaker" | "utterance" } = {},
): Promise<Vectors> {
  const vectors = await readVectors(path, options);
  checkRowsOf(path, vectors.rows);
  return vectors;
}

/**
 * As `readComparableVectors`, of utterances with names.
 *
 * @throws `invalid` for vectors that have none; as `readComparableVectors` does
 */
export async function readNamedVectors(path: string): Promise<NamedUtterance[]> {
  const { rows, info } = await readComparableVectors(path, { level: "utterance" });
  if (!Array.isArray(rows))
    throw invalid(
      `The embeddings in ${path} have no names. Give a .npz file with keys, or what merging wrote.`,
      { path },
    );
  return (rows as Omit<NamedUtterance, "key" | "dataset" | "speakerId">[]).map(
    ({ embedding, path: audio, session, seconds }, i) => ({
      ...info[i],
      embedding,
      path: audio,
      session,
      seconds,
    }),
  );
}

const numbered = (rows: Matrix): Vectors => {
  const info = Array.from({ length: rows.rows }, (_, i) => infoOf(String(i)));
  return { rows, n: rows.rows, info };
};

const infoOf = (key: string): SpeakerInfo => ({ key, dataset: "", speakerId: key, numUtterances: 1 });

/** Vectors of a file that names them. @throws `conflict` for two of one name */
function named(rows: readonly NamedVector[], path: string, what = "the vectors"): Vectors {
  const rowOf = new Map<string, number>();
  for (const [row, { key }] of rows.entries()) {
    const first = rowOf.get(key);
    if (first !== undefined)
      throw conflict(
        `Rows ${first} and ${row} of ${what} are both ${shown(key)}. Every row must have a name of its own.`,
        { path, got: key },
      );
    rowOf.set(key, row);
  }
  return { rows, n: rows.length, info: rows.map(({ key, info }) => (info ? { key, ...info } : infoOf(key))) };
}

/** A matrix of an array of (rows, dimension). */
function matrixOf({ data, shape, dtype }: Pick<NdArray, "data" | "shape" | "dtype">, path: string): Matrix {
  if (shape.length !== 2)
    throw invalid(`The vectors have a shape of (${shape.join(", ")}), not of (rows, dimension).`, {
      path,
      got: shape,
    });
  if (!(data instanceof Float32Array) && !(data instanceof Float64Array))
    throw unsupported(`The vectors are of type ${dtype}. Convert them in numpy: x.astype("f4").`, {
      path,
      got: dtype,
    });
  const values = data instanceof Float32Array ? data : Float32Array.from(data);
  return { data: values, rows: shape[0], columns: shape[1] };
}

function readNpzVectors(path: string): Vectors {
  const files = readNpz(readBytes(path, "The file of vectors"), { path });
  const names = Object.keys(files);
  const labels = names.find((name) => name === "keys") ?? names.find((name) => name === "paths");
  const others = names.filter((name) => !["keys", "paths", "datasets", "speakers"].includes(name));
  const vectors = others.includes("embeddings") ? "embeddings" : others.length === 1 ? others[0] : undefined;
  if (vectors === undefined)
    throw invalid(`None of its arrays (${names.join(", ")}) is called embeddings. ${accepted}`, { path });
  const rows = matrixOf(readNpy(files[vectors], { path: `${path}, ${vectors}` }), path);
  if (labels === undefined) return numbered(rows);
  const textsIn = (name: string) => files[name] && readNpyText(files[name], { path: `${path}, ${name}` });
  const keys = textsIn(labels)!;
  if (keys.length !== rows.rows)
    throw invalid(`There are ${keys.length} ${labels} for ${quantity(rows.rows, "embedding")}.`, { path });
  // What `speakerscope export` writes says whose each embedding is.
  const [datasets, speakers] = [textsIn("datasets"), textsIn("speakers")];
  const hasOwners = datasets !== undefined && speakers !== undefined;
  if (hasOwners && (datasets.length !== keys.length || speakers.length !== keys.length))
    throw invalid(
      `There are ${quantity(datasets.length, "dataset")} and ${quantity(speakers.length, "speaker")} for ${quantity(keys.length, "embedding")}.`,
      { path },
    );
  const list = keys.map((key, i) => ({
    key,
    embedding: rows.data.subarray(i * rows.columns, (i + 1) * rows.columns),
    info: hasOwners ? { dataset: datasets[i], speakerId: speakers[i], numUtterances: 1 } : undefined,
  }));
  return named(list, path, labels);
}

/** A pickle of an array or of vectors by name; null where the rows are dicts, as merging writes them. */
async function readPlainPickle(path: string): Promise<Vectors | null> {
  const rows: NamedVector[] = [];
  let isDict = false;
  try {
    for await (const [key, value] of readPickleDictEntries(() => createReadStream(path), { path })) {
      isDict = true;
      if (!Array.isArray(value) && !isNdArray(Object(value))) {
        if (rows.length === 0) return null;
        throw invalid(`${shown(key)} is not a vector, as the others are.`, { path });
      }
      rows.push({ key, embedding: vectorOf(key, value, path) });
    }
  } catch (error) {
    // Of a value that is no dict there are no entries.
    if (isDict) throw error;
    const bytes = readFileSync(path);
    const value = isPickle(bytes) ? readPickle(bytes, { path }) : undefined;
    if (value === undefined)
      throw unsupported(`${path} is no pickle, nor anything else that holds vectors. ${accepted}`, {
        path,
        cause: error,
      });
    if (isNdArray(Object(value))) return numbered(matrixOf(value as NdArray, path));
    throw invalid(`The pickle holds ${Array.isArray(value) ? "a list" : typeof value}. ${accepted}`, {
      path,
      cause: error,
    });
  }
  return named(rows, path);
}

/** Whether a pickle may begin like this: with its protocol or, as in protocols 0 and 1, with what makes a value. */
const isPickle = (bytes: Buffer) => /^[\x80(\]}lcd]/.test(bytes.toString("latin1", 0, 1));

function vectorOf(key: string, value: unknown, path: string): Float32Array {
  const { data, shape } = Array.isArray(value)
    ? {
        data: value.every((x) => typeof x === "number") ? Float64Array.from(value) : null,
        shape: [value.length],
      }
    : (value as NdArray);
  const isFlat = shape.length === 1 || (shape.length === 2 && shape[0] === 1);
  if (isFlat && data instanceof Float32Array) return data;
  if (isFlat && data instanceof Float64Array) return Float32Array.from(data);
  throw invalid(
    `The value of ${shown(key)} has a shape of (${shape.join(", ")}) and is not a vector of float32 or float64.`,
    { path },
  );
}

function readMatrix(path: string): Matrix {
  const { size } = statSync(path);
  return withFile(path, (file) => {
    const header = readNpyHeader(readAt(file, 0, 10_240), { path });
    const { shape, code, dataOffset, dataLength } = header;
    const end = dataOffset + dataLength;
    const cutOff = (there: number) =>
      invalid(`The file is cut off: ${there} of ${end} bytes, for ${shape.join(" x ")} values.`, { path });
    if (size < end) throw cutOff(size);
    const isPlain = code === "f4" && !header.bigEndian && !header.fortranOrder;
    if (!isPlain || shape.length !== 2) return matrixOf(readNpy(readFileSync(path), { path }), path);
    const [rows, columns] = shape;
    const data = new Float32Array(rows * columns);
    const read = fillAt(file, new Uint8Array(data.buffer), dataOffset);
    if (read < dataLength) throw cutOff(dataOffset + read);
    return { data, rows, columns };
  });
}
