import { inspect } from "node:util";
import { escapeHtml } from "../../../src/shared/escape-html.js";

const cellChars = 120;

/** One value in a table cell or a list: short, on one line. */
export function short(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number" && !Number.isInteger(value)) return shortNumber(value);
  const text =
    typeof value === "string"
      ? value
      : inspect(value, { depth: 1, maxArrayLength: 6, breakLength: Infinity });
  const line = text.replaceAll("\n", " ");
  return line.length > cellChars ? `${line.slice(0, cellChars - 1)}…` : line;
}

/** Six significant digits, as numpy and pandas show by default. */
export const shortNumber = (value: number): string =>
  Number.isInteger(value) || !Number.isFinite(value) ? String(value) : String(Number(value.toPrecision(6)));

export interface Table {
  columns: string[];
  /** A line below the names, when it is known. */
  dtypes?: string[];
  index?: string[];
  rows: unknown[][];
  /** Says what was left out. */
  caption: string;
}

/** A table that JupyterLab styles as it styles pandas'. */
export function htmlTable({ columns, dtypes, index, rows, caption }: Table): string {
  const th = (text: string) => `<th>${escapeHtml(text)}</th>`;
  const corner = index ? "<th></th>" : "";
  const types = dtypes
    ? `<tr>${corner}${dtypes.map((t) => `<th style="font-weight:normal;opacity:.6">${escapeHtml(t)}</th>`).join("")}</tr>`
    : "";
  const body = rows
    .map((row, i) => {
      const head = index ? th(index[i] ?? "") : "";
      return `<tr>${head}${row.map((v) => `<td>${escapeHtml(short(v))}</td>`).join("")}</tr>`;
    })
    .join("\n");
  return [
    `<table class="dataframe"><thead><tr>${corner}${columns.map(th).join("")}</tr>${types}</thead>`,
    `<tbody>${body}</tbody></table>`,
    `<p style="opacity:.7">${escapeHtml(caption)}</p>`,
  ].join("\n");
}
