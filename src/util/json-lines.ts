import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { invalid, shown } from "../errors.js";

/** One JSON text a line. U+2028 and U+2029 are escaped: many readers, Node's among them, end a line there. */
export function* jsonLines(rows: Iterable<unknown>): Generator<string> {
  for (const row of rows)
    yield `${JSON.stringify(row).replace(/[\u2028\u2029]/g, (end) => (end === "\u2028" ? "\\u2028" : "\\u2029"))}\n`;
}

/**
 * Reads a file of JSON lines, a row at a time.
 *
 * @throws `invalid` for a line that is no JSON object, naming file and line
 */
export async function* readJsonLines<Row>(path: string): AsyncGenerator<Row> {
  const input = createReadStream(path, "utf8");
  let line = 0;
  try {
    for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
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
  } finally {
    input.destroy();
  }
}
