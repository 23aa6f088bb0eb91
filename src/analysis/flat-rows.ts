/**
 * Rows as a table: an object in a row becomes columns of its own (`speaker1Key`), a list text.
 *
 * @param embeddings whether typed arrays are left out or shown as a short text
 */
export function flatRows(
  rows: Iterable<object>,
  embeddings: "omit" | "text" = "omit",
): { columns: string[]; values: unknown[][] } {
  const flat = Array.from(rows, (row) => Object.fromEntries(fields(row, "", embeddings)));
  const columns = [...new Set(flat.flatMap((row) => Object.keys(row)))];
  const absent = columns.map((column) => missingIn(flat.map((row) => row[column])));
  return { columns, values: flat.map((row) => columns.map((column, c) => row[column] ?? absent[c])) };
}

/** What stands for a missing value: NaN among numbers, as in pandas, else null. */
function missingIn(values: readonly unknown[]): number | null {
  const known = values.filter((value) => value !== null && value !== undefined);
  return known.length > 0 && known.every((value) => typeof value === "number") ? Number.NaN : null;
}

function* fields(row: object, prefix: string, embeddings: "omit" | "text"): Generator<[string, unknown]> {
  for (const [name, value] of Object.entries(row)) {
    const column = prefix === "" ? name : `${prefix}${name[0]?.toUpperCase() ?? ""}${name.slice(1)}`;
    if (ArrayBuffer.isView(value)) {
      if (embeddings === "text") yield [column, shortText(value as unknown as ArrayLike<number>)];
    } else if (Array.isArray(value)) yield [column, value.join(", ")];
    else if (typeof value === "bigint")
      yield [column, Number.isSafeInteger(Number(value)) ? Number(value) : String(value)];
    else if (typeof value === "object" && value !== null) yield* fields(value, column, embeddings);
    else yield [column, value];
  }
}

function shortText(values: ArrayLike<number>): string {
  const first = Array.from({ length: Math.min(3, values.length) }, (_, i) => Number(values[i]).toFixed(3));
  return `[${first.join(", ")}${values.length > 3 ? ", ..." : ""}] (${values.length})`;
}
