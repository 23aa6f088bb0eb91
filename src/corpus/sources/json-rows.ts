import { invalid, shown } from "../../errors.js";
import { isObject, parsedJson, withExactIntegers } from "../../format/read-json.js";
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

/** An object of a JSONL file with its text, line end and all. */
export interface RowAsIs {
  line: number;
  text: string;
  row: Record<string, unknown>;
}

/** The objects of a JSONL file as they stand there, as many at a time as `jsonRows` gives; other lines are left out. */
export async function* rowsAsIs(path: string): AsyncGenerator<RowAsIs[]> {
  let line = 0;
  for await (const texts of readLines(path, "The manifest", { asIs: true }))
    yield texts.flatMap((text) => {
      line++;
      const row = parsedRow(text.replace(/^\ufeff/, ""));
      return isObject(row) ? [{ line, text: text.endsWith("\n") ? text : `${text}\n`, row }] : [];
    });
}

/** The value of a line; undefined where it is not JSON. */
export function parsedRow(text: string): unknown {
  const exact = withExactIntegers(text);
  return parsedJson(exact) ?? parsedJson(withMarks(exact), (_, value) => numbers.get(value) ?? value);
}

/** Python's json writes NaN and infinities, which are not JSON; in texts they stay. No text begins with a null character. */
const withMarks = (text: string): string =>
  text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"|-?\b(?:NaN|Infinity)\b/g, (found) =>
    found.startsWith('"') ? found : `"\\u0000${found}"`,
  );
const numbers: ReadonlyMap<unknown, number> = new Map(
  ["NaN", "Infinity", "-Infinity"].map((name) => [`\0${name}`, Number(name)]),
);

function parsed(text: string, line: number, path: string): JsonRow {
  const row = parsedRow(text);
  if (row === undefined) return { line, reason: `Line ${line} of ${path} is not JSON: ${shown(text)}.` };
  if (isObject(row)) return { line, row };
  return { line, reason: `Line ${line} of ${path} is ${shown(row)}, not an object.` };
}

/** The first object of a JSONL file, by which its kind is told. */
export async function firstRow(path: string): Promise<Record<string, unknown>> {
  for await (const rows of jsonRows(path)) for (const row of rows) if ("row" in row) return row.row;
  throw invalid(`${path} has no line that is a JSON object.`, { path });
}
