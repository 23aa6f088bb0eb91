import { existsSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { conflict, missing, shown, unsupported } from "../../errors.js";
import { readLines } from "../../util/read-lines.js";
import type { BadEntry, Entry, Listing } from "../listing.js";

/** What the files of a Kaldi directory say of an utterance beside its speaker, by the name of the field. */
const facts = { text: "text", utt2lang: "language", utt2gender: "sex", utt2dur: "duration" } as const;

/**
 * A Kaldi data directory: wav.scp, and segments, utt2spk, text, utt2lang, utt2gender, spk2gender where they are there.
 *
 * @param path the directory, or its wav.scp under whatever name
 */
export function kaldi(path: string): Listing {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  const folder = isFolder ? path : dirname(path);
  const scp = isFolder || basename(path) === "segments" ? join(folder, "wav.scp") : path;
  if (!existsSync(scp)) throw missing(`The Kaldi directory ${folder} has no wav.scp.`, { path: scp });
  const segments = join(folder, "segments");
  const isCut = existsSync(segments);
  return {
    file: isCut ? segments : scp,
    entries: isCut ? cut(scp, segments, folder) : whole(scp, folder),
    notes: [],
    folders: [".", folder, dirname(resolve(folder))],
    dataset: basename(resolve(folder)),
  };
}

async function* whole(scp: string, folder: string): AsyncGenerator<(Entry | BadEntry)[]> {
  const { speakerOf, fieldsOf } = await readFacts(folder);
  for await (const rows of recordings(scp))
    yield rows.map((row) =>
      "reason" in row
        ? row
        : {
            line: row.line,
            path: row.path,
            utteranceId: row.id,
            speakerId: speakerOf(row.id),
            ...fieldsOf(row.id, speakerOf(row.id)),
          },
    );
}

async function* cut(scp: string, segments: string, folder: string): AsyncGenerator<(Entry | BadEntry)[]> {
  const paths = new Map<string, string>();
  for await (const rows of recordings(scp))
    for (const row of rows)
      if ("reason" in row) yield [row];
      else paths.set(row.id, row.path);
  const { speakerOf, fieldsOf } = await readFacts(folder);
  for await (const rows of fields(segments))
    yield rows.map(({ line, words, text }): Entry | BadEntry => {
      const where = `Line ${line} of ${segments}`;
      const [utteranceId, recording, start, end, channel] = words;
      if (utteranceId === undefined || recording === undefined || start === undefined || end === undefined)
        return { line, reason: `${where} is not "utterance recording start end": \`${text}\`.` };
      const path = paths.get(recording);
      const speakerId = speakerOf(utteranceId);
      if (path === undefined)
        return {
          line,
          utteranceId,
          reason: `${where} names the recording ${recording}, which ${scp} does not have.`,
        };
      // Kaldi's extract-segments takes -1 for the end of the recording.
      const span = Number(end) === -1 ? { start: Number(start) } : { start: Number(start), end: Number(end) };
      const seconds = "end" in span ? span.end! - span.start : undefined;
      return {
        line,
        path,
        utteranceId,
        speakerId,
        session: recording,
        span,
        ...(channel === undefined
          ? {}
          : { channel: /^[A-Z]$/.test(channel) ? channel.charCodeAt(0) - 65 : Number(channel) }),
        seconds,
        ...fieldsOf(utteranceId, speakerId),
      };
    });
}

type Recording = { line: number; id: string; path: string } | BadEntry;

async function* recordings(scp: string): AsyncGenerator<Recording[]> {
  for await (const rows of fields(scp, 2))
    yield rows.map(({ line, words: [id, path], text }) => {
      const where = `Line ${line} of ${scp}`;
      if (id === undefined || path === undefined)
        return { line, reason: `${where} has no path: \`${text}\`.` };
      if (path.endsWith("|"))
        throw unsupported(
          `${where} is a command (it ends with |), and no command of a manifest is run here. Write the audio to files first, one for each recording, and name these.`,
          { path: scp, got: text },
        );
      if (/\.ark:\d+$/.test(path) && !existsSync(path))
        return {
          line,
          path,
          utteranceId: id,
          reason: `${where} points into a Kaldi archive (${path}), which is not read. Write the audio to files first.`,
        };
      return { line, id, path };
    });
}

/** What else the directory says. */
async function readFacts(folder: string) {
  const speakers = await table(folder, "utt2spk");
  const sexes = await table(folder, "spk2gender");
  const tables = await Promise.all(
    Object.entries(facts).map(async ([file, field]) => [field, await table(folder, file)] as const),
  );
  const known = tables.filter(([, values]) => values.size > 0);
  return {
    speakerOf: (utterance: string): string | null => speakers.get(utterance) ?? null,
    fieldsOf: (utterance: string, speaker: string | null): Pick<Entry, "fields" | "seconds"> => {
      const fields: Record<string, unknown> = {};
      for (const [field, values] of known) {
        const value = values.get(utterance);
        if (value !== undefined) fields[field] = value;
      }
      const sex = speaker === null ? undefined : sexes.get(speaker);
      if (sex !== undefined) fields.sex ??= sex;
      const { duration, ...rest } = fields;
      return {
        ...(duration === undefined || !Number.isFinite(Number(duration))
          ? {}
          : { seconds: Number(duration) }),
        ...(Object.keys(rest).length === 0 ? {} : { fields: rest }),
      };
    },
  };
}

/** The lines "key value" of a file; none where there is no such file. */
async function table(folder: string, name: string): Promise<Map<string, string>> {
  const path = join(folder, name);
  const values = new Map<string, string>();
  if (!existsSync(path)) return values;
  for await (const rows of fields(path, 2))
    for (const { line, words } of rows) {
      const [id, value] = words;
      if (id === undefined || value === undefined) continue;
      const before = values.get(id);
      if (before !== undefined && before !== value)
        throw conflict(
          `Line ${line} of ${path} gives ${shown(id)} ${shown(value)}, and an earlier line ${shown(before)}. Leave one of them.`,
          { path, got: [before, value] },
        );
      values.set(id, value);
    }
  return values;
}

/** The words of each line; with `most`, the last takes the rest of the line. */
async function* fields(
  path: string,
  most = Number.POSITIVE_INFINITY,
): AsyncGenerator<{ line: number; words: string[]; text: string }[]> {
  let line = 0;
  for await (const lines of readLines(path, "The Kaldi file")) {
    const rows: { line: number; words: string[]; text: string }[] = [];
    for (const text of lines) {
      line++;
      const trimmed = text.trim();
      if (trimmed !== "") rows.push({ line, words: split(trimmed, most), text: trimmed });
    }
    yield rows;
  }
}

function split(text: string, most: number): string[] {
  if (most !== 2) return text.split(/[ \t]+/);
  const at = text.search(/[ \t]/);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at).trim()];
}
