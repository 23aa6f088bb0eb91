import { csvLine } from "../format/csv.js";
import { pythonRepr } from "../format/python-float.js";
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
 * The table of pairs as pandas' `to_csv(index=False)` writes it: True and False, floats as Python's `repr`, quotes only
 * around fields with a comma, a quote or a line end. Without pairs it is the header alone.
 *
 * @example
 * writeFileSync("similarity_analysis.csv", csv(analysis.pairs));
 */
export const csv = (rows: readonly PairRow[]): string => [...csvLines(rows)].join("");

/** The same line by line: a million pairs may not fit into one string. */
export function* csvLines(rows: readonly PairRow[]): Generator<string> {
  yield csvLine(columns.map(([name]) => name));
  for (const row of rows)
    yield csvLine(columns.map(([, column]) => field(row[column], column === "similarity")));
}

function field(value: string | number | boolean, isFloat: boolean): string | number {
  if (typeof value === "boolean") return value ? "True" : "False";
  return isFloat ? pythonRepr(value as number, "similarity") : value;
}
