import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { missing, shown, unsupported } from "../../errors.js";
import type { Span } from "../../types.js";
import { isMissing } from "../columns.js";
import type { BadEntry, Entry, Listing } from "../listing.js";
import { firstRow, jsonRows } from "./json-rows.js";
import { stemOf } from "./stem-of.js";

type Json = Record<string, unknown>;
type Kind = "recordings" | "supervisions" | "cuts";

/**
 * Lhotse's manifests as JSONL, packed or not: recordings with supervisions (given one, the other is looked for beside it
 * under the same name), or cuts. Each supervision is an utterance; a recording or a cut without any is one of an unknown
 * speaker.
 *
 * @param path one of the files, or a folder that holds cuts or recordings
 */
export async function lhotse(path: string): Promise<Listing> {
  const file = fileIn(path);
  const kind = kindOf(await firstRow(file));
  if (kind === undefined)
    throw unsupported(`${file} holds no recordings, supervisions or cuts of Lhotse.`, { path: file });
  const base = {
    notes: [] as string[],
    warnings: [] as string[],
    folders: [".", dirname(file), dirname(dirname(file))],
  };
  if (kind === "cuts") return { ...base, file, entries: cuts(file), dataset: stemOf(file) };
  const [recordings, supervisions] =
    kind === "recordings"
      ? [file, partner(file, "recordings", "supervisions")]
      : [partner(file, "supervisions", "recordings"), file];
  if (recordings === undefined)
    throw missing(
      `The recordings of ${file} are not beside it: a file of that name with "recordings" for "supervisions" is looked for.`,
      { path: file },
    );
  const dataset = stemOf(file).replace(/[-_]?(recordings|supervisions)[-_]?(all)?/, (_, __, ___, at) =>
    at === 0 ? "" : "_",
  );
  const named = { ...base, dataset: dataset.replace(/^_|_$/g, "") || basename(dirname(file)) || "lhotse" };
  if (supervisions === undefined) {
    named.notes.push("No supervisions lie beside the recordings: the speakers are unknown");
    return { ...named, file: recordings, entries: wholeRecordings(recordings) };
  }
  named.notes.push(kind === "recordings" ? `Supervisions: ${supervisions}` : `Recordings: ${recordings}`);
  return { ...named, file: supervisions, entries: supervised(recordings, supervisions) };
}

/** The manifest of a folder to begin with: its cuts, else its recordings. */
export function fileIn(path: string): string {
  let names: string[];
  try {
    names = readdirSync(path).sort();
  } catch {
    return path;
  }
  const files = names.filter((name) => /\.jsonl(\.gz)?$/.test(name));
  const name =
    files.find((name) => name.includes("cuts")) ?? files.find((name) => name.includes("recordings"));
  if (name === undefined)
    throw missing(`${path} holds no Lhotse manifest (cuts or recordings as .jsonl or .jsonl.gz).`, { path });
  return join(path, name);
}

/** Whether a JSON object is one of Lhotse's, and of which kind. */
export function kindOf(row: Json): Kind | undefined {
  if (Array.isArray(row.sources)) return "recordings";
  if (typeof row.recording_id === "string" && "start" in row) return "supervisions";
  return typeof row.type === "string" && /Cut$/.test(row.type) ? "cuts" : undefined;
}

/** The recordings of supervisions, or the other way round: they lie beside each other under alike names. */
export function partner(file: string, from: Kind, to: Kind): string | undefined {
  const name = basename(file).replace(new RegExp(`${from}(?!.*${from})`), to);
  if (name === basename(file)) return undefined;
  const plain = name.replace(/\.gz$/, "");
  return [name, plain, `${plain}.gz`]
    .map((other) => join(dirname(file), other))
    .find((other) => existsSync(other));
}

/** What is needed of a recording. */
interface Recording {
  id: string;
  sources: { path: string; channels: number[]; problem?: string }[];
  duration: number | undefined;
  problem?: string;
}

async function* wholeRecordings(path: string): AsyncGenerator<Entry | BadEntry> {
  for await (const rows of jsonRows(path))
    for (const row of rows) {
      const where = `Line ${row.line} of ${path}`;
      const recording = "row" in row ? recordingOf(row.row, where) : row;
      if ("reason" in recording) yield { ...recording, line: row.line };
      else {
        const entry = { line: row.line, utteranceId: recording.id, seconds: recording.duration };
        yield located(recording, entry, undefined, where);
      }
    }
}

async function* supervised(recordings: string, supervisions: string): AsyncGenerator<Entry | BadEntry> {
  const known = new Map<string, Recording>();
  for await (const rows of jsonRows(recordings))
    for (const row of rows) {
      const recording = "row" in row ? recordingOf(row.row, `Line ${row.line} of ${recordings}`) : row;
      if ("reason" in recording) yield { reason: recording.reason };
      else known.set(recording.id, recording);
    }
  for await (const rows of jsonRows(supervisions))
    for (const row of rows) {
      if (!("row" in row)) {
        yield row;
        continue;
      }
      const where = `Line ${row.line} of ${supervisions}`;
      const recording = known.get(String(row.row.recording_id));
      if (recording !== undefined) yield supervisionEntry(row.row, recording, row.line, where);
      else {
        const named = shown(row.row.recording_id);
        yield {
          line: row.line,
          reason: `${where} names the recording ${named}, which ${recordings} does not have.`,
        };
      }
    }
}

function supervisionEntry(
  row: Json,
  recording: Recording,
  line: number,
  where: string,
  offset = 0,
): Entry | BadEntry {
  const {
    id,
    start,
    duration,
    channel,
    speaker,
    text,
    language,
    gender,
    custom,
    alignment: _alignment,
    recording_id: _id,
    ...rest
  } = row;
  const fields = { text, language, sex: gender, ...(custom as Json | undefined), ...rest };
  return located(
    recording,
    {
      line,
      utteranceId: String(id),
      speakerId: isMissing(speaker) ? null : String(speaker),
      session: recording.id,
      ...spanOf(Number(start) + offset, Number(duration), recording),
      fields: Object.fromEntries(
        Object.entries(fields).filter(([, value]) => value !== undefined && value !== null),
      ),
    },
    channel,
    where,
  );
}

/** No span where it is all of the recording: then the file is taken as it is. */
function spanOf(start: number, duration: number, recording: Recording): { span?: Span; seconds: number } {
  const isWhole =
    start === 0 && recording.duration !== undefined && Math.abs(duration - recording.duration) < 1e-6;
  return isWhole ? { seconds: duration } : { span: { start, end: start + duration }, seconds: duration };
}

async function* cuts(path: string): AsyncGenerator<Entry | BadEntry> {
  for await (const rows of jsonRows(path))
    for (const row of rows)
      for (const entry of "row" in row
        ? entriesOfCut(row.row, row.line, `Line ${row.line} of ${path}`)
        : [row])
        yield entry;
}

function entriesOfCut(cut: Json, line: number, where: string): (Entry | BadEntry)[] {
  const bad = (reason: string) => [{ line, reason }];
  if (cut.type !== "MonoCut" && cut.type !== "MultiCut")
    return bad(
      `${where} is a ${shown(cut.type)}: cuts that are mixed or padded have no audio of their own. Save them with Lhotse's save_audios first.`,
    );
  if (typeof cut.recording !== "object" || cut.recording === null)
    return bad(`${where} has no recording: the cut has only features.`);
  const recording = recordingOf(cut.recording as Json, where);
  if ("reason" in recording) return bad(recording.reason);
  const start = Number(cut.start);
  const supervisions = Array.isArray(cut.supervisions) ? (cut.supervisions as Json[]) : [];
  if (supervisions.length > 0)
    return supervisions.map((supervision) =>
      supervisionEntry(clipped(supervision, cut), recording, line, where, start),
    );
  const span = spanOf(start, Number(cut.duration), recording);
  const entry = { line, utteranceId: String(cut.id), session: recording.id, ...span };
  return [located(recording, entry, cut.channel, where)];
}

/** A supervision may reach beyond its cut, and into others: only what is inside belongs to it, and not by the same name. */
function clipped(supervision: Json, cut: Json): Json {
  const [start, end] = [Number(supervision.start), Number(supervision.start) + Number(supervision.duration)];
  // What is computed with times of six digits is not exact.
  if (start >= -1e-6 && end <= Number(cut.duration) + 1e-6) return supervision;
  const from = Math.max(0, start);
  const id = `${cut.id}-${supervision.id}`;
  return { ...supervision, id, start: from, duration: Math.min(Number(cut.duration), end) - from };
}

function recordingOf(row: Json, where: string): Recording | { reason: string } {
  const { id, sources, duration, transforms } = row;
  if (typeof id !== "string" || !Array.isArray(sources) || sources.length === 0)
    return { reason: `${where} is no recording: it has no id or no sources.` };
  const recording: Recording = {
    id,
    sources: [],
    duration: typeof duration === "number" ? duration : undefined,
  };
  if (Array.isArray(transforms) && transforms.length > 0)
    recording.problem = `${where} is a recording that is changed as it is read (${shown((transforms[0] as Json).name ?? transforms[0])}). Save it with Lhotse first.`;
  for (const source of sources as Json[]) {
    const channels = Array.isArray(source.channels) ? source.channels.map(Number) : [0];
    const path = String(source.source);
    const problem =
      source.type === "command"
        ? `${where} is a command, and no command of a manifest is run here. Write the audio to files first.`
        : source.type === "file"
          ? undefined
          : `${where} has its audio in a source of the type ${shown(source.type)}; files are read.`;
    recording.sources.push({ path, channels, ...(problem === undefined ? {} : { problem }) });
  }
  return recording;
}

/** The entry with the file of its channel. All channels of a file are the mean, or what `--channel` says. */
function located(
  recording: Recording,
  entry: Omit<Entry, "path">,
  channel: unknown,
  where: string,
): Entry | BadEntry {
  const { line, utteranceId } = entry;
  const wanted = (channel === undefined ? undefined : Array.isArray(channel) ? channel : [channel]) as
    | number[]
    | undefined;
  const source =
    wanted === undefined
      ? recording.sources[0]!
      : recording.sources.find(({ channels }) => wanted.every((one) => channels.includes(one)));
  if (source === undefined)
    return {
      line,
      utteranceId,
      reason: `${where} wants the channels ${shown(wanted)}, which no file of the recording ${recording.id} holds together.`,
    };
  const problem = recording.problem ?? source.problem;
  if (problem !== undefined) return { line, utteranceId, path: source.path, reason: problem };
  const all = wanted === undefined || wanted.length === source.channels.length;
  if (!all && wanted.length > 1)
    return {
      line,
      utteranceId,
      path: source.path,
      reason: `${where} wants the channels ${shown(wanted)} of ${source.channels.length}; one or all can be taken.`,
    };
  return { ...entry, path: source.path, ...(all ? {} : { channel: source.channels.indexOf(wanted[0]!) }) };
}
