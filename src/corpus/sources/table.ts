import { dirname } from "node:path";
import { Readable } from "node:stream";
import { parse } from "csv-parse";
import { invalid, missing, reasonOf } from "../../errors.js";
import { quantity } from "../../shared/text.js";
import { readLines, wholeLines } from "../../util/read-lines.js";
import { type Columns, chooseColumns, describeColumns, entryOf } from "../columns.js";
import { type BadEntry, type Entry, type Listing, listingOf } from "../listing.js";
import { stemOf } from "./stem-of.js";

/**
 * A table with a line of column names: CSV (with `,`, `;` or `|`), or TSV, whose quotes mean nothing.
 *
 * Relative paths are meant from the table, from the working directory, or from `clips` beside it (Common Voice).
 */
export function table(path: string, kind: "csv" | "tsv", told: Columns): Listing {
  return listingOf(besides(path), (notes) => entries(path, kind, told, notes));
}

/** A table's name, and where its paths are looked for. */
export const besides = (path: string) => ({
  file: path,
  folders: [dirname(path), ".", `${dirname(path)}/clips`],
  dataset: stemOf(path),
});

async function* entries(
  path: string,
  kind: "csv" | "tsv",
  told: Columns,
  notes: string[],
): AsyncGenerator<Entry | BadEntry> {
  const delimiter = kind === "tsv" ? "\t" : await delimiterOf(path);
  let names: string[] | undefined;
  let columns: Columns = {};
  for await (const { cells, line } of records(path, delimiter, kind === "csv")) {
    if (names === undefined) {
      names = cells.map((name) => name.trim());
      columns = chooseColumns(names, told, path);
      if (columns.path === undefined)
        throw missing(
          `${path} has no column with the path of the audio. Its columns are ${names.join(", ")}: give --columns path=NAME.`,
          { path, got: names },
        );
      notes.push(`Columns: ${describeColumns(columns)}`);
      continue;
    }
    const where = `Line ${line} of ${path}`;
    if (cells.length !== names.length)
      yield {
        line,
        reason: `${where} has ${quantity(cells.length, "cell")}; the table has ${quantity(names.length, "column")}.`,
      };
    else {
      const row: Record<string, unknown> = {};
      for (let i = 0; i < names.length; i++) row[names[i]!] = cells[i];
      yield entryOf(row, columns, line, where);
    }
  }
  if (names === undefined) throw invalid(`${path} is empty.`, { path });
}

/**
 * The rows of a table, and the line that each ends on.
 *
 * @param raw also the text of each row, with what is there of line ends around it
 */
export async function* records(
  path: string,
  delimiter: string,
  quoted: boolean,
  { raw = false }: { raw?: boolean } = {},
): AsyncGenerator<{ cells: string[]; line: number; raw?: string }> {
  const parser = parse({
    bom: true,
    delimiter,
    info: true,
    quote: quoted ? '"' : null,
    raw,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
  });
  const input = Readable.from(wholeLines(path, "The manifest"));
  input.on("error", (error: Error) => parser.destroy(error));
  input.pipe(parser);
  try {
    for await (const { record, info, raw } of parser as AsyncIterable<{
      record: string[];
      info: { lines: number };
      raw?: string;
    }>)
      yield { cells: record, line: info.lines, raw };
  } catch (cause) {
    const { tag, lines } = cause as { tag?: string; lines?: number };
    if (tag !== undefined) throw cause;
    const where = lines === undefined ? "" : ` at line ${lines}`;
    throw invalid(`${path} cannot be read as a table${where}: ${reasonOf(cause)}.`.replace(/\.\.$/, "."), {
      path,
      cause,
    });
  } finally {
    input.destroy();
  }
}

/** What separates the names in the first line. */
export async function delimiterOf(path: string): Promise<string> {
  for await (const [line = ""] of readLines(path, "The manifest")) {
    const count = (mark: string) => line.split(mark).length;
    return [",", ";", "\t", "|"].reduce((a, b) => (count(b) > count(a) ? b : a));
  }
  throw invalid(`The manifest ${path} is empty.`, { path });
}
