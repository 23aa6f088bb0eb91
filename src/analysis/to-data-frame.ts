import type { DataFrame } from "danfojs-node";
import { missing } from "../errors.js";
import { mendFrames } from "./mend-frames.js";

/**
 * Rows as a danfojs DataFrame: a table for people to look at, sort and filter in a notebook. Missing numbers are NaN, and
 * `describe` and `sortValues` treat them as pandas does: left out, and last.
 *
 * Embeddings and other typed arrays are left out, or shown as a short text; an object in a row (`speaker1` of a pair)
 * becomes columns of its own (`speaker1_key`); a list becomes text.
 *
 * @param embeddings `omit`, the default, leaves embeddings out; `text` shows their first numbers and their length
 * @throws missing when danfojs-node is not installed, with the command that installs it
 * @example
 * toDataFrame(analysis.pairs).head(10)
 */
export function toDataFrame(
  rows: Iterable<object>,
  { embeddings = "omit" }: { embeddings?: "omit" | "text" } = {},
): DataFrame {
  const flat = Array.from(rows, (row) => Object.fromEntries(fields(row, "", embeddings)));
  const columns = [...new Set(flat.flatMap((row) => Object.keys(row)))];
  const absent = columns.map((column) => missingIn(flat.map((row) => row[column])));
  const values = flat.map((row) => columns.map((column, c) => row[column] ?? absent[c]));
  const danfo = load();
  mendFrames(danfo);
  return new danfo.DataFrame(values, { columns });
}

/** What stands for a missing value: NaN among numbers, as in pandas, else null. */
function missingIn(values: readonly unknown[]): number | null {
  const known = values.filter((value) => value !== null && value !== undefined);
  return known.length > 0 && known.every((value) => typeof value === "number") ? Number.NaN : null;
}

function load(): typeof import("danfojs-node") {
  try {
    return require("danfojs-node");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw cause;
    throw missing(
      "toDataFrame needs the package danfojs-node, which is not installed. Run: npm install danfojs-node@1.2.0",
      { cause },
    );
  }
}

function* fields(row: object, prefix: string, embeddings: "omit" | "text"): Generator<[string, unknown]> {
  for (const [name, value] of Object.entries(row)) {
    const column = prefix + name;
    if (ArrayBuffer.isView(value)) {
      if (embeddings === "text") yield [column, shortText(value as unknown as ArrayLike<number>)];
    } else if (Array.isArray(value)) yield [column, value.join(", ")];
    else if (typeof value === "bigint") yield [column, Number(value)];
    else if (typeof value === "object" && value !== null) yield* fields(value, `${column}_`, embeddings);
    else yield [column, value];
  }
}

function shortText(values: ArrayLike<number>): string {
  const first = Array.from({ length: Math.min(3, values.length) }, (_, i) => Number(values[i]).toFixed(3));
  return `[${first.join(", ")}${values.length > 3 ? ", ..." : ""}] (${values.length})`;
}
