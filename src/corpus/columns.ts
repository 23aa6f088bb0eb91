import { invalid, shown, unknown } from "../errors.js";
import type { BadEntry, Entry } from "./listing.js";

/** What a column can hold. */
export const columnRoles = [
  "path",
  "speaker",
  "utterance",
  "dataset",
  "session",
  "start",
  "end",
  "duration",
  "channel",
] as const;
export type ColumnRole = (typeof columnRoles)[number];
export type Columns = Partial<Record<ColumnRole, string>>;

/** The usual names, the likeliest first; compared without case, and `-` and blanks count as `_`. */
const usual: Record<ColumnRole, readonly string[]> = {
  path: "path audio_filepath audio_path file_path filepath wav_path audio_file file wav filename file_name audio".split(
    " ",
  ),
  speaker: "speaker speaker_id spk spk_id spkid client_id speaker_name label".split(" "),
  utterance: "utterance utterance_id utt utt_id uttid segment_id id key".split(" "),
  dataset: "dataset data_set corpus".split(" "),
  session: "session session_id recording recording_id video video_id chapter chapter_id".split(" "),
  start: "start offset start_time begin start_seconds".split(" "),
  end: "end end_time stop end_seconds".split(" "),
  duration: "duration dur seconds length".split(" "),
  channel: ["channel"],
};

/**
 * Which column holds what: as told, else by the usual names.
 *
 * @param told by role; an empty name says that there is no such column
 * @throws `unknown` for a column that is not there, `invalid` for two of one name; `missing` roles are the caller's
 */
export function chooseColumns(names: readonly string[], told: Columns, file: string): Columns {
  const chosen: Columns = {};
  const taken = new Set<string>();
  const twice = names.find((name, i) => name !== "" && names.indexOf(name) < i);
  if (twice !== undefined)
    throw invalid(
      `${file} has two columns called ${shown(twice)}, so which one is meant is not clear. Rename one.`,
      { path: file, got: twice },
    );
  const take = (role: ColumnRole, name: string) => {
    chosen[role] = name;
    taken.add(name);
  };
  const plain = (name: string) =>
    name
      .trim()
      .toLowerCase()
      .replace(/[\s-]+/g, "_");
  for (const role of columnRoles) {
    const name = told[role];
    if (name === undefined || name === "") continue;
    if (!names.includes(name))
      throw unknown(
        `${file} has no column ${shown(name)}. Its columns are ${names.map((n) => shown(n)).join(", ")}.`,
        {
          path: file,
          got: name,
        },
      );
    take(role, name);
  }
  for (const role of columnRoles) {
    if (told[role] !== undefined) continue;
    const name = usual[role].flatMap(
      (want) => names.find((n) => plain(n) === want && !taken.has(n)) ?? [],
    )[0];
    if (name !== undefined) take(role, name);
  }
  return chosen;
}

/** `path=path, speaker=client_id`: what was understood, as a note for the user. */
export const describeColumns = (columns: Columns): string =>
  columnRoles.flatMap((role) => (columns[role] ? `${role}=${columns[role]}` : [])).join(", ");

/** Reads `speaker=client_id,path=path`. */
export function parseColumns(text: string): Columns {
  const columns: Columns = {};
  for (const part of text.split(",")) {
    const [, role = "", name = ""] = /^\s*([^=]*?)\s*=(.*)$/.exec(part) ?? [];
    if (!(columnRoles as readonly string[]).includes(role))
      throw invalid(
        `${shown(part)} does not say which column is which. Write role=name, such as speaker=client_id; the roles are ${columnRoles.join(", ")}.`,
        { got: text },
      );
    columns[role as ColumnRole] = name;
  }
  return columns;
}

/**
 * An utterance from a row whose columns are known.
 *
 * With a start or an end it is a span. A duration alone only says how long the file is.
 *
 * @param where the row in an error: `Line 3 of list.csv`
 */
export function entryOf(
  row: Record<string, unknown>,
  columns: Columns,
  line: number | undefined,
  where: string,
): Entry | BadEntry {
  const value = (role: ColumnRole) => (columns[role] === undefined ? undefined : row[columns[role]]);
  const problems: string[] = [];
  const text = (role: ColumnRole): string | undefined => {
    const found = value(role);
    if (isMissing(found)) return undefined;
    if (typeof found === "object") problems.push(`${where} has ${shown(found)} as its ${role}.`);
    return String(found);
  };
  const number = (role: ColumnRole): number | undefined => {
    const found = value(role);
    // A number that is NaN is a fault, not a missing one: a cut would be elsewhere.
    if (isMissing(found) && !Number.isNaN(found)) return undefined;
    const result = typeof found === "bigint" || typeof found === "string" ? Number(found) : found;
    if (typeof result === "number" && Number.isFinite(result)) return result;
    problems.push(`${where} has ${shown(found)} as its ${role}, which is no number.`);
    return undefined;
  };
  const path = text("path");
  if (path === undefined) return { line, reason: `${where} has no path.` };
  const [start, end, duration, channel] = (["start", "end", "duration", "channel"] as const).map(number);
  const isSpan = start !== undefined || end !== undefined;
  const from = start ?? 0;
  const to = end ?? (duration === undefined ? undefined : from + duration);
  const entry: Entry = {
    line,
    path,
    utteranceId: text("utterance"),
    speakerId: text("speaker") ?? null,
    dataset: text("dataset"),
    session: text("session"),
    channel,
    span: isSpan ? (to === undefined ? { start: from } : { start: from, end: to }) : undefined,
    seconds: to === undefined ? undefined : isSpan ? to - from : duration,
    fields: fieldsOf(row, columns),
  };
  return problems.length === 0 ? entry : { line, path, reason: problems[0]! };
}

/** Whether a cell says nothing; in Python a missing value is NaN, whatever the others of its column are. */
export const isMissing = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  Number.isNaN(value) ||
  (typeof value === "string" && value.trim() === "");

/** What no role takes. */
export function fieldsOf(
  row: Record<string, unknown>,
  columns: Columns,
): Record<string, unknown> | undefined {
  const taken = new Set<string>(Object.values(columns));
  const rest = Object.entries(row)
    .filter(([name, value]) => !taken.has(name) && !isMissing(value))
    // JSON, in which fields are kept, has no infinities.
    .map(
      ([name, value]) => [name, value === Infinity || value === -Infinity ? String(value) : value] as const,
    );
  return rest.length === 0 ? undefined : Object.fromEntries(rest);
}
