import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { conflict, invalid, shown, unknown, unsupported } from "../errors.js";
import type { Utterance } from "../types.js";
import { groupBy } from "../util/group-by.js";
import { isFolderPath, type Together, writeTogetherAt } from "../util/write-together.js";
import type { Columns } from "./columns.js";
import { type Corpus, type ManifestFormat, type ManifestOrigin, manifestFormats } from "./corpus.js";
import { partsOf } from "./read-manifest.js";
import { jsonTableText } from "./writers/json-table.js";
import { kaldiFiles, rewriteKaldi } from "./writers/kaldi.js";
import { rewriteLhotse } from "./writers/lhotse.js";
import { writeNewKaldi } from "./writers/new-kaldi.js";
import { checkFiles, writeNemo, writeNewTable } from "./writers/new-manifest.js";
import { rewriteParquet, rowsByPart } from "./writers/parquet.js";
import { refuseSame, writeText } from "./writers/rewrite.js";
import { tableText } from "./writers/table.js";
import { rewriteShard } from "./writers/webdataset.js";

export interface WriteManifestOptions {
  /** Default: that of the manifest which was read, or what the ending says; for a name without one a Kaldi directory. */
  format?: ManifestFormat;
  /** Which column holds what; default: as it was told for reading. */
  columns?: Columns;
}

/**
 * Writes the utterances of a corpus as a manifest.
 *
 * In the format that was read, everything is as it was there, unknown fields, order and line ends too: rows that the corpus no
 * longer has are left out, and speakers stand under their present `speakerId`. Shards and Parquet with the audio inside are
 * written with the audio. In another format (or of a corpus of folders) it is a new list: CSV, TSV, JSONL, Parquet, NeMo's JSONL
 * or a Kaldi directory, which has no place for fields beside text, language, sex and duration.
 *
 * Relative paths that would not be found from the new place become absolute.
 *
 * @param path a file; a directory for Kaldi, for Lhotse's recordings with supervisions, and for several parts or shards
 * @returns the files that were written
 * @throws `invalid` for embeddings in the place of the corpus's utterances, which do not say where they stand; `conflict` for the manifest itself as the path, and for a renamed speaker where a row has no place for it;
 *   `unsupported` for a format that the corpus cannot be written in; `invalid` for names that the format cannot hold
 * @example
 * const { utterances, ...rest } = await readManifest("manifest.jsonl");
 * const kept = utterances.filter(({ speakerId }) => speakerId !== "103");
 * await writeManifest({ ...rest, utterances: kept }, "kept.jsonl");
 */
export async function writeManifest(
  corpus: Pick<Corpus, "manifest" | "utterances">,
  path: string,
  options: WriteManifestOptions = {},
): Promise<string[]> {
  // A file may have a name without an ending where its format is given.
  const isFolder = ["csv", "tsv", "jsonl", "nemo"].includes(options.format ?? "") ? false : undefined;
  return writeTogetherAt(path, { purpose: "writing a manifest", isFolder }, async (files) => {
    const written = await manifestInto(files, corpus, path, options);
    // One file is replaced in one step.
    files.commit(written.length === 1 ? [] : oldManifest(written));
    return written;
  });
}

/** What of an earlier manifest is to go before the files of a new one come. */
export function oldManifest(written: readonly string[]): string[] {
  const scp = written.find((path) => basename(path) === "wav.scp");
  return scp === undefined ? [...written] : kaldiFiles.map((name) => join(dirname(scp), name));
}

/** Writes a manifest, to be put into its place with other files. */
export async function manifestInto(
  { at }: Pick<Together, "at">,
  corpus: Pick<Corpus, "manifest" | "utterances">,
  path: string,
  { format, columns }: WriteManifestOptions = {},
): Promise<string[]> {
  const { manifest, utterances } = corpus;
  if (format !== undefined && !manifestFormats.includes(format))
    throw unknown(`The format ${format} is not known. The formats are ${manifestFormats.join(", ")}.`, {
      got: format,
    });
  if (utterances.length === 0)
    throw invalid(`The corpus has no utterance left, so ${path} would list nothing.`, { path });
  const target = format ?? formatFor(path, manifest?.format);
  if (manifest !== undefined && target === manifest.format)
    return rewritten({ at }, manifest, utterances, { columns: columns ?? manifest.columns ?? {}, path });
  checkFiles(utterances);
  refuseSame(path, manifest === undefined ? [] : [manifest.path]);
  switch (target) {
    case "kaldi":
      return writeNewKaldi(utterances, path, at);
    case "nemo":
      await writeNemo(at(path), utterances);
      return [path];
    case "lhotse":
    case "webdataset":
      throw unsupported(
        `A corpus that was read ${manifest === undefined ? "from folders" : `as ${manifest.format}`} cannot be written as ${target}. It can be as .csv, .tsv, .jsonl, .parquet, NeMo's JSONL (format "nemo") or a Kaldi directory.`,
        { path, got: target },
      );
    default:
      await writeNewTable(at(path), target, utterances);
      return [path];
  }
}

/** What a name says; the format that was read goes before, where it has such names. */
function formatFor(path: string, own: ManifestFormat | undefined): ManifestFormat {
  const name = basename(path);
  const has = (...formats: ManifestFormat[]) => own !== undefined && formats.includes(own);
  if (isFolderPath(path)) return has("kaldi", "lhotse", "parquet", "webdataset") ? own! : "kaldi";
  if (/\.csv(\.gz)?$/.test(name)) return "csv";
  if (/\.tsv(\.gz)?$/.test(name)) return "tsv";
  if (/\.(jsonl|json|ndjson)(\.gz)?$/.test(name)) return has("nemo", "lhotse") ? own! : "jsonl";
  if (name.endsWith(".parquet")) return "parquet";
  if (name.endsWith(".tar")) return "webdataset";
  throw unsupported(
    `${path} does not show in its name what to write. It can be .csv, .tsv, .jsonl (all also .gz), .parquet, or a directory for Kaldi${own === undefined ? "" : `, or give the format that was read, ${own}`}.`,
    { path },
  );
}

async function rewritten(
  { at }: Pick<Together, "at">,
  { path: source, format }: ManifestOrigin,
  utterances: readonly Utterance[],
  { columns, path }: { columns: Columns; path: string },
): Promise<string[]> {
  refuseSame(path, [source]);
  // Kaldi's lists know utterances by their names alone.
  const stray = format === "kaldi" ? undefined : utterances.find(({ file }) => file === undefined);
  if (stray !== undefined)
    throw invalid(
      `${shown(stray.key)} does not say where it stands in ${source}, as the utterances of a corpus do; embeddings do not. ` +
        "Give those of the corpus by their keys: corpus.utterances.filter(({ key }) => keys.has(key)).",
      { path: source, got: stray.key },
    );
  switch (format) {
    case "csv":
    case "tsv":
      await writeText(at(path), tableText(source, format, utterances, columns, path));
      return [path];
    case "jsonl":
      await writeText(at(path), jsonTableText(source, utterances, columns, path));
      return [path];
    case "nemo":
      await writeText(
        at(path),
        jsonTableText(source, utterances, { path: "audio_filepath", ...columns }, path),
      );
      return [path];
    case "kaldi":
      return rewriteKaldi(source, utterances, path, at);
    case "lhotse":
      return rewriteLhotse(source, utterances, path, at);
    case "parquet":
      return writeParts(
        source,
        ".parquet",
        path,
        (parts) => rowsByPart(utterances, parts),
        (part, rows, to) => rewriteParquet(part, rows, columns, at(to)),
      );
    case "webdataset":
      return writeParts(
        source,
        ".tar",
        path,
        () => groupBy(utterances, ({ path }) => path),
        (part, own, to) => rewriteShard(part, own, columns, at(to)),
      );
  }
}

/** One file, or several under their names in a folder; a part of which nothing is left is not written. */
async function writeParts<Rows>(
  source: string,
  ending: string,
  to: string,
  rowsLeft: (parts: readonly string[]) => Map<string, Rows> | Promise<Map<string, Rows>>,
  write: (part: string, rows: Rows, to: string) => Promise<void>,
): Promise<string[]> {
  const parts = partsOf(source, ending);
  const isFile = to.endsWith(ending);
  if (isFile && parts.length > 1)
    throw conflict(`${source} has ${parts.length} parts, and ${to} is one file. Give a folder.`, {
      path: to,
    });
  const written: string[] = [];
  const rowsOf = await rowsLeft(parts);
  for (const part of parts) {
    const rows = rowsOf.get(part);
    if (rows === undefined) continue;
    const target = isFile ? to : join(to, basename(part));
    refuseSame(target, parts);
    await write(part, rows, target);
    written.push(target);
  }
  const others = isFile || !existsSync(to) ? [] : readdirSync(to).filter((name) => name.endsWith(ending));
  const left = others.find((name) => !written.includes(join(to, name)));
  if (left !== undefined)
    throw conflict(
      `${join(to, left)} is none of the parts that were written, and would be read with them. Take it away.`,
      { path: to },
    );
  return written;
}
