import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { invalid, missing, unknown } from "../errors.js";
import { withSmallHeap } from "../util/small-heap.js";
import { statsOf } from "../util/stats-of.js";
import { refuseUnfinished } from "../util/write-together.js";
import type { Columns } from "./columns.js";
import { type Corpus, type ManifestFormat, manifestFormats } from "./corpus.js";
import type { Listing } from "./listing.js";
import { type PlanOptions, planCorpus } from "./plan.js";
import { firstRow } from "./sources/json-rows.js";
import { kaldi } from "./sources/kaldi.js";
import { kindOf, lhotse } from "./sources/lhotse.js";
import { jsonTable, nemo } from "./sources/nemo.js";
import { parquet } from "./sources/parquet.js";
import { table } from "./sources/table.js";
import { webdataset } from "./sources/webdataset.js";

export interface ManifestOptions extends PlanOptions {
  /** Told by the name and the content where it is left out. */
  format?: ManifestFormat;
  /** Which column of a table holds what, where the usual names are not used: `{ speaker: "client_id" }`. */
  columns?: Columns;
}

/**
 * Reads the utterances that a manifest lists: a Kaldi directory, Lhotse's recordings and supervisions or cuts, NeMo's JSONL,
 * a table (CSV, TSV, JSONL, Parquet), Parquet with the audio inside, or shards of WebDataset.
 *
 * Relative paths are meant from the manifest or the working directory, wherever more of the files are. A line that cannot
 * be understood, or whose file is not there, is among the failures. Utterances may be spans of longer recordings, and their
 * speakers unknown (null). docs/corpora.md has the formats.
 *
 * @param path a file, a folder, or shards as `shard-{000..012}.tar`
 * @throws `missing` when there is no such manifest or none of its files is there; `invalid` for one that cannot be read,
 *   naming file and line; `unsupported` for audio that comes from commands; `unknown` for a format or a column that
 *   is none; `conflict` when two lines would share a key, naming both
 * @example
 * const corpus = await readManifest("manifest.jsonl");
 */
export async function readManifest(path: string, options: ManifestOptions = {}): Promise<Corpus> {
  refuseUnfinished(isRange.test(path) ? dirname(path) : path);
  const { format = await formatOf(path), columns = {}, ...planOptions } = options;
  if (!manifestFormats.includes(format))
    throw unknown(`The format ${format} is not known. The formats are ${manifestFormats.join(", ")}.`, {
      got: format,
    });
  if (Object.keys(columns).length > 0 && (format === "kaldi" || format === "lhotse"))
    throw invalid(
      `${path} is read as ${format}, which has no columns to choose. Leave --columns out, or give the --format that it has.`,
      { path, got: columns },
    );
  const listing = await openListing(path, format, columns);
  const told = Object.keys(columns).length > 0 ? { columns } : {};
  return withSmallHeap(() =>
    planCorpus(listing, { path, format, notes: listing.notes, ...told }, planOptions),
  );
}

async function openListing(path: string, format: ManifestFormat, columns: Columns): Promise<Listing> {
  switch (format) {
    case "kaldi":
      return kaldi(path);
    case "lhotse":
      return lhotse(path);
    case "nemo":
      return nemo(path, columns);
    case "jsonl":
      return jsonTable(path, columns);
    case "parquet":
      return parquet(partsOf(path, ".parquet"), columns);
    case "webdataset":
      return webdataset(partsOf(path, ".tar"), columns);
    default:
      return table(path, format, columns);
  }
}

/** What a manifest is, by its name and then by its first line. */
async function formatOf(path: string): Promise<ManifestFormat> {
  const name = basename(path);
  const isFolder = statsOf(path)?.isDirectory() ?? false;
  const names = isFolder ? readdirSync(path) : [];
  const holds = (ending: RegExp) => ending.test(name) || names.some((inner) => ending.test(inner));
  if (holds(/\.scp$/) || name === "segments") return "kaldi";
  if (holds(/\.tar$/)) return "webdataset";
  if (holds(/\.parquet$/)) return "parquet";
  if (isFolder && holds(/(cuts|recordings).*\.jsonl(\.gz)?$/)) return "lhotse";
  if (!isFolder && !existsSync(path)) throw missing(`The manifest ${path} does not exist.`, { path });
  if (/\.csv(\.gz)?$/.test(name)) return "csv";
  if (/\.tsv(\.gz)?$/.test(name)) return "tsv";
  if (/\.(jsonl|json|ndjson)(\.gz)?$/.test(name)) {
    const row = await firstRow(path);
    if (kindOf(row) !== undefined) return "lhotse";
    return "audio_filepath" in row ? "nemo" : "jsonl";
  }
  throw unknown(
    `What kind of manifest ${path} is does not show in its name. Give --format, one of ${manifestFormats.join(", ")}.`,
    { path },
  );
}

const isRange = /^(.*)\{(\d+)\.\.(\d+)\}(.*)$/;

/** The parts of a manifest: a file, the files of a folder, or a range in braces as shells write it. */
export function partsOf(path: string, ending: string): string[] {
  const [, before, first, last, after] = isRange.exec(path) ?? [];
  if (first !== undefined && last !== undefined) {
    const numbers = Array.from(
      { length: Math.max(0, Number(last) - Number(first) + 1) },
      (_, i) => Number(first) + i,
    );
    return numbers.map((number) => `${before}${String(number).padStart(first.length, "0")}${after}`);
  }
  if (!(statsOf(path)?.isDirectory() ?? false)) return [path];
  return readdirSync(path)
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => join(path, name));
}
