import { existsSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { conflict, missing, shown, unsupported } from "../../errors.js";
import { readLines } from "../../util/read-lines.js";
import { statsOf } from "../../util/stats-of.js";
import type { BadEntry, Entry, Listing } from "../listing.js";
import { sharedNames } from "../shared-names.js";

/** The files of a Kaldi directory that say something of utterances, by what they say. */
const facts = {
  speaker: "utt2spk",
  text: "text",
  language: "utt2lang",
  sex: "utt2gender",
  duration: "utt2dur",
} as const;
type Fact = keyof typeof facts;

/**
 * A Kaldi data directory: wav.scp, and segments, utt2spk, text, utt2lang, utt2gender, spk2gender where they are there.
 *
 * @param path the directory, or its wav.scp under whatever name
 */
export function kaldi(path: string): Listing {
  const { folder, scp } = kaldiFolder(path);
  if (!existsSync(scp)) throw missing(`The Kaldi directory ${folder} has no wav.scp.`, { path: scp });
  const segments = join(folder, "segments");
  const isCut = existsSync(segments);
  const notes: string[] = [];
  const warnings: string[] = [];
  const tell = { notes, warnings };
  return {
    file: isCut ? segments : scp,
    entries: isCut ? cut(scp, segments, folder, tell) : whole(scp, folder, tell),
    ...tell,
    folders: [".", folder, dirname(resolve(folder))],
    dataset: basename(resolve(folder)),
  };
}

/** The directory that a path names, and its list of recordings. */
export function kaldiFolder(path: string): { folder: string; scp: string } {
  const isFolder = statsOf(path)?.isDirectory() ?? false;
  const folder = isFolder ? path : dirname(path);
  return { folder, scp: isFolder || basename(path) === "segments" ? join(folder, "wav.scp") : path };
}

async function* whole(scp: string, folder: string, tell: Tell): AsyncGenerator<Entry | BadEntry> {
  const { saidOf, warn } = await readFacts(folder, tell);
  for await (const row of recordings(scp))
    yield "reason" in row ? row : { line: row.line, path: row.path, utteranceId: row.id, ...saidOf(row.id) };
  warn();
}

async function* cut(
  scp: string,
  segments: string,
  folder: string,
  tell: Tell,
): AsyncGenerator<Entry | BadEntry> {
  const paths = new Map<string, string>();
  for await (const row of recordings(scp))
    if ("reason" in row) yield row;
    else {
      const before = paths.get(row.id);
      if (before !== undefined && before !== row.path) throw saidTwice(scp, row, row.path, before);
      paths.set(row.id, row.path);
    }
  const { saidOf, warn } = await readFacts(folder, tell);
  for await (const { line, text, id: utteranceId, rest } of linesOf(segments)) {
    const where = `Line ${line} of ${segments}`;
    const [recording, start, end, channel] = rest.split(/[ \t]+/);
    if (recording === undefined || start === undefined || end === undefined) {
      yield { line, reason: `${where} is not "utterance recording start end": \`${text.trim()}\`.` };
      continue;
    }
    const path = paths.get(recording);
    if (path === undefined) {
      const reason = `${where} names the recording ${recording}, which ${scp} does not have.`;
      yield { line, utteranceId, reason };
      continue;
    }
    yield {
      line,
      path,
      utteranceId,
      session: recording,
      // Kaldi's extract-segments takes -1 for the end of the recording.
      span: Number(end) === -1 ? { start: Number(start) } : { start: Number(start), end: Number(end) },
      ...(channel === undefined
        ? {}
        : { channel: /^[A-Z]$/.test(channel) ? channel.charCodeAt(0) - 65 : Number(channel) }),
      ...saidOf(utteranceId),
    };
  }
  warn();
}

type Recording = { line: number; id: string; path: string } | BadEntry;

async function* recordings(scp: string): AsyncGenerator<Recording> {
  for await (const { line, text, id, rest: path } of linesOf(scp)) {
    const where = `Line ${line} of ${scp}`;
    if (path === "") yield { line, reason: `${where} has no path: \`${text.trim()}\`.` };
    else if (path.endsWith("|"))
      throw unsupported(
        `${where} is a command (it ends with |), and no command of a manifest is run here. Write the audio to files first, one for each recording, and name these.`,
        { path: scp, got: text },
      );
    else if (/\.ark:\d+$/.test(path) && !existsSync(path))
      yield {
        line,
        path,
        utteranceId: id,
        reason: `${where} points into a Kaldi archive (${path}), which is not read. Write the audio to files first.`,
      };
    else yield { line, id, path };
  }
}

/** What a reader of the listing is told beside the entries. */
type Tell = Pick<Listing, "notes" | "warnings">;

/** What else the directory says. */
async function readFacts(folder: string, { notes, warnings }: Tell) {
  // One table of the names for all files: those of a million utterances are more than what is said of them.
  const rows = new Map<string, number>();
  const columns: Partial<Record<Fact, (string | undefined)[]>> = {};
  for (const [fact, file] of Object.entries(facts) as [Fact, string][])
    columns[fact] = await column(join(folder, file), rows, fact === "text" ? (text) => text : sharedNames());
  const sexes = new Map<string, number>();
  const sexOf = await column(join(folder, "spk2gender"), sexes, sharedNames());
  const hasSpeakers = existsSync(join(folder, facts.speaker));
  if (!hasSpeakers) notes.push(`There is no ${facts.speaker}: the speakers are unknown`);
  let [lacking, first] = [0, ""];
  return {
    saidOf(utterance: string): Pick<Entry, "speakerId" | "fields" | "seconds"> {
      const row = rows.get(utterance);
      const said = (fact: Fact) => (row === undefined ? undefined : columns[fact]?.[row]);
      const speakerId = said("speaker") ?? null;
      if (speakerId === null && lacking++ === 0) first = utterance;
      const ofSpeaker = speakerId === null ? undefined : sexes.get(speakerId);
      const fields = {
        text: said("text"),
        language: said("language"),
        sex: said("sex") ?? (ofSpeaker === undefined ? undefined : sexOf[ofSpeaker]),
      };
      const known = Object.entries(fields).filter(([, value]) => value !== undefined);
      const seconds = Number(said("duration"));
      return {
        speakerId,
        ...(Number.isFinite(seconds) ? { seconds } : {}),
        ...(known.length === 0 ? {} : { fields: Object.fromEntries(known) }),
      };
    },
    warn() {
      if (hasSpeakers && lacking > 0)
        warnings.push(
          `${lacking} utterance${lacking === 1 ? " is" : "s are"} not in ${join(folder, facts.speaker)}, such as ${shown(first)}: ` +
            `${lacking === 1 ? "its speaker is" : "their speakers are"} unknown`,
        );
    },
  };
}

/**
 * The values of the lines "name value" of a file, by the row of the name; none where there is no such file.
 *
 * @param rows of the names so far; new ones are added
 */
async function column(
  path: string,
  rows: Map<string, number>,
  shared: (value: string) => string,
): Promise<(string | undefined)[]> {
  const values: (string | undefined)[] = [];
  for await (const { line, id, rest: value } of linesOf(path)) {
    if (value === "") continue;
    let row = rows.get(id);
    if (row === undefined) {
      row = rows.size;
      rows.set(id, row);
    }
    const before = values[row];
    if (before !== undefined && before !== value) throw saidTwice(path, { line, id }, value, before);
    while (values.length < row) values.push(undefined);
    values[row] = shared(value);
  }
  return values;
}

function saidTwice(
  path: string,
  { line, id }: { line: number; id: string },
  value: string,
  before: string,
): Error {
  return conflict(
    `Line ${line} of ${path} gives ${shown(id)} ${shown(value)}, and an earlier line ${shown(before)}. Leave one of them.`,
    { path, got: [before, value] },
  );
}

/** The lines "id rest" of a file; none where there is no such file. Some have an id alone: an empty transcript. */
export async function* linesOf(
  path: string,
): AsyncGenerator<{ line: number; text: string; id: string; rest: string }> {
  if (!existsSync(path)) return;
  let line = 0;
  for await (const lines of readLines(path, "The Kaldi file"))
    for (const text of lines) {
      line++;
      // Other white space, such as U+3000 behind a transcript, is part of the rest.
      const [, id, rest = ""] = /^[ \t]*([^ \t]+)[ \t]*(.*[^ \t])?/s.exec(text) ?? [];
      if (id !== undefined) yield { line, text, id, rest };
    }
}
