import { columnTexts } from "./cell-text.js";
import { escapeHtml } from "./escape-html.js";

export interface Table {
  columns: string[];
  /** A line below the names, when it is known. */
  dtypes?: string[];
  index?: string[];
  rows: unknown[][];
  /** Says what was left out. */
  caption?: string;
}

/** A table that JupyterLab styles as it styles pandas': to the right, but for columns of words, which are read from the left. */
export function htmlTable({ columns, dtypes, index, rows, caption }: Table): string {
  const texts = columns.map((_, c) => columnTexts(rows.map((row) => row[c])));
  const isLeft = texts.map((column, c) => column.some((text, r) => isWords(text, rows[r]?.[c])));
  const sides = isLeft.map((left) => (left ? ' style="text-align:left"' : ""));
  const th = (text: string, side = "") => `<th${side}>${escapeHtml(text)}</th>`;
  const corner = index ? "<th></th>" : "";
  const types = dtypes
    ? `<tr>${corner}${dtypes.map((t, c) => `<th style="font-weight:normal;opacity:.6${isLeft[c] ? ";text-align:left" : ""}">${escapeHtml(t)}</th>`).join("")}</tr>`
    : "";
  const body = rows
    .map((row, i) => {
      const head = index ? th(index[i] ?? "") : "";
      return `<tr>${head}${row.map((_, c) => `<td${sides[c] ?? ""}>${escapeHtml(texts[c]?.[i] ?? "")}</td>`).join("")}</tr>`;
    })
    .join("\n");
  return [
    `<table class="dataframe"><thead><tr>${corner}${columns.map((name, c) => th(name, sides[c])).join("")}</tr>${types}</thead>`,
    `<tbody>${body}</tbody></table>`,
    ...(caption ? [`<p style="opacity:.7">${escapeHtml(caption)}</p>`] : []),
  ].join("\n");
}

/** Neither a number nor a figure with its unit. */
const isWords = (text: string, value: unknown): boolean =>
  typeof value !== "number" && /^\s*[^\s\d.+-]/.test(text);
