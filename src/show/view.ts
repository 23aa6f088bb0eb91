import { whole } from "../shared/text.js";
import type { Histogram } from "../types.js";

/** What is shown of a result, whether as text or as HTML. */
export interface View {
  /** One line. It is all that is shown of a result inside of another value. */
  title: string;
  /** Empty texts are left out. */
  parts?: readonly Part[];
}

/** A line, a table of objects, or counts as bars. */
export type Part = string | Rows | { histogram: Histogram };

export interface Rows {
  rows: readonly object[];
  /** How many there are, where `rows` are the first of them only. */
  total?: number;
  /** In the plural; default "rows". */
  noun?: string;
  /** Most rows to show; default 10. */
  most?: number;
}

/** A table, cut to the rows that are shown. */
export interface CutTable {
  columns: string[];
  rows: unknown[][];
  /** What was left out; "" where nothing was. */
  caption: string;
}

export function cutTable({ rows, total = rows.length, noun = "rows", most = 10 }: Rows): CutTable {
  const first = rows.slice(0, most);
  const names = [...new Set(first.flatMap(Object.keys))];
  // A column that says nothing of any row is left out.
  const columns = names.filter((name) => first.some((row) => (row as Record<string, unknown>)[name] != null));
  return {
    columns,
    rows: first.map((row) => columns.map((name) => cell((row as Record<string, unknown>)[name]))),
    caption: total > first.length ? `the first ${first.length} of ${whole(total)} ${noun}` : "",
  };
}

/** Four digits are what a reader compares. */
const cell = (value: unknown): unknown =>
  typeof value === "number" && !Number.isInteger(value) && Number.isFinite(value)
    ? Number(value.toPrecision(4))
    : value;
