import { dirname } from "node:path";
import { type Columns, chooseColumns, describeColumns, entryOf } from "../columns.js";
import type { BadEntry, Entry, Listing } from "../listing.js";
import { type JsonRow, jsonRows } from "./json-rows.js";
import { stemOf } from "./stem-of.js";

/**
 * A NeMo manifest: JSONL with `audio_filepath`, `offset` and `duration` in seconds, `speaker` or `label`, and other fields.
 *
 * Utterances with an offset are spans of their file, which is then their session.
 */
export function nemo(path: string, told: Columns): Listing {
  const notes: string[] = [];
  return {
    file: path,
    entries: entries(path, { path: "audio_filepath", ...told }, notes, "audio_filepath"),
    notes,
    warnings: [],
    folders: [dirname(path), "."],
    dataset: stemOf(path),
  };
}

/** A table as JSONL: the columns are those of the first thousand rows or so. */
export function jsonTable(path: string, told: Columns): Listing {
  const notes: string[] = [];
  return {
    file: path,
    entries: entries(path, told, notes),
    notes,
    warnings: [],
    folders: [dirname(path), ".", `${dirname(path)}/clips`],
    dataset: stemOf(path),
  };
}

async function* entries(
  path: string,
  told: Columns,
  notes: string[],
  sessionOfSpans?: string,
): AsyncGenerator<(Entry | BadEntry)[]> {
  let columns: Columns | undefined;
  for await (const rows of jsonRows(path)) {
    if (rows.length === 0) continue;
    if (columns === undefined) {
      columns = chooseColumns(namesOf(rows), told, path);
      notes.push(`Columns: ${describeColumns(columns)}`);
    }
    const known = columns;
    yield rows.map((row) => {
      if (!("row" in row)) return row;
      const entry = entryOf(row.row, known, row.line, `Line ${row.line} of ${path}`);
      if (sessionOfSpans !== undefined && "span" in entry && entry.span !== undefined)
        entry.session ??= entry.path;
      return entry;
    });
  }
}

/** All names, because fields may be left out where they are empty. */
function namesOf(rows: readonly JsonRow[]): string[] {
  return [...new Set(rows.flatMap((row) => ("row" in row ? Object.keys(row.row) : [])))];
}
