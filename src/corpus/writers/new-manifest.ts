import { resolve } from "node:path";
import { conflict, shown, unsupported } from "../../errors.js";
import { writeTable } from "../../tables/write-table.js";
import type { Utterance } from "../../types.js";
import { jsonLines } from "../../util/json-lines.js";
import { chooseColumns, columnRoles } from "../columns.js";
import { writeText } from "./rewrite.js";
import { rowText } from "./table.js";

/*
 * Manifests of a corpus that was read from something else: a table of it, or NeMo's. Paths are absolute there, and what the
 * source said besides goes into columns of its own.
 */

type Row = Record<string, unknown>;

/** @throws `unsupported` for audio that no path alone leads to */
export function checkFiles(utterances: readonly Utterance[]): void {
  const inside = utterances.find(({ offset, cell }) => offset !== undefined || cell !== undefined);
  if (inside !== undefined)
    throw unsupported(
      `The audio of ${shown(inside.key)} is inside ${inside.path}, where no path of another kind of manifest leads. Write the format that was read.`,
      { path: inside.path },
    );
}

export async function writeNewTable(
  path: string,
  kind: "csv" | "tsv" | "jsonl" | "parquet",
  utterances: readonly Utterance[],
): Promise<void> {
  const columns = columnsOf(utterances);
  const rows = function* () {
    for (const utterance of utterances) yield rowOf(utterance, columns);
  };
  return writeRows(path, kind, columns, rows());
}

/**
 * Writes the rows of a manifest, to be read back as they are: `writeTable` puts an apostrophe before what a spreadsheet takes for a
 * formula, which would be another name here, and quotes cells of TSV.
 */
export async function writeRows(
  path: string,
  kind: "csv" | "tsv" | "jsonl" | "parquet",
  columns: readonly string[],
  rows: Iterable<Row>,
): Promise<void> {
  if (kind === "parquet") return writeTable([...rows], path, { columns });
  if (kind === "jsonl") return writeText(path, jsonLines(rows));
  const delimiter = kind === "tsv" ? "\t" : ",";
  const lines = function* () {
    yield `${rowText(columns, delimiter, kind)}\n`;
    for (const row of rows)
      yield `${rowText(
        columns.map((name) => cell(row[name])),
        delimiter,
        kind,
      )}\n`;
  };
  return writeText(path, lines());
}

export async function writeNemo(path: string, utterances: readonly Utterance[]): Promise<void> {
  const rows = function* () {
    for (const {
      path,
      span,
      seconds,
      speakerId,
      dataset,
      session,
      utteranceId,
      channel,
      fields,
    } of utterances) {
      if (span !== undefined && span.end === undefined)
        throw unsupported(
          `${shown(utteranceId)} goes to the end of its recording, and NeMo's manifests need a duration. Write .csv or .jsonl.`,
        );
      yield {
        ...fields,
        audio_filepath: resolve(path),
        ...(span === undefined ? {} : { offset: span.start }),
        duration: span === undefined ? (seconds ?? null) : span.end! - span.start,
        speaker: speakerId,
        dataset,
        session,
        utterance: utteranceId,
        channel,
      };
    }
  };
  return writeText(path, jsonLines(rows()));
}

const roles = columnRoles.filter((role) => role !== "duration");

/** The columns that are used, and those of which a field would else be taken for one. */
function columnsOf(utterances: readonly Utterance[]): string[] {
  const fields = new Set<string>();
  const used = new Set<string>(["path", "dataset", "speaker", "utterance"]);
  for (const { session, span, seconds, channel, fields: own } of utterances) {
    if (session !== undefined) used.add("session");
    if (span !== undefined) used.add("start");
    if (span?.end !== undefined) used.add("end");
    if (span === undefined && seconds !== undefined) used.add("duration");
    if (channel !== undefined) used.add("channel");
    for (const name of Object.keys(own ?? {})) fields.add(name);
  }
  const clash = [...fields].find((name) => (columnRoles as readonly string[]).includes(name));
  if (clash !== undefined)
    throw conflict(`The field ${shown(clash)} of the utterances is called like a column of the manifest.`, {
      got: clash,
    });
  for (const role of Object.keys(chooseColumns([...fields], {}, ""))) used.add(role);
  return [...[...roles, "duration"].filter((role) => used.has(role)), ...fields];
}

function rowOf(utterance: Utterance, columns: readonly string[]): Row {
  const { path, dataset, speakerId, session, utteranceId, span, seconds, channel, fields } = utterance;
  const row: Row = {
    ...fields,
    path: resolve(path),
    dataset,
    speaker: speakerId,
    session,
    utterance: utteranceId,
    start: span?.start,
    end: span?.end,
    duration: span === undefined ? seconds : undefined,
    channel,
  };
  return Object.fromEntries(columns.map((name) => [name, row[name] ?? null]));
}

function cell(value: unknown): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "";
  if (typeof value === "string") return value;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
