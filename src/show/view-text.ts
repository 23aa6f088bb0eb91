import stringWidth from "string-width";
import { columnTexts } from "../shared/cell-text.js";
import { printable } from "../shared/printable.js";
import { shorten } from "../shared/text.js";
import { textTable } from "../shared/text-table.js";
import { hasCounts, textSparkline } from "./sparkline.js";
import { cutTable, type Part, type Rows, type View } from "./view.js";

const mostLines = 25;
const mostColumns = 120;
const leastWidth = 12;

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
  const shownColumns = columns.map((_, c) => columnTexts(rows.map((row) => row[c])).map(printable));
  const texts = rows.map((_, r) => shownColumns.map((column) => column[r]));
  const isNumeric = columns.map((_, c) => rows.every((row) => typeof row[c] === "number" || row[c] == null));
  const widths = columns.map((name, c) =>
    Math.max(...[printable(name), ...texts.map((row) => row[c])].map((text) => stringWidth(text))),
  );
  const shown = fittingColumns(widths, isNumeric);
  const maxWidth = textWidth(widths.slice(0, shown), isNumeric);
  const table = textTable(
    columns.slice(0, shown).map((name, c) => {
      const heading = shorten(name, isNumeric[c] ? mostColumns : maxWidth);
      return isNumeric[c] ? { heading, align: "right" } : { heading, maxWidth };
    }),
    texts.map((row) => row.slice(0, shown)),
  );
  return caption === "" ? table : [...table, `  ${caption}`];
}

/** How many columns fit, where texts may be cut and numbers never are; what does not fit is left out, from the last on. */
function fittingColumns(widths: readonly number[], isNumeric: readonly boolean[]): number {
  let room = mostColumns;
  const tooFar = widths.findIndex((width, c) => {
    room -= 2 + (isNumeric[c] ? width : Math.min(width, leastWidth));
    return room < 0;
  });
  return tooFar < 0 ? widths.length : Math.max(1, tooFar);
}

/** How wide columns of text may be so that a table fits: only the widest are cut. */
function textWidth(widths: readonly number[], isNumeric: readonly boolean[]): number {
  const total = (limit: number) =>
    widths.reduce((sum, width, c) => sum + 2 + (isNumeric[c] ? width : Math.min(width, limit)), 0);
  let limit = Math.max(...widths);
  while (limit > leastWidth && total(limit) > mostColumns) limit--;
  return limit;
}
