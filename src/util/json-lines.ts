import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { invalid } from "../errors.js";

/** One JSON text a line. U+2028 and U+2029 are escaped: many readers, Node's among them, end a line there. */
export function* jsonLines(rows: Iterable<unknown>): Generator<string> {
  for (const row of rows)
    yield `${JSON.stringify(row).replace(/[\u2028\u2029]/g, (end) => (end === "\u2028" ? "\\u2028" : "\\u2029"))}\n`;
}

/** Reads a file of JSON lines, a row at a time. */
export async function* readJsonLines<Row>(path: string): AsyncGenerator<Row> {
  const input = createReadStream(path, "utf8");
  let line = 0;
  try {
    for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      line++;
      if (text === "") continue;
      let row: Row;
      try {
        row = JSON.parse(text) as Row;
      } catch (cause) {
        throw invalid("JSON lines", `line ${line}`, { got: text, want: "JSON", path, cause });
      }
      yield row;
    }
  } finally {
    input.destroy();
  }
}
