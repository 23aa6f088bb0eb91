import { csvLine } from "../format/csv.js";
import { pythonRepr } from "../format/python-float.js";
import { flatRows } from "./flat-rows.js";
import type { PairRow } from "./pair-table.js";

/** The columns in the order of the file, and what fills them. */
const columns: readonly [name: string, field: keyof PairRow][] = [
  ["speaker1_key", "speaker1Key"],
  ["speaker2_key", "speaker2Key"],
  ["similarity", "similarity"],
  ["speaker1_dataset", "speaker1Dataset"],
  ["speaker1_id", "speaker1Id"],
  ["speaker1_utterances", "speaker1Utterances"],
  ["speaker2_dataset", "speaker2Dataset"],
  ["speaker2_id", "speaker2Id"],
  ["speaker2_utterances", "speaker2Utterances"],
  ["same_dataset", "sameDataset"],
  ["pair_type", "pairType"],
];

/**
 * Rows as pandas' `to_csv(index=False)` writes them: True and False, floats as Python's `repr`, nothing for NaN and null,
 * quotes only around fields with a comma, a quote or a line end. The table of pairs has the columns of
 * similarity_analysis.csv, and any other rows a column for each field but embeddings. No rows at all are the header of the
 * table of pairs.
 *
 * @example
 * writeFileSync("similarity_analysis.csv", csv(analysis.pairs));
 */
export function csv(rows: readonly object[]): string {
  const isPairs = rows.every((row) => columns.every(([, column]) => column in row));
  return [...(isPairs ? csvLines(rows as readonly PairRow[]) : anyLines(rows))].join("");
}

function* anyLines(rows: readonly object[]): Generator<string> {
  const { columns: names, values } = flatRows(rows);
  yield csvLine(names);
  for (const row of values) yield csvLine(row.map(anyField));
}

function anyField(value: unknown): string | number {
  if (value === null || value === undefined || Number.isNaN(value)) return "";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "number" || Number.isInteger(value)) return String(value);
  return Number.isFinite(value) ? pythonRepr(value, "a field") : value > 0 ? "inf" : "-inf";
}

/** The same line by line: a million pairs may not fit into one string. */
export function* csvLines(rows: readonly PairRow[]): Generator<string> {
  yield csvLine(columns.map(([name]) => name));
  for (const row of rows)
    yield csvLine(
      columns.map(([, column]) =>
        // A whole number is a float in this column.
        column === "similarity" ? pythonRepr(row.similarity, column) : anyField(row[column]),
      ),
    );
}
