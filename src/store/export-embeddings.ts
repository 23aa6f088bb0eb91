import { basename, dirname, join, resolve } from "node:path";
import { conflict, invalid, shown, unsupported } from "../errors.js";
import { arkVector } from "../format/kaldi-ark.js";
import { bytesOf } from "../format/nd-array.js";
import { npyHeader, npyText, npyTextHeader } from "../format/npy.js";
import { npzBytes } from "../format/npz.js";
import { quantity } from "../shared/text.js";
import { writeTable } from "../tables/write-table.js";
import type { SpeakerEmbedding, UtteranceEmbedding } from "../types.js";
import { statsOf } from "../util/stats-of.js";
import { writeFile } from "../util/write-file.js";
import { type Together, writeTogetherAt } from "../util/write-together.js";
import { streamEmbeddings } from "./read-embeddings.js";
import { openFacts } from "./utterance-facts.js";

export interface ExportOptions {
  /** Default: those of the utterances; for an archive of Kaldi both, the speakers' as spk_NAME. */
  level?: "speaker" | "utterance";
}

type Row = SpeakerEmbedding | UtteranceEmbedding;

/**
 * Writes merged embeddings for other tools, in bounded memory: Parquet (or CSV, TSV, JSONL), a Kaldi archive with its .scp, or
 * .npz, by the ending.
 *
 * Every vector is float32 (dimension), as the model gave it: not normalised. A table of utterances has beside them what
 * utterances.jsonl of the folder says: session, seconds, and the fields of the manifest.
 *
 * @param input a folder that merging wrote, or with `level` one of its two pickles
 * @param to `embeddings.parquet`, `xvector.ark`, `embeddings.npz`, ...
 * @returns the files that were written
 * @throws `unsupported` for another ending and for a .npz of more than 4 GiB; `invalid` for keys that the format cannot hold
 * @example
 * await exportEmbeddings("final_embeddings", "embeddings.parquet", { level: "speaker" });
 */
export async function exportEmbeddings(
  input: string,
  to: string,
  { level }: ExportOptions = {},
): Promise<string[]> {
  if (/\.(parquet|npz|npy|ark|scp|csv|tsv|jsonl)$/i.test(input) && statsOf(input)?.isFile())
    throw invalid(`${input} is an export already, or vectors. Give the folder that merging wrote.`, {
      path: input,
    });
  if (/\.ark$/i.test(to)) return exportArk(input, to, level);
  const rows = () => streamEmbeddings(input, level ?? "utterance");
  if (/\.npz$/i.test(to)) await exportNpz(rows, to);
  else if (/\.(parquet|csv|tsv|jsonl)$/i.test(to)) {
    const facts = level === "speaker" ? undefined : await openFacts(input);
    if (facts === undefined) await writeTable(rows(), to);
    else await writeTable(facts.beside(rows()), to, { columns: facts.columns, types: facts.types });
  } else
    throw unsupported(
      `${to} does not end in .parquet, .ark, .npz, .csv, .tsv or .jsonl, by which the format is told.`,
      { path: to },
    );
  return [to];
}

/** The lists say where in the archives the vectors are, so they are exchanged together. */
function exportArk(input: string, to: string, level: ExportOptions["level"]): Promise<string[]> {
  return writeTogetherAt(to, { purpose: "exporting embeddings" }, async (files) => {
    const written = await arkInto(files, input, to, level);
    files.commit(written);
    return written;
  });
}

async function arkInto(
  { at }: Pick<Together, "at">,
  input: string,
  to: string,
  level: ExportOptions["level"],
): Promise<string[]> {
  const speakers = level === undefined ? join(dirname(to), `spk_${basename(to)}`) : to;
  const files: string[] = [];
  for (const [own, path] of [
    ["utterance", to],
    ["speaker", speakers],
  ] as const) {
    if (level !== undefined && level !== own) continue;
    const lines: string[] = [];
    await writeFile(at(path), archive(streamEmbeddings(input, own), resolve(path), lines));
    const index = path.replace(/\.ark$/i, ".scp");
    await writeFile(at(index), lines);
    files.push(path, index);
  }
  return files;
}

/** The bytes of an archive; where each vector begins goes to `lines`. */
async function* archive(rows: AsyncIterable<Row>, path: string, lines: string[]): AsyncGenerator<Uint8Array> {
  if (/\s/.test(path))
    throw invalid(`${path} has white space in it, which a list of Kaldi (.scp) cannot have.`, { path });
  let offset = 0;
  for await (const row of rows) {
    const { key, value } = arkVector(row.key, row.embedding);
    lines.push(`${row.key} ${path}:${offset + key.length}\n`);
    offset += key.length + value.length;
    yield key;
    yield value;
  }
}

/** The header comes before the vectors, so they are gone through twice. */
async function exportNpz(rows: () => AsyncIterable<Row>, to: string): Promise<void> {
  const names = { keys: [] as string[], datasets: [] as string[], speakers: [] as string[] };
  let dimension: number | undefined;
  for await (const { key, dataset, speakerId, embedding } of rows()) {
    dimension ??= embedding.length;
    if (embedding.length !== dimension)
      throw conflict(
        `The embedding of ${shown(key)} has ${quantity(embedding.length, "value")}, that of ${shown(names.keys[0])} ${dimension}.`,
        { got: embedding.length },
      );
    if (key.endsWith("\0")) throw invalid(`The key ${shown(key)} ends in a null character.`, { got: key });
    names.keys.push(key);
    names.datasets.push(dataset);
    names.speakers.push(speakerId ?? "");
  }
  await writeFile(
    to,
    npzBytes({
      embeddings: matrix(rows(), [names.keys.length, dimension ?? 0]),
      ...Object.fromEntries(Object.entries(names).map(([name, texts]) => [name, textArray(texts)])),
    }),
  );
}

async function* matrix(rows: AsyncIterable<Row>, shape: number[]): AsyncGenerator<Uint8Array> {
  yield npyHeader("float32", shape);
  for await (const { embedding } of rows) yield bytesOf(embedding);
}

function* textArray(texts: readonly string[]): Generator<Uint8Array> {
  const width = texts.reduce((most, text) => Math.max(most, [...text].length), 1);
  yield npyTextHeader(width, texts.length);
  for (const text of texts) yield npyText(text, width);
}
