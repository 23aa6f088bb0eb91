import { invalid, shown } from "../errors.js";
import { readLines } from "./read-lines.js";

/** One JSON text a line. U+2028 and U+2029 are escaped: many readers, Node's among them, end a line there. */
export function* jsonLines(rows: Iterable<unknown>): Generator<string> {
  for (const row of rows)
    yield `${JSON.stringify(row).replace(/[\u2028\u2029]/g, (end) => (end === "\u2028" ? "\\u2028" : "\\u2029"))}\n`;
}

/** All rows of a file of JSON lines; errors as in `readJsonLines`. */
export async function allJsonLines<Row>(path: string): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const row of readJsonLines<Row>(path)) rows.push(row);
  return rows;
}

/**
 * Reads a file of JSON lines, a row at a time.
 *
 * @throws `missing` where there is no such file, `invalid` for a line that is no JSON object, naming file and line
 */
export async function* readJsonLines<Row>(path: string): AsyncGenerator<Row> {
  let line = 0;
  for await (const texts of readLines(path, "The list"))
    for (const text of texts) {
      line++;
      if (text === "") continue;
      let row: unknown;
      try {
        row = JSON.parse(text);
      } catch (cause) {
        throw invalid(`Line ${line} of ${path} is not JSON: ${shown(text)}.`, { got: text, path, cause });
      }
      if (typeof row !== "object" || row === null || Array.isArray(row))
        throw invalid(`Line ${line} of ${path} is ${shown(row)}, not an object.`, { got: row, path });
      yield row as Row;
    }
}
