import { dirname } from "node:path";
import { type Columns, chooseColumns, describeColumns, entryOf } from "../columns.js";
import { type BadEntry, type Entry, type Listing, listingOf } from "../listing.js";
import { type JsonRow, jsonRows } from "./json-rows.js";
import { stemOf } from "./stem-of.js";
import { besides } from "./table.js";

/**
 * A NeMo manifest: JSONL with `audio_filepath`, `offset` and `duration` in seconds, `speaker` or `label`, and other fields.
 *
 * Utterances with an offset are spans of their file, which is then their session.
 */
export function nemo(path: string, told: Columns): Listing {
  const about = { file: path, folders: [dirname(path), "."], dataset: stemOf(path) };
  return listingOf(about, (notes) => entries(path, { path: "audio_filepath", ...told }, notes, true));
}

/** A table as JSONL: the columns are those of the first thousand rows or so. */
export function jsonTable(path: string, told: Columns): Listing {
  return listingOf(besides(path), (notes) => entries(path, told, notes, false));
}

async function* entries(
  path: string,
  told: Columns,
  notes: string[],
  /** Whether the file of a span is its session. */
  hasSessions: boolean,
): AsyncGenerator<Entry | BadEntry> {
  let columns: Columns | undefined;
  for await (const rows of jsonRows(path)) {
    if (rows.length === 0) continue;
    if (columns === undefined) {
      columns = chooseColumns(namesOf(rows), told, path);
      notes.push(`Columns: ${describeColumns(columns)}`);
    }
    for (const row of rows) {
      const entry = "row" in row ? entryOf(row.row, columns, row.line, `Line ${row.line} of ${path}`) : row;
      if (hasSessions && "span" in entry && entry.span !== undefined) entry.session ??= entry.path;
      yield entry;
    }
  }
}

/** All names, because fields may be left out where they are empty. */
function namesOf(rows: readonly JsonRow[]): string[] {
  return [...new Set(rows.flatMap((row) => ("row" in row ? Object.keys(row.row) : [])))];
}
