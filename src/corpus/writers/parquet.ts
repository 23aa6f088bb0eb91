import type { FileMetaData } from "hyparquet" with { "resolution-mode": "import" };
import type { ParquetWriter as Writer } from "hyparquet-writer" with { "resolution-mode": "import" };
import { conflict, reasonOf, shown, unsupported } from "../../errors.js";
import { openByteWriter } from "../../tables/parquet-bytes.js";
import type { Utterance } from "../../types.js";
import { writeFile } from "../../util/write-file.js";
import { type Columns, chooseColumns } from "../columns.js";
import { audioColumn, openParquet, type ParquetFile } from "../sources/parquet.js";
import { decimalOf } from "../sources/parquet-decimals.js";
import { children } from "../sources/parquet-schema.js";
import { changesOf, noSpeakers } from "./rewrite.js";

type Schema = FileMetaData["schema"];

/**
 * Writes a part of a table with the rows that the corpus still has. Values are copied as they are stored, whatever they mean
 * (times, decimals, categories), and so are the schema and what the file says of itself: pandas and the hubs' tools read the
 * types that they wrote.
 *
 * @param rows the utterances by their rows in this part, from 0
 */
export async function rewriteParquet(
  path: string,
  rows: ReadonlyMap<number, Utterance>,
  told: Columns,
  to: string,
): Promise<void> {
  const file = await openParquet(path);
  try {
    await writeFile(to, parquetPart(file, path, rows, told, to));
  } catch (cause) {
    if ((cause as { tag?: string }).tag !== undefined) throw cause;
    throw unsupported(`${path} cannot be written back as Parquet (${reasonOf(cause)}).`, { path, cause });
  } finally {
    file.close();
  }
}

async function* parquetPart(
  file: ParquetFile,
  path: string,
  rows: ReadonlyMap<number, Utterance>,
  told: Columns,
  to: string,
): AsyncGenerator<Uint8Array> {
  const { ParquetWriter } = await import("hyparquet-writer");
  const { metadata } = file;
  const odd = metadata.schema.find(({ type }) => type === "INT96");
  if (odd !== undefined)
    throw unsupported(
      `The column ${shown(odd.name)} of ${path} holds times as INT96, which are not written. Write .jsonl instead.`,
      { path },
    );
  const schema = storedSchema(metadata.schema);
  const stored = { ...metadata, schema };
  const { writer, taken } = await openByteWriter();
  const parquet = new ParquetWriter({
    writer,
    schema: schema as Writer["schema"],
    // They are ordered by what values mean, which is not looked at here.
    statistics: false,
    kvMetadata: metadata.key_value_metadata,
    createdBy: "speakerscope",
  });
  const top = children(metadata.schema, 0).map((index) => metadata.schema[index]!);
  const cells = cellsOf(metadata, told, path);
  let first = 0;
  for (const group of metadata.row_groups) {
    const count = Number(group.num_rows);
    const kept = Array.from({ length: count }, (_, i) => i).filter((i) => rows.has(first + i));
    if (kept.length > 0) {
      const read = await file.read({ metadata: stored, rowStart: first, rowEnd: first + count });
      const held = kept.map((i) => {
        const row = { ...read[i]! };
        for (const [name, value] of cells.changes(row, rows.get(first + i)!, to)) row[name] = value;
        return row;
      });
      parquet.write({
        columnData: top.map(({ name }) => ({ name, data: held.map((row) => row[name]) })),
        rowGroupSize: held.length,
      });
      yield taken();
    }
    first += count;
  }
  parquet.schema = metadata.schema as Writer["schema"];
  parquet.finish();
  yield taken();
}

/** The schema without what the values of its columns mean: they are then read and written as they are stored. */
const storedSchema = (schema: Schema): Schema =>
  schema.map((element) => {
    if (element.type === undefined) return element;
    const { converted_type: _, logical_type: __, ...stored } = element;
    return stored;
  });

/** The cells of a row that may change, in the way in which they are stored. */
function cellsOf(metadata: FileMetaData, told: Columns, path: string) {
  const audio = audioColumn(metadata, told.path);
  const elements = new Map(
    children(metadata.schema, 0).map((index) => [metadata.schema[index]!.name, metadata.schema[index]!]),
  );
  const names = [...elements.keys()].filter((name) => name !== audio);
  const {
    path: pathColumn,
    speaker,
    dataset,
  } = chooseColumns(names, audio === undefined ? told : { ...told, path: "" }, path);
  const columns = { path: pathColumn, speaker, dataset };
  const decoder = new TextDecoder();
  const shownCell = (name: string, value: unknown) => {
    const { converted_type: type, scale = 0 } = elements.get(name)!;
    if (type === "DECIMAL") return decimalOf(value, scale);
    return value instanceof Uint8Array ? decoder.decode(value) : value;
  };
  const storedCell = (name: string, value: string | null): unknown => {
    const { type, repetition_type } = elements.get(name)!;
    if (value === null) {
      if (repetition_type === "OPTIONAL") return null;
      throw conflict(`The column ${shown(name)} of ${path} cannot be empty.`, { path });
    }
    if (type === "BYTE_ARRAY") return new TextEncoder().encode(value);
    if (type === "INT32" && /^-?\d{1,15}$/.test(value)) return Number(value);
    if (type === "INT64" && /^-?\d{1,18}$/.test(value)) return BigInt(value);
    throw conflict(
      `The column ${shown(name)} of ${path} holds numbers, which ${shown(value)} is not. Write .csv or .jsonl instead.`,
      { path, got: value },
    );
  };
  return {
    changes(row: Record<string, unknown>, utterance: Utterance, to: string): [string, unknown][] {
      const cell = (name: string | undefined) =>
        name === undefined ? undefined : shownCell(name, row[name]);
      const changes = changesOf(
        { path: cell(columns.path), speaker: cell(columns.speaker), dataset: cell(columns.dataset) },
        utterance,
        to,
      );
      return Object.entries(changes).map(([role, value]) => {
        const name = columns[role as keyof typeof columns];
        if (name === undefined) throw noSpeakers(path, utterance);
        return [name, storedCell(name, value ?? null)];
      });
    },
  };
}

/** The utterances by the part of the table that they are in, and their rows there, from 0. */
export async function rowsByPart(
  utterances: readonly Utterance[],
  parts: readonly string[],
): Promise<Map<string, Map<number, Utterance>>> {
  const rows = new Map(parts.map((path) => [path, new Map<number, Utterance>()]));
  const lines = new Map<number, Utterance>();
  for (const utterance of utterances) {
    const { cell, line, path } = utterance;
    if (cell !== undefined) rows.get(path)?.set(cell.row, utterance);
    else if (line !== undefined) lines.set(line, utterance);
  }
  // Lines count through all parts.
  let line = 1;
  for (const [path, own] of rows) {
    const file = await openParquet(path);
    const count = Number(file.metadata.num_rows);
    file.close();
    for (let row = 0; row < count; row++, line++) {
      const utterance = lines.get(line);
      if (utterance !== undefined) own.set(row, utterance);
    }
    if (own.size === 0) rows.delete(path);
  }
  return rows;
}
