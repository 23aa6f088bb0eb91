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
 * The table of pairs as text, as pandas' `to_csv(index=False)` writes it: True and False, floats as Python's `repr`,
 * quotes only where a comma, a quote or a line end stands in a field. The header is there even when no pair is.
 *
 * @example
 * writeFileSync("similarity_analysis.csv", csv(analysis.pairs));
 */
export function csv(rows: readonly PairRow[]): string {
  const header = columns.map(([name]) => name).join(",");
  const line = (row: PairRow) =>
    columns.map(([, column]) => field(row[column], column === "similarity")).join(",");
  return `${[header, ...rows.map(line)].join("\n")}\n`;
}

function field(value: string | number | boolean, isFloat: boolean): string {
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return isFloat ? pythonRepr(value, "similarity") : String(value);
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
