import { escapeHtml } from "../shared/escape-html.js";
import { htmlTable } from "../shared/html-table.js";
import { printable } from "../shared/printable.js";
import { hasCounts, sparkline } from "./sparkline.js";
import { cutTable, type Part, type View } from "./view.js";

/** A view as HTML, in which names are text. */
export function viewHtml({ title, parts = [] }: View): string {
  const heading = `<p style="font-weight:600">${text(title)}</p>`;
  return `<div>${[heading, ...parts.map(partHtml)].filter(Boolean).join("\n")}</div>`;
}

const text = (line: string) => escapeHtml(printable(line));

function partHtml(part: Part): string {
  if (typeof part === "string") return part === "" ? "" : `<p>${text(part)}</p>`;
  if ("histogram" in part) return hasCounts(part.histogram) ? sparkline(part.histogram) : "";
  const table = cutTable(part);
  return table.columns.length === 0 ? "" : htmlTable(table);
}
