import { invalid, shown, unsupported } from "../errors.js";
import { csvLine, harmless } from "../format/csv.js";
import { jsonLines } from "../util/json-lines.js";
import { writeFile } from "../util/write-file.js";
import { type DataFrameLike, isFrame, rowsOfFrame } from "./frame.js";
import { type ColumnType, parquetBytes, type RowGroup } from "./parquet-bytes.js";

/** A row of a table: its fields are the columns. */
export type TableRow = object;

export interface TableOptions {
  /**
   * Names and order of the columns; other fields are left out. By default the fields of an array's rows in the order in which
   * they are first seen, and of any other iterable those of its first row.
   */
  columns?: readonly string[];
  /**
   * Types of columns in Parquet that the first rows may not tell, as where a value is missing there or happens to be whole;
   * `integer` is int64.
   */
  types?: Readonly<Record<string, ColumnType>>;
}

/** Rows that a type of a column is told by, and that are written together, where they are not an array. */
export const rowsAtOnce = 5000;

/**
 * Writes a table as CSV, TSV, JSONL or Parquet, by the ending of its name.
 *
 * Rows are what the toolkit gives: pairs, speakers, utterances, trials, findings; or a frame of danfojs. Lists of numbers or texts are
 * list columns in Parquet (float32 of a Float32Array), else JSON. An object with a key of its own, as the speakers of a pair, becomes
 * columns (`speaker1Key`); other objects are JSON. A number that is NaN is an empty cell, and NaN in Parquet. In CSV and TSV an apostrophe goes before
 * text that a spreadsheet would take for a formula. Rows that are no array are written as they come, in bounded memory.
 *
 * @throws `unsupported` for another ending; `invalid` where a column is of two types in Parquet, or where a later row of a
 *   stream has a field that the first did not have
 * @example
 * await writeTable([{ key: "a_1", similarity: 0.5 }, { key: "a_2", similarity: 0.25 }], "pairs.parquet");
 */
export async function writeTable(
  rows: Iterable<TableRow> | AsyncIterable<TableRow> | DataFrameLike,
  path: string,
  { columns, types }: TableOptions = {},
): Promise<void> {
  const ending = checkTableName(path);
  const groups = checked(grouped(isFrame(rows) ? rowsOfFrame(rows) : rows), columns, path);
  if (ending === "parquet") return writeFile(path, parquetBytes(groups, path, types));
  if (ending === "jsonl") return writeFile(path, jsonText(groups));
  return writeFile(path, delimited(groups, ending === "csv" ? "," : "\t"));
}

/** The kind of a table, by the ending of its name. @throws `unsupported` for another */
export function checkTableName(path: string): string {
  const ending = /\.(csv|tsv|jsonl|parquet)$/i.exec(path)?.[1]?.toLowerCase();
  if (ending === undefined)
    throw unsupported(
      `${path} does not end in .csv, .tsv, .jsonl or .parquet, by which the kind of table is told.`,
      { path },
    );
  return ending;
}

type Row = Record<string, unknown>;

/** The row with columns for what is known of the things in it that have keys. */
function flat(row: Row): Row {
  if (!Object.values(row).some(isKeyed)) return row;
  return Object.fromEntries(
    Object.entries(row).flatMap(([name, value]): [string, unknown][] =>
      isKeyed(value)
        ? Object.entries(value).map(([inner, own]) => [name + inner[0]!.toUpperCase() + inner.slice(1), own])
        : [[name, value]],
    ),
  );
}

const isKeyed = (value: unknown): value is Row & { key: string } =>
  typeof value === "object" && value !== null && typeof (value as Row).key === "string";

async function* grouped(rows: Iterable<TableRow> | AsyncIterable<TableRow>): AsyncGenerator<Row[]> {
  if (Array.isArray(rows)) {
    yield rows.map((row) => flat(row as Row));
    return;
  }
  let group: Row[] = [];
  for await (const row of rows) {
    group.push(flat(row as Row));
    if (group.length < rowsAtOnce) continue;
    yield group;
    group = [];
  }
  yield group;
}

async function* checked(
  groups: AsyncIterable<Row[]>,
  told: readonly string[] | undefined,
  path: string,
): AsyncGenerator<RowGroup> {
  let columns = told;
  let known: Set<string> | undefined;
  for await (const rows of groups) {
    columns ??= [...new Set(rows.flatMap((row) => Object.keys(row)))];
    known ??= new Set(columns);
    for (const row of told === undefined ? rows : []) {
      const stranger = Object.keys(row).find((name) => !known!.has(name));
      if (stranger !== undefined)
        throw invalid(
          `A row has the field ${shown(stranger)}, which none of the first ${rowsAtOnce} rows has. Give the columns.`,
          { path, got: stranger },
        );
    }
    yield { columns, rows };
  }
}

/** A list or an object as JSON has it. */
export const plain = (value: unknown): unknown =>
  ArrayBuffer.isView(value) && !(value instanceof DataView)
    ? Array.from(value as Float32Array)
    : typeof value === "bigint"
      ? value.toString()
      : value;

async function* jsonText(groups: AsyncIterable<RowGroup>): AsyncGenerator<string> {
  for await (const { columns, rows } of groups)
    for (const row of rows)
      yield* jsonLines([Object.fromEntries(columns.map((name) => [name, plain(row[name])]))]);
}

async function* delimited(groups: AsyncIterable<RowGroup>, separator: "," | "\t"): AsyncGenerator<string> {
  let isFirst = true;
  for await (const { columns, rows } of groups) {
    if (isFirst && columns.length > 0) yield csvLine(columns.map(harmless), separator);
    isFirst = false;
    for (const row of rows)
      yield csvLine(
        columns.map((name) => cell(row[name])),
        separator,
      );
  }
}

function cell(value: unknown): string | number {
  if (value === undefined || value === null || Number.isNaN(value)) return "";
  if (typeof value === "number") return value;
  if (typeof value === "string") return harmless(value);
  return typeof value === "object" ? JSON.stringify(plain(value)) : String(value);
}
