import type { ParquetWriter as Writer } from "hyparquet-writer" with { "resolution-mode": "import" };
import { invalid, shown } from "../errors.js";

/** Rows that are written together, under the same columns as those before. */
export interface RowGroup {
  columns: readonly string[];
  rows: readonly Record<string, unknown>[];
}

type SchemaElement = Writer["schema"][number];

/** What a column can be told to hold. */
export type ColumnType = "text" | "number" | "integer" | "boolean";

type Kind = "boolean" | "integer" | "long" | "number" | "text" | "json" | "floats" | "doubles" | "texts";

const physical: Record<Kind, Pick<SchemaElement, "type" | "converted_type">> = {
  boolean: { type: "BOOLEAN" },
  integer: { type: "INT32" },
  long: { type: "INT64" },
  number: { type: "DOUBLE" },
  text: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  json: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  floats: { type: "FLOAT" },
  doubles: { type: "DOUBLE" },
  texts: { type: "BYTE_ARRAY", converted_type: "UTF8" },
};

/** The bytes of a Parquet file, a group of rows at a time; the first group tells the types that are not given. */
export async function* parquetBytes(
  groups: AsyncIterable<RowGroup>,
  path: string,
  types: Readonly<Record<string, ColumnType>> = {},
): AsyncGenerator<Uint8Array> {
  const { ParquetWriter } = await import("hyparquet-writer");
  const { writer, taken } = await openByteWriter();
  let parquet: InstanceType<typeof ParquetWriter> | undefined;
  let kinds: Kind[] = [];
  for await (const { columns, rows } of groups) {
    if (parquet === undefined) {
      if (columns.length === 0)
        throw invalid(
          "A Parquet file must have columns, and there is no row that names any. Give the columns.",
          {
            path,
          },
        );
      kinds = columns.map((name) => {
        const told = types[name];
        return told === "integer" ? "long" : (told ?? kindOf(rows.map((row) => row[name])));
      });
      parquet = new ParquetWriter({ writer, schema: schemaOf(columns, kinds), createdBy: "speakerscope" });
    }
    const columnData = columns.map((name, index) => ({
      name,
      data: rows.map((row) => cellOf(row[name], kinds[index]!, name, path)),
    }));
    if (rows.length > 0) parquet.write({ columnData, rowGroupSize: 5000 });
    yield taken();
  }
  parquet?.finish();
  yield taken();
}

/** A writer of bytes, and a way to take what it holds, so that a file is never held whole. */
export async function openByteWriter() {
  const { ByteWriter } = await import("hyparquet-writer");
  const writer = new ByteWriter();
  return {
    writer,
    taken(): Uint8Array {
      const bytes = writer.getBytes().slice();
      writer.index = 0;
      return bytes;
    },
  };
}

const numeric: ReadonlySet<Kind> = new Set(["integer", "long", "number"]);

function kindOf(values: readonly unknown[]): Kind {
  let kind: Kind | undefined;
  let hasEmptyList = false;
  for (const value of values) {
    if (value === undefined || value === null) continue;
    // An empty list may be one of texts.
    if (Array.isArray(value) && value.length === 0) {
      hasEmptyList = true;
      continue;
    }
    const own = kindOfValue(value);
    if (kind === undefined || kind === own) kind = own;
    else if ([kind, own].every((one) => one === "integer" || one === "long")) kind = "long";
    else if ([kind, own].every((one) => numeric.has(one))) kind = "number";
    else if ([kind, own].every((one) => /s$/.test(one) && one !== "texts")) kind = "doubles";
    // The first that is of another type is named when it is written.
    else return kind;
  }
  return kind ?? (hasEmptyList ? "doubles" : "text");
}

function kindOfValue(value: unknown): Kind {
  if (typeof value === "boolean") return "boolean";
  if (typeof value === "number") return (value | 0) === value && !Object.is(value, -0) ? "integer" : "number";
  if (typeof value === "bigint") return "long";
  if (typeof value === "string") return "text";
  if (value instanceof Float32Array) return "floats";
  if (ArrayBuffer.isView(value)) return "doubles";
  if (!Array.isArray(value)) return "json";
  if (value.every((item) => typeof item === "number")) return "doubles";
  return value.every((item) => typeof item === "string") ? "texts" : "json";
}

function schemaOf(columns: readonly string[], kinds: readonly Kind[]): SchemaElement[] {
  return [
    { name: "root", num_children: columns.length },
    ...columns.flatMap((name, index): SchemaElement[] => {
      const kind = kinds[index]!;
      if (!["floats", "doubles", "texts"].includes(kind))
        return [{ name, repetition_type: "OPTIONAL", ...physical[kind] }];
      return [
        { name, repetition_type: "OPTIONAL", num_children: 1, converted_type: "LIST" },
        { name: "list", repetition_type: "REPEATED", num_children: 1 },
        { name: "element", repetition_type: "REQUIRED", ...physical[kind] },
      ];
    }),
  ];
}

function cellOf(value: unknown, kind: Kind, column: string, path: string): unknown {
  if (value === undefined || value === null) return null;
  if (kind === "json") return JSON.stringify(value);
  const own = kindOfValue(value);
  const fits =
    own === kind ||
    (kind === "long" && (own === "integer" || Number.isSafeInteger(value))) ||
    (kind === "number" && own === "integer") ||
    (kind === "number" && own === "long" && Number.isSafeInteger(Number(value))) ||
    (kind === "doubles" && own === "floats");
  const isEmptyList = Array.isArray(value) && value.length === 0 && ["floats", "texts"].includes(kind);
  if (!fits && !isEmptyList)
    throw invalid(
      `The column ${shown(column)} holds ${shown(value)} beside values of another type (${kind}). In Parquet a column has one type.`,
      { path, got: value },
    );
  if (kind === "long") {
    const whole = BigInt(value as bigint | number);
    if (BigInt.asIntN(64, whole) !== whole)
      throw invalid(`The column ${shown(column)} holds ${whole}, which no 64 bits hold. Give it as text.`, {
        path,
        got: value,
      });
    return whole;
  }
  if (typeof value === "bigint") return Number(value);
  return ArrayBuffer.isView(value) ? Array.from(value as Float32Array) : value;
}
