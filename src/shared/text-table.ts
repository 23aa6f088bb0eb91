import stringWidth from "string-width";
import { shorten } from "./text.js";

/** A column of a table. */
export interface TextColumn {
  heading: string;
  /** Default "left". */
  align?: "left" | "right";
  /** In characters; longer fields lose their middle. Default: no limit. */
  maxWidth?: number;
}

/** Lines of a table in plain text: headings, a rule, the rows; two spaces in front and between columns. */
export function textTable(columns: readonly TextColumn[], rows: readonly (readonly string[])[]): string[] {
  const cells = rows.map((row) => row.map((text, c) => shorten(text, columns[c].maxWidth ?? Infinity)));
  const headings = columns.map(({ heading }) => heading);
  const widths = columns.map((_, c) => Math.max(...[headings, ...cells].map((row) => stringWidth(row[c]))));
  const line = (row: readonly string[]) =>
    row
      .reduce((text, cell, c) => `${text}  ${padded(cell, widths[c], columns[c].align ?? "left")}`, "")
      .trimEnd();
  const rule = `  ${"-".repeat(widths.reduce((sum, width) => sum + width + 2, -2))}`;
  return [line(headings), rule, ...cells.map(line)];
}

function padded(text: string, width: number, align: "left" | "right"): string {
  const space = " ".repeat(Math.max(0, width - stringWidth(text)));
  return align === "left" ? text + space : space + text;
}
