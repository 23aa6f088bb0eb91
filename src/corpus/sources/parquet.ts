import { closeSync, openSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { AsyncBuffer, FileMetaData } from "hyparquet" with { "resolution-mode": "import" };
import { invalid, missing, reasonOf } from "../../errors.js";
import { readAt } from "../../util/read-at.js";
import { type Columns, chooseColumns, describeColumns, entryOf } from "../columns.js";
import { type BadEntry, type Entry, type Listing, listingOf } from "../listing.js";
import { exactDecimals } from "./parquet-decimals.js";
import { children } from "./parquet-schema.js";
import { datasetOf } from "./stem-of.js";

type Json = Record<string, unknown>;

/** Read at a time: a row group may hold a million rows, and pages before those that are wanted are only passed over. */
const rowsAtOnce = 20_000;

/**
 * Parquet: a table with the path of the audio, or with the audio itself in a column `{bytes, path}`, as the data-set hubs
 * have it. The audio is not read here.
 *
 * @param paths one file, or the parts of a table
 */
export function parquet(paths: readonly string[], told: Columns): Listing {
  const [file] = paths as [string, ...string[]];
  const about = { file, folders: [dirname(file), "."], dataset: datasetOf(paths) };
  return listingOf(about, (notes) => entries(paths, told, notes));
}

async function* entries(
  paths: readonly string[],
  told: Columns,
  notes: string[],
): AsyncGenerator<Entry | BadEntry> {
  /** Rows of the parts before. */
  let before = 0;
  for (const path of paths) {
    const file = await openParquet(path);
    try {
      const { metadata } = file;
      const audio = audioColumn(metadata, told.path);
      const names = columnNames(metadata).filter((name) => name !== audio);
      const columns = chooseColumns(names, audio === undefined ? told : { ...told, path: "" }, path);
      if (audio === undefined && columns.path === undefined)
        throw missing(
          `${path} has no column with the audio or its path. Its columns are ${names.join(", ")}: give --columns path=NAME.`,
          { path },
        );
      if (path === paths[0])
        notes.push(`Columns: ${audio === undefined ? "" : `audio=${audio}, `}${describeColumns(columns)}`);
      const { stored, exact } = exactDecimals(audio === undefined ? metadata : withoutBytes(metadata, audio));
      let row = 0;
      for (const group of metadata.row_groups) {
        const end = row + Number(group.num_rows);
        while (row < end) {
          const rowEnd = Math.min(end, row + rowsAtOnce);
          const rows = await file.read({ metadata: stored, rowStart: row, rowEnd });
          for (const [index, cells] of rows.entries())
            yield entryOfRow(exact(cells), columns, audio, row + index, path, before);
          row = rowEnd;
        }
      }
      before += row;
    } finally {
      file.close();
    }
  }
}

function entryOfRow(
  cells: Json,
  columns: Columns,
  audio: string | undefined,
  row: number,
  path: string,
  before: number,
): Entry | BadEntry {
  const where = `Row ${row + 1} of ${path}`;
  const line = before + row + 1;
  if (audio === undefined) return withPlainFields(entryOf(cells, columns, line, where));
  const { [audio]: cell, ...rest } = cells;
  const name = (cell as Json | null)?.path;
  const entry = withPlainFields(entryOf({ ...rest, path }, { ...columns, path: "path" }, line, where));
  if ("reason" in entry) return entry;
  const inside = { name: `${String(row).padStart(9, "0")}`, size: 0, cell: { row, column: audio } };
  const named =
    typeof name === "string" && name !== "" ? basename(name).replace(/(?<=.)\.[^.]*$/, "") : String(row);
  return { ...entry, utteranceId: entry.utteranceId ?? named, inside };
}

function withPlainFields(entry: Entry | BadEntry): Entry | BadEntry {
  if ("reason" in entry || entry.fields === undefined) return entry;
  const fields = Object.entries(entry.fields).flatMap(([name, value]) => {
    const own = plain(value);
    return own === undefined ? [] : [[name, own] as const];
  });
  return { ...entry, fields: fields.length === 0 ? undefined : Object.fromEntries(fields) };
}

/** A value as JSON can hold it: a whole number too large for a float64 as text, a time as ISO has it, and no bytes. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value.toISOString();
  if (ArrayBuffer.isView(value)) return undefined;
  if (Array.isArray(value)) return value.map((item) => plain(item) ?? null);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, own]) => [name, plain(own)]));
}

/** A Parquet file that is read by range. */
export interface ParquetFile {
  metadata: FileMetaData;
  read(options: {
    metadata?: FileMetaData;
    columns?: string[];
    rowStart: number;
    rowEnd: number;
  }): Promise<Json[]>;
  close(): void;
}

/** Opens a Parquet file; only the end of it is read. */
export async function openParquet(path: string): Promise<ParquetFile> {
  const [{ parquetMetadataAsync, parquetReadObjects }, { compressors }] = await Promise.all([
    import("hyparquet"),
    import("hyparquet-compressors"),
  ]);
  const descriptor = openFile(path);
  const size = statSync(path).size;
  const file: AsyncBuffer = {
    byteLength: size,
    async slice(start, end = size) {
      const length = Math.max(0, Math.min(end, size) - start);
      const bytes = readAt(descriptor, start, length);
      if (bytes.length < length)
        throw new Error(
          `it ends at byte ${start + bytes.length}, although it had ${size} when it was opened`,
        );
      return bytes.buffer;
    },
  };
  const guarded = async <Result>(action: () => Promise<Result>): Promise<Result> => {
    try {
      return await action();
    } catch (cause) {
      throw invalid(`${path} cannot be read as Parquet (${reasonOf(cause)}).`, { path, cause });
    }
  };
  let metadata: FileMetaData;
  try {
    metadata = await guarded(() => parquetMetadataAsync(file));
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  return {
    metadata,
    read: (options) =>
      guarded(() => parquetReadObjects({ metadata, ...options, file, compressors, utf8: false })) as Promise<
        Json[]
      >,
    close: () => closeSync(descriptor),
  };
}

function openFile(path: string): number {
  try {
    return openSync(path, "r");
  } catch (cause) {
    throw missing(`The manifest ${path} cannot be opened (${reasonOf(cause)}).`, { path, cause });
  }
}

/** The names of the top level. */
function columnNames({ schema }: FileMetaData): string[] {
  return children(schema, 0).map((index) => schema[index]!.name);
}

/** The column that holds audio: the one that is named, or one that has `bytes` inside. */
export function audioColumn({ schema }: FileMetaData, told: string | undefined): string | undefined {
  const index = children(schema, 0).find(
    (index) =>
      (told === undefined || schema[index]!.name === told) &&
      children(schema, index).some((child) => schema[child]!.name === "bytes"),
  );
  return index === undefined ? undefined : schema[index]!.name;
}

/** The file as if it had no audio in it, so that none is read for the names of the rows. */
function withoutBytes(metadata: FileMetaData, column: string): FileMetaData {
  const { schema } = metadata;
  const parent = children(schema, 0).find((index) => schema[index]!.name === column)!;
  const bytes = children(schema, parent).find((index) => schema[index]!.name === "bytes")!;
  const isBytes = (path: readonly string[] | undefined) => path?.[0] === column && path[1] === "bytes";
  return {
    ...metadata,
    schema: schema.flatMap((element, index) => {
      if (index === bytes) return [];
      return index === parent ? [{ ...element, num_children: element.num_children! - 1 }] : [element];
    }),
    row_groups: metadata.row_groups.map((group) => ({
      ...group,
      columns: group.columns.filter(({ meta_data }) => !isBytes(meta_data?.path_in_schema)),
    })),
  };
}
