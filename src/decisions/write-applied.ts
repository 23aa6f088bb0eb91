import { existsSync, lstatSync, readdirSync, readlinkSync, symlinkSync } from "node:fs";
import { dirname, extname, join, relative, resolve, sep } from "node:path";
import type { Columns } from "../corpus/columns.js";
import type { Corpus } from "../corpus/corpus.js";
import { manifestInto, oldManifest } from "../corpus/write-manifest.js";
import { checkFiles, writeRows } from "../corpus/writers/new-manifest.js";
import { conflict, invalid, unsupported } from "../errors.js";
import { checkTableName } from "../tables/write-table.js";
import type { Utterance } from "../types.js";
import { inside } from "../util/inside.js";
import { allJsonLines, jsonLines } from "../util/json-lines.js";
import { makeFolder } from "../util/make-folder.js";
import { statsOf } from "../util/stats-of.js";
import { isDevice, writeFile } from "../util/write-file.js";
import {
  isFolderPath,
  isUnfinished,
  isWorkMark,
  type Together,
  type TogetherOptions,
  writeTogetherAt,
} from "../util/write-together.js";
import type { Change } from "./change.js";
import { inCamelCase, inSnakeCase } from "./spelling.js";

/** What a row of a manifest says. */
export type ManifestUtterance = Pick<
  Utterance,
  "path" | "utteranceId" | "speakerId" | "dataset" | "session" | "span" | "channel" | "seconds"
>;

/** How a corrected corpus is written: as the manifest it was read from, a table, a list of files, or a folder of links. */
export const cleanForms = ["manifest", "table", "list", "links"] as const;
export type CleanForm = (typeof cleanForms)[number];

/** Where the changes behind a corrected corpus stand: beside a file, or inside a folder. */
export function changesPath(path: string, isFolder = isFolderPath(path)): string {
  return isFolder
    ? join(path, "changes.jsonl")
    : `${path.replace(/\.gz$/, "").replace(/\.[^./]*$/, "")}.changes.jsonl`;
}

/** The changes behind a corrected corpus; none where it is no such. */
export async function readChanges(path: string): Promise<Change[]> {
  const file = changesPath(path);
  if (!existsSync(file)) return [];
  const changes = await allJsonLines<Change>(file);
  return changes.map((change) => ({ ...change, kind: inCamelCase(change.kind) as Change["kind"] }));
}

function* changeRows(changes: readonly Change[]): Generator<object> {
  for (const change of changes) yield { ...change, kind: inSnakeCase(change.kind) };
}

/** Told by the ending of the path. */
export function cleanFormOf(path: string, { manifest }: Pick<Corpus, "manifest">): CleanForm {
  const ending = extname(path.replace(/\.gz$/, "")).slice(1).toLowerCase();
  if (ending === "txt" || ending === "list") return "list";
  const formats: Record<string, readonly string[]> = {
    csv: ["csv"],
    tsv: ["tsv"],
    jsonl: ["jsonl", "nemo", "lhotse"],
    json: ["jsonl", "nemo", "lhotse"],
    parquet: ["parquet"],
    tar: ["webdataset"],
    "": ["kaldi", "lhotse", "parquet", "webdataset"],
  };
  if (manifest !== undefined && formats[ending]?.includes(manifest.format)) return "manifest";
  if (["csv", "tsv", "jsonl", "parquet"].includes(ending)) return "table";
  if (ending === "" && manifest === undefined) return "links";
  throw unsupported(
    `${path} does not say by its ending how the corpus is to be written. ` +
      `Give ${manifest === undefined ? "a folder (links)" : `the ending of the manifest ${manifest.path}`}, .csv, .tsv, .jsonl or .parquet (a table), or .txt (a list of files).`,
    { path },
  );
}

/**
 * Writes a corrected corpus, with the changes beside it: `clean.changes.jsonl` beside `clean.csv`, `changes.jsonl` in a folder.
 *
 * @throws `unsupported` for an ending that says nothing, and for links to parts of recordings; `conflict` for a folder that holds
 *   something else; as `writeManifest` does
 */
export async function writeApplied(
  corpus: Corpus & { changes: readonly Change[] },
  path: string,
  {
    form = cleanFormOf(path, corpus),
    columns,
    ...waiting
  }: { form?: CleanForm; columns?: Columns } & Pick<TogetherOptions, "onWait" | "abortSignal"> = {},
): Promise<void> {
  if (corpus.utterances.length === 0)
    throw invalid(`The corpus has no utterance left, so ${path} would list nothing.`, { path });
  if (isDevice(path))
    throw unsupported(
      `${path} is no file: what changed is to lie beside the corpus. Give a file or a folder.`,
      {
        path,
      },
    );
  // A folder of links may be called as a file is, such as corpus-1.1, and a list without an ending.
  const isFolder = form === "manifest" ? isFolderPath(path) : form === "links";
  await writeTogetherAt(path, { purpose: "applying decisions", isFolder, ...waiting }, async (files) => {
    // The changes come first: without them, links are taken for somebody else's.
    await writeFile(files.at(changesPath(path, isFolder)), jsonLines(changeRows(corpus.changes)));
    if (form === "manifest") files.commit(oldManifest(await manifestInto(files, corpus, path, { columns })));
    else if (form === "links") files.commit(linkFolder(files, corpus, path));
    else {
      if (form === "table") {
        checkFiles(corpus.utterances);
        await writeManifestTable(corpus.utterances, files.at(path));
      } else await writeFile(files.at(path), listed(corpus.utterances));
      files.commit([path]);
    }
  });
}

/** Recordings that came to one speaker may be called the same: the later one is called `name~2`. */
function withOwnNames<Row extends ManifestUtterance>(utterances: readonly Row[]): Row[] {
  const taken = new Set<string>();
  return utterances.map((utterance) => {
    const { dataset, speakerId, utteranceId } = utterance;
    const fileOf = (name: string) => [dataset, speakerId ?? "", name].join("/");
    let name = utteranceId;
    for (let number = 2; taken.has(fileOf(name)); number++) name = `${utteranceId}~${number}`;
    taken.add(fileOf(name));
    return name === utteranceId ? utterance : { ...utterance, utteranceId: name };
  });
}

function* listed(utterances: readonly Utterance[]): Generator<string> {
  for (const { file } of utterances) yield `${file}\n`;
}

/** A table that `readManifest` reads again, by the ending of its name; what says nothing of any row is left out. */
export function writeManifestTable(utterances: readonly ManifestUtterance[], path: string): Promise<void> {
  const kind = checkTableName(path.replace(/\.gz$/, "")) as "csv" | "tsv" | "jsonl" | "parquet";
  const rows = manifestRows(utterances) as Record<string, unknown>[];
  return writeRows(path, kind, Object.keys(rows[0] ?? {}), rows);
}

function manifestRows(utterances: readonly ManifestUtterance[]): object[] {
  const whole = withOwnNames(utterances).map(
    ({ utteranceId, path, speakerId, dataset, session, span, channel, seconds }) => ({
      path: resolve(path),
      utterance: utteranceId,
      speaker: speakerId ?? "",
      dataset,
      session: session ?? "",
      start: span?.start,
      end: span?.end,
      channel,
      seconds,
    }),
  );
  return withoutEmpty(whole);
}

/** Columns that say nothing of any row are left out. */
function withoutEmpty<Row extends object>(table: Row[]): object[] {
  const names = Object.keys(table[0] ?? {}) as (keyof Row)[];
  const told = names.filter((name) => table.some((row) => row[name] !== undefined && row[name] !== ""));
  return table.map((row) => Object.fromEntries(told.map((name) => [name, row[name]])));
}

/**
 * A folder laid out as dataset/speaker/utterance, of links to the audio.
 *
 * @returns links of an earlier run that lead elsewhere now
 */
function linkFolder({ at }: Pick<Together, "at">, { root, utterances }: Corpus, folder: string): string[] {
  const part = utterances.find(
    ({ span, offset, cell, speakerId }) =>
      span !== undefined || offset !== undefined || cell !== undefined || speakerId === null,
  );
  if (part !== undefined)
    throw unsupported(
      part.speakerId === null
        ? `Nobody says who speaks in ${part.key}, so that no folder of a speaker can hold it. Write a table or a list instead.`
        : `${part.key} is a part of ${part.path}, and links lead to whole files. Write a table instead.`,
      { path: part.path },
    );
  if (resolve(folder) === resolve(root))
    throw conflict(`${folder} is the corpus itself. Give another folder for the links.`, { path: folder });
  const before = linksIn(folder);
  const wanted = new Map(
    withOwnNames(utterances).map(({ dataset, speakerId, utteranceId, path }) => [
      inside(folder, dataset, speakerId!, `${utteranceId}${extname(path)}`),
      resolve(path),
    ]),
  );
  for (const [link, target] of wanted) {
    if (before.get(link) === target) continue;
    const own = at(link);
    makeFolder(dirname(own));
    symlinkSync(target, own);
  }
  return [...before].filter(([link, target]) => wanted.get(link) !== target).map(([link]) => link);
}

/** The links that an earlier run made. @throws `conflict` where the folder holds something else */
function linksIn(folder: string): Map<string, string> {
  const links = new Map<string, string>();
  if (!existsSync(folder)) return links;
  for (const name of readdirSync(folder, { recursive: true }).map(String)) {
    if (isWorkMark(name.split(sep)[0]!)) continue;
    const path = join(folder, name);
    const stats = lstatSync(path);
    if (stats.isSymbolicLink()) links.set(path, resolve(dirname(path), readlinkSync(path)));
    else if (!stats.isDirectory() && relative(folder, path) !== "changes.jsonl")
      throw conflict(`${folder} holds ${name}, which is no link. Give a new folder for the links.`, { path });
  }
  if (links.size > 0 && !statsOf(changesPath(folder))?.isFile() && !isUnfinished(folder))
    throw conflict(`${folder} holds links that were not made by this. Give a new folder.`, { path: folder });
  return links;
}
