import { existsSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { conflict, invalid, shown, unsupported } from "../errors.js";
import { csvLine } from "../format/csv.js";
import type { Utterance } from "../types.js";
import { readLines } from "../util/read-lines.js";
import { writeFile } from "../util/write-file.js";
import { type Columns, chooseColumns } from "./columns.js";
import type { Corpus } from "./corpus.js";
import { delimiterOf, records } from "./sources/table.js";

type Row = Record<string, unknown>;
type ByLine = Map<number, Utterance>;

/**
 * Writes the utterances of a corpus back as the manifest that they were read from: rows that the corpus no longer has are left
 * out, speakers stand under their present `speakerId`, and everything else in a row stays as it was.
 *
 * CSV, TSV, JSONL, NeMo and Kaldi. Relative paths that would not be found from the new place become absolute.
 *
 * @param path a file, or the directory for Kaldi; not the manifest itself
 * @param columns as they were given to `readManifest`
 * @throws `invalid` for a corpus of folders; `conflict` for the manifest itself as the path, and for a renamed speaker where
 *   there is no column of speakers; `unsupported` for other formats
 * @example
 * const { utterances, ...rest } = await readManifest("manifest.jsonl");
 * const kept = utterances.filter(({ speakerId }) => speakerId !== "103");
 * await writeManifest({ ...rest, utterances: kept }, "kept.jsonl");
 */
export async function writeManifest(
  corpus: Pick<Corpus, "manifest" | "utterances">,
  path: string,
  { columns = {} }: { columns?: Columns } = {},
): Promise<void> {
  const { manifest, utterances } = corpus;
  if (manifest === undefined)
    throw invalid(
      "The corpus was read from folders, not from a manifest. Write a table of it with writeTable.",
    );
  if (resolve(manifest.path) === resolve(path))
    throw conflict(`${path} is the manifest that the corpus was read from. Give another path.`, { path });
  const byLine: ByLine = new Map();
  for (const utterance of utterances) if (utterance.line !== undefined) byLine.set(utterance.line, utterance);
  switch (manifest.format) {
    case "csv":
    case "tsv":
      return write(path, delimited(manifest.path, manifest.format, byLine, columns, path));
    case "jsonl":
    case "nemo": {
      const told = manifest.format === "nemo" ? { path: "audio_filepath", ...columns } : columns;
      return write(path, jsonText(manifest.path, byLine, told, path));
    }
    case "kaldi":
      return kaldi(manifest.path, utterances, path);
    default:
      throw unsupported(
        `Manifests of the format ${manifest.format} cannot be written back. Write a table of the utterances with writeTable.`,
        { got: manifest.format },
      );
  }
}

async function write(path: string, lines: AsyncIterable<string>): Promise<void> {
  if (!path.endsWith(".gz")) return writeFile(path, lines);
  const texts: string[] = [];
  for await (const line of lines) texts.push(line);
  return writeFile(path, gzipSync(texts.join("")));
}

/** A path as it stands in the new manifest. */
function placed(written: string, { path }: Utterance, to: string): string {
  if (isAbsolute(written)) return written;
  const isThere = [written, join(dirname(to), written)].some((one) => resolve(one) === resolve(path));
  return isThere ? written : resolve(path);
}

const same = (cell: unknown, speaker: string | null) =>
  (cell === undefined || cell === null || cell === "" ? null : String(cell)) === speaker;

function noSpeakers(file: string, { speakerId, utteranceId }: Utterance): Error {
  return conflict(
    `${file} has no column of speakers, so that ${shown(speakerId)} cannot be written for ${shown(utteranceId)}.`,
    { path: file },
  );
}

async function* delimited(
  file: string,
  kind: "csv" | "tsv",
  byLine: ByLine,
  told: Columns,
  to: string,
): AsyncGenerator<string> {
  const separator = (kind === "tsv" ? "\t" : await delimiterOf(file)) as ",";
  // Quotes mean nothing in a manifest as TSV.
  const text = (cells: string[]) => (kind === "tsv" ? `${cells.join("\t")}\n` : csvLine(cells, separator));
  let places: { path: number; speaker: number } | undefined;
  for await (const { cells, line } of records(file, separator, kind === "csv")) {
    if (places === undefined) {
      const names = cells.map((name) => name.trim());
      const { path = "", speaker = "" } = chooseColumns(names, told, file);
      places = { path: names.indexOf(path), speaker: names.indexOf(speaker) };
      yield text(cells);
      continue;
    }
    const utterance = byLine.get(line);
    if (utterance === undefined) continue;
    cells[places.path] = placed(cells[places.path]!, utterance, to);
    if (!same(cells[places.speaker], utterance.speakerId)) {
      if (places.speaker < 0) throw noSpeakers(file, utterance);
      cells[places.speaker] = utterance.speakerId ?? "";
    }
    yield text(cells);
  }
}

async function* jsonText(file: string, byLine: ByLine, told: Columns, to: string): AsyncGenerator<string> {
  let line = 0;
  let columns: Columns | undefined;
  for await (const texts of readLines(file, "The manifest")) {
    columns ??= chooseColumns(namesOf(texts), told, file);
    for (const text of texts) {
      const utterance = byLine.get(++line);
      if (utterance === undefined) continue;
      const row = JSON.parse(text) as Row;
      const { path = "", speaker = "speaker" } = columns;
      const now = placed(String(row[path]), utterance, to);
      const isSame = now === row[path] && same(row[speaker], utterance.speakerId);
      // As it stands where nothing changes: numbers may have more digits than are kept here.
      if (isSame) yield `${text}\n`;
      else yield `${JSON.stringify({ ...row, [path]: now, [speaker]: utterance.speakerId })}\n`;
    }
  }
}

const namesOf = (texts: readonly string[]): string[] => [
  ...new Set(
    texts.flatMap((text) => {
      try {
        return Object.keys(JSON.parse(text) as Row);
      } catch {
        return [];
      }
    }),
  ),
];

/** Files of a Kaldi directory whose lines begin with an utterance. */
const ofUtterances = ["segments", "text", "utt2lang", "utt2gender", "utt2dur", "utt2num_frames"];

async function kaldi(path: string, utterances: readonly Utterance[], to: string): Promise<void> {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  const folder = isFolder ? path : dirname(path);
  const scp = isFolder || basename(path) === "segments" ? join(folder, "wav.scp") : path;
  const known = new Map(utterances.map((utterance) => [utterance.utteranceId, utterance]));
  const isCut = existsSync(join(folder, "segments"));
  const recordings = new Map(
    utterances.map((utterance) => [isCut ? (utterance.session ?? "") : utterance.utteranceId, utterance]),
  );
  const sexes = new Map<string, string>();
  const before = new Map<string, string>();
  for await (const [id, speaker] of pairs(join(folder, "utt2spk"))) before.set(id, speaker);
  const oldSexes = new Map<string, string>();
  for await (const [speaker, sex] of pairs(join(folder, "spk2gender"))) oldSexes.set(speaker, sex);
  const ofSpeaker = new Map<string, string[]>();
  for (const { utteranceId, speakerId } of [...known.values()]) {
    if (speakerId === null) continue;
    if (/\s/.test(speakerId))
      throw invalid(
        `The speaker ${shown(speakerId)} has white space in it, which Kaldi's files cannot have.`,
        {
          got: speakerId,
        },
      );
    ofSpeaker.set(speakerId, [...(ofSpeaker.get(speakerId) ?? []), utteranceId]);
    const sex = oldSexes.get(before.get(utteranceId) ?? "");
    if (sex !== undefined) sexes.set(speakerId, sex);
  }
  const sorted = (lines: string[]) => lines.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const audio: string[] = [];
  for await (const [id, written] of pairs(scp)) {
    const utterance = recordings.get(id);
    if (utterance !== undefined) audio.push(`${id} ${placed(written, utterance, join(to, "wav.scp"))}\n`);
  }
  await writeFile(join(to, "wav.scp"), audio);
  for (const name of ofUtterances) {
    if (!existsSync(join(folder, name))) continue;
    const lines: string[] = [];
    for await (const [id, rest] of pairs(join(folder, name)))
      if (known.has(id)) lines.push(`${id} ${rest}\n`);
    await writeFile(join(to, name), lines);
  }
  const speakers = [...ofSpeaker];
  await writeFile(
    join(to, "utt2spk"),
    sorted(speakers.flatMap(([speaker, ids]) => ids.map((id) => `${id} ${speaker}\n`))),
  );
  await writeFile(
    join(to, "spk2utt"),
    sorted(speakers.map(([speaker, ids]) => `${speaker} ${ids.join(" ")}\n`)),
  );
  if (oldSexes.size > 0)
    await writeFile(
      join(to, "spk2gender"),
      sorted([...sexes].map(([speaker, sex]) => `${speaker} ${sex}\n`)),
    );
}

/** The lines "key rest" of a file; none where there is no such file. */
async function* pairs(path: string): AsyncGenerator<[string, string]> {
  if (!existsSync(path)) return;
  for await (const lines of readLines(path, "The Kaldi file"))
    for (const line of lines) {
      const [, key, rest] = /^\s*(\S+)\s+(.*?)\s*$/.exec(line) ?? [];
      if (key !== undefined && rest !== undefined) yield [key, rest];
    }
}
