import { inspect } from "node:util";
import { columnTexts } from "../../../src/shared/cell-text.js";
import { htmlTable, type Table } from "../../../src/shared/html-table.js";
import type { MimeBundle } from "../replies.js";

const shownRows = 10;
const shownColumns = 20;
/** Longer texts of records become a table, cut so that it stays readable in a terminal. */
const textLines = 25;
const textColumns = 8;
const textChars = 32;

/** What danfojs-node's DataFrame and Series have in common; found by shape, so no copy of danfojs is needed here. */
interface Frame {
  shape: number[];
  columns: string[];
  dtypes: string[];
  index: (string | number)[];
  values: unknown[];
  toString(): string;
}

export function isFrame(value: object): value is Frame {
  const frame = value as Partial<Frame>;
  return (
    /^(DataFrame|Series)$/.test(value.constructor?.name ?? "") &&
    Array.isArray(frame.shape) &&
    Array.isArray(frame.columns) &&
    Array.isArray(frame.dtypes) &&
    Array.isArray(frame.index)
  );
}

/** First rows, index, names and dtypes, and the whole's shape. */
export function frameBundle(frame: Frame): MimeBundle {
  const rows = frame.values.slice(0, shownRows).map((row) => (Array.isArray(row) ? row : [row]));
  const [count, width = 1] = frame.shape;
  const kind = frame.constructor.name;
  return {
    "text/plain": `${kind} (${frame.shape.join(" x ")})\n${frame.toString()}`,
    "text/html": cutTable({
      columns: frame.columns.map(String),
      dtypes: frame.dtypes,
      index: frame.index.slice(0, shownRows).map(String),
      rows,
      caption: sizes(count, width),
    }),
  };
}

const isPlain = (value: unknown): value is Record<string, unknown> => {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

/** Rows as a query or a JSON file gives them. */
export function isRecords(value: unknown): value is Record<string, unknown>[] {
  return Array.isArray(value) && value.length > 0 && value.slice(0, 100).every(isPlain);
}

export function recordsBundle(records: Record<string, unknown>[], text: string): MimeBundle {
  const columns = [...new Set(records.slice(0, 100).flatMap(Object.keys))];
  if (columns.length === 0) return { "text/plain": text };
  const table = {
    columns,
    index: records.slice(0, shownRows).map((_, i) => String(i)),
    rows: records.slice(0, shownRows).map((record) => columns.map((name) => record[name])),
    caption: sizes(records.length, columns.length),
  };
  const isLong = text.split("\n").length > textLines;
  return { "text/plain": isLong ? tableText(table) : text, "text/html": cutTable(table) };
}

function tableText({ columns, rows, caption }: Table): string {
  const head = columns.slice(0, textColumns);
  const texts = head.map((_, c) => columnTexts(rows.map((row) => row[c])));
  const lines = columnsText(
    [head, ...rows.map((_, r) => texts.map((column) => column[r]))].map((row) =>
      row.map((text) => (text.length > textChars ? `${text.slice(0, textChars - 1)}…` : text)),
    ),
  );
  return `${lines}\n${caption}`;
}

/** Rows of texts, each column as wide as its widest. */
export function columnsText(rows: string[][]): string {
  const widths = rows[0].map((_, c) => Math.max(...rows.map((row) => row[c].length)));
  return rows
    .map((row) =>
      row
        .map((text, c) => text.padEnd(widths[c]))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

export function mapBundle(map: ReadonlyMap<unknown, unknown>, text: string): MimeBundle {
  const rows: unknown[][] = [];
  for (const [key, value] of map) {
    if (rows.length === shownRows) break;
    rows.push([typeof key === "string" ? key : inspect(key, { depth: 0 }), value]);
  }
  const caption = `Map of ${map.size}${map.size > rows.length ? `, first ${rows.length} shown` : ""}`;
  return { "text/plain": text, "text/html": htmlTable({ columns: ["key", "value"], rows, caption }) };
}

function cutTable(table: Table): string {
  if (table.columns.length <= shownColumns) return htmlTable(table);
  return htmlTable({
    ...table,
    columns: [...table.columns.slice(0, shownColumns), "…"],
    dtypes: table.dtypes && [...table.dtypes.slice(0, shownColumns), ""],
    rows: table.rows.map((row) => [...row.slice(0, shownColumns), "…"]),
  });
}

function sizes(rows: number, columns: number): string {
  const left = rows > shownRows ? `, first ${shownRows} shown` : "";
  return `${rows} rows × ${columns} columns${left}`;
}
