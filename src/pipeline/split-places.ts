import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Corpus, ManifestFormat } from "../corpus/corpus.js";
import { firstRow } from "../corpus/sources/json-rows.js";
import { fileIn, kindOf } from "../corpus/sources/lhotse.js";
import { conflict } from "../errors.js";
import { statsOf } from "../util/stats-of.js";
import { readSpeakers, speakersFile } from "./split-speakers.js";

/** What a part is written as, beside the format that was read. */
export const partFormats = ["csv", "tsv", "jsonl", "parquet", "nemo", "kaldi"] as const;
export type PartFormat = (typeof partFormats)[number];

/** How the manifest of a part is called: as that of the corpus ends, or as its format does; a folder where it is of several files. */
export async function endingOf(
  { manifest }: Pick<Corpus, "manifest">,
  format: ManifestFormat,
): Promise<string> {
  if (format === "kaldi") return "";
  if (manifest === undefined || format !== manifest.format)
    return format === "nemo" ? ".jsonl" : `.${format}`;
  const { path } = manifest;
  if (statsOf(path)?.isDirectory() || /[{}]/.test(path)) return "";
  // Recordings and supervisions are two files.
  if (format === "lhotse" && kindOf(await firstRow(fileIn(path))) !== "cuts") return "";
  return /\.[a-z]+(\.gz)?$/i.exec(path)?.[0] ?? `.${format}`;
}

/**
 * Looks what is in the folder of a split already.
 *
 * @returns where an earlier split has its speakers; none where there was none
 * @throws `conflict` where files would be written over that are not of a split, or parts of an earlier one would stay beside the new
 */
export async function earlierSplit(
  outputDir: string,
  parts: readonly string[],
  ending: string,
): Promise<Awaited<ReturnType<typeof readSpeakers>>> {
  const table = join(outputDir, speakersFile);
  const names = existsSync(outputDir) ? readdirSync(outputDir) : [];
  const before = existsSync(table) ? await readSpeakers(table).catch(() => undefined) : [];
  if (before === undefined)
    throw conflict(`${table} is there already, and is not of a split. Give another --output_dir.`, {
      path: table,
    });
  const written = parts.map((part) => part + ending);
  if (!existsSync(table)) {
    const name = written.find((one) => names.includes(one));
    if (name !== undefined)
      throw conflict(
        `${join(outputDir, name)} is there already, and no ${speakersFile} says that it is of a split. Give another --output_dir, or move it away.`,
        { path: join(outputDir, name) },
      );
  }
  const known = new Set([...parts, ...before.map(({ part }) => part)]);
  const stale = names.find(
    (name) => known.has(name.replace(/\..*$/, "")) && !written.includes(name) && existsSync(table),
  );
  if (stale !== undefined)
    throw conflict(
      `${join(outputDir, stale)} is called like a part of a split, and would lie beside the new ones. Move it away, or give another --output_dir.`,
      { path: join(outputDir, stale) },
    );
  return before;
}
