import stringWidth from "string-width";
import { short } from "../shared/cell-text.js";
import { printable } from "../shared/printable.js";
import { shorten } from "../shared/text.js";
import { textTable } from "../shared/text-table.js";
import { hasCounts, textSparkline } from "./sparkline.js";
import { cutTable, type Part, type Rows, type View } from "./view.js";

const mostLines = 25;
const mostColumns = 120;

/** A view in plain text, of at most 25 lines. */
export function viewText({ title, parts = [] }: View): string {
  const lines = [title, ...parts].flatMap(partLines).map((line) => shorten(line, mostColumns));
  const shown = lines.length > mostLines ? [...lines.slice(0, mostLines - 1), "…"] : lines;
  return shown.join("\n");
}

/** The line that stands for a result inside of another value. */
export const briefText = ({ title }: View): string => printable(title);

function partLines(part: Part): string[] {
  if (typeof part === "string") return part === "" ? [] : wrapped(printable(part));
  if ("rows" in part) return tableLines(part);
  return hasCounts(part.histogram) ? [textSparkline(part.histogram)] : [];
}

/** Lines broken between words. */
function wrapped(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && stringWidth(`${last} ${word}`) <= mostColumns)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function tableLines(part: Rows): string[] {
  const { columns, rows, caption } = cutTable(part);
  if (columns.length === 0) return [];
  const texts = rows.map((row) => row.map((value) => printable(short(value))));
  const widths = columns.map((name, c) =>
    Math.max(...[name, ...texts.map((row) => row[c])].map(stringWidth)),
  );
  const maxWidth = widthLimit(widths);
  const isNumeric = (c: number) => rows.every((row) => typeof row[c] === "number" || row[c] == null);
  const table = textTable(
    columns.map((heading, c) => ({ heading, maxWidth, align: isNumeric(c) ? "right" : "left" })),
    texts,
  );
  return caption === "" ? table : [...table, `  ${caption}`];
}

/** How wide columns may be so that a table fits: only the widest are cut. */
function widthLimit(widths: readonly number[]): number {
  const room = mostColumns - 2 * widths.length;
  let limit = Math.max(...widths);
  while (limit > 8 && widths.reduce((sum, width) => sum + Math.min(width, limit), 0) > room) limit--;
  return limit;
}
