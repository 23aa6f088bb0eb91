import { invalid, shown } from "../../errors.js";
import { readLines } from "../../util/read-lines.js";
import type { BadEntry } from "../listing.js";

/** A row of JSON, or the line that is none. */
export type JsonRow = { line: number; row: Record<string, unknown> } | BadEntry;

/** The objects of a JSONL file, packed or not, a handful at a time; a bad line is one, and not the end. */
export async function* jsonRows(path: string): AsyncGenerator<JsonRow[]> {
  let line = 0;
  for await (const texts of readLines(path, "The manifest")) {
    const rows: JsonRow[] = [];
    for (const text of texts) {
      line++;
      if (text.trim() === "") continue;
      rows.push(parsed(text, line, path));
    }
    yield rows;
  }
}

function parsed(text: string, line: number, path: string): JsonRow {
  let row: unknown;
  try {
    // Python's json writes NaN and infinities, which are not JSON.
    row = JSON.parse(
      /\b(NaN|Infinity)\b/.test(text) ? text.replace(/(?<=[:,[]\s*)-?(NaN|Infinity)\b/g, '"$1"') : text,
    );
  } catch {
    return { line, reason: `Line ${line} of ${path} is not JSON: ${shown(text)}.` };
  }
  if (typeof row === "object" && row !== null && !Array.isArray(row))
    return { line, row: row as Record<string, unknown> };
  return { line, reason: `Line ${line} of ${path} is ${shown(row)}, not an object.` };
}

/** The first object of a JSONL file, by which its kind is told. */
export async function firstRow(path: string): Promise<Record<string, unknown>> {
  for await (const rows of jsonRows(path)) for (const row of rows) if ("row" in row) return row.row;
  throw invalid(`${path} has no line that is a JSON object.`, { path });
}
