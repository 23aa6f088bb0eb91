import { pythonRepr } from "../format/python-float.js";
import type { PairRow } from "./pair-table.js";

const columns: readonly (keyof PairRow)[] = [
  "speaker1_key",
  "speaker2_key",
  "similarity",
  "speaker1_dataset",
  "speaker1_id",
  "speaker1_utterances",
  "speaker2_dataset",
  "speaker2_id",
  "speaker2_utterances",
  "same_dataset",
  "pair_type",
];

/**
 * The table of pairs as text, as pandas' `to_csv(index=False)` writes it: True and False, floats as Python's `repr`,
 * quotes only where a comma, a quote or a line end stands in a field. The header is there even when no pair is.
 *
 * @example
 * writeFileSync("similarity_analysis.csv", csv(analysis.pairs));
 */
export function csv(rows: readonly PairRow[]): string {
  const line = (row: PairRow) =>
    columns.map((column) => field(row[column], column === "similarity")).join(",");
  return `${[columns.join(","), ...rows.map(line)].join("\n")}\n`;
}

function field(value: string | number | boolean, isFloat: boolean): string {
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return isFloat ? pythonRepr(value, "similarity") : String(value);
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
