import { short } from "./cell-text.js";
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
    ...(caption ? [`<p style="opacity:.7">${escapeHtml(caption)}</p>`] : []),
  ].join("\n");
}
