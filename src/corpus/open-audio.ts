import { closeSync, openSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { FileDoubt } from "../audio/containers/source.js";
import { openSpanCutter, type SpanCutter } from "../audio/cut-spans.js";
import { invalid, shown } from "../errors.js";
import type { AudioSource } from "../types.js";
import { readAt } from "../util/read-at.js";
import { openParquet, type ParquetFile } from "./sources/parquet.js";

/** The audio of an utterance, as the bytes of a file. */
export interface AudioBytes {
  bytes: Uint8Array;
  doubts: FileDoubt[];
}

/** Reads the audio of utterances, wherever it is; fastest in the order of the corpus. */
export interface AudioReader {
  /** @throws `invalid` when the file has changed since it was listed, or the audio is not in it; else as the system says */
  read(source: AudioSource): Promise<AudioBytes>;
  close(): Promise<void>;
}

/** About how many bytes the audio of an utterance takes in memory. */
export const memoryOf = ({ size, span }: AudioSource): number =>
  span?.end === undefined ? size : Math.min(size, (span.end - span.start) * bytesPerSecond);

const bytesPerSecond = 48_000 * 4;

/** The file is another than the one that was listed; so nothing is decided about the audio. */
export class ChangedError extends Error {}

/**
 * Opens a reader of audio. It keeps the last recording, archive and table open: a recording of hours is decoded once for
 * all its spans, and the rows of a Parquet file are read a group at a time.
 */
export function openAudio(): AudioReader {
  const recordings = keptOpen(async (path) => openSpanCutter(path));
  const archives = keptOpen(async (path) => openArchive(path));
  const tables = keptOpen(openTable);
  const kinds = [recordings, archives, tables];
  return {
    async read(source) {
      const { path, size, span, offset, cell } = source;
      if (span !== undefined) return recordings.use(source, async (cutter: SpanCutter) => cutter.cut(span));
      if (offset !== undefined)
        return archives.use(source, async (archive) => ({ bytes: archive.read(offset, size), doubts: [] }));
      if (cell !== undefined)
        return tables.use(source, async (table) => ({ bytes: await table.read(cell), doubts: [] }));
      const bytes = await readFile(path);
      if (bytes.length !== size) throw changed(`${size} bytes when listed, ${bytes.length} when read`);
      return { bytes, doubts: [] };
    },
    async close() {
      for (const kind of kinds) await kind.close();
    },
  };
}

const changed = (how: string) => new ChangedError(`the file changed during the run: ${how}`);

/** Something that is made of one file, and stays open until another file's turn comes. One use at a time, in order. */
function keptOpen<Resource extends { close(): void | Promise<void> }>(
  open: (path: string) => Promise<Resource>,
) {
  let last: { path: string; resource: Promise<Resource> } | undefined;
  let queue: Promise<unknown> = Promise.resolve();
  const closeLast = async () => {
    const closing = last;
    last = undefined;
    await (await closing?.resource.catch(() => undefined))?.close();
  };
  const take = async ({ path, mtimeMs }: AudioSource): Promise<Resource> => {
    if (last?.path !== path) {
      await closeLast();
      const now = statSync(path);
      if (now.mtimeMs !== mtimeMs) throw changed("it was written since it was listed");
      // A file that cannot be opened is not tried again for each of its utterances.
      last = { path, resource: open(path) };
      last.resource.catch(() => {});
    }
    return last.resource;
  };
  return {
    use<Result>(source: AudioSource, action: (resource: Resource) => Promise<Result>): Promise<Result> {
      const result = queue.then(async () => action(await take(source)));
      queue = result.catch(() => {});
      return result;
    },
    close: async () => {
      await queue;
      await closeLast();
    },
  };
}

function openArchive(path: string) {
  const file = openSync(path, "r");
  return {
    read(offset: number, size: number): Uint8Array {
      const bytes = readAt(file, offset, size);
      if (bytes.length < size) throw changed(`it ends at byte ${offset + bytes.length}`);
      return bytes;
    },
    close: () => closeSync(file),
  };
}

/** A Parquet file with the cells of one row group at hand. */
async function openTable(path: string) {
  const file: ParquetFile = await openParquet(path);
  let held: { first: number; column: string; cells: unknown[] } | undefined;
  return {
    async read({ row, column }: { row: number; column: string }): Promise<Uint8Array> {
      if (
        held === undefined ||
        held.column !== column ||
        row < held.first ||
        row >= held.first + held.cells.length
      ) {
        held = undefined;
        const [first, end] = groupOf(file, row);
        const rows = await file.read({ columns: [column], rowStart: first, rowEnd: end });
        held = { first, column, cells: rows.map((cells) => cells[column]) };
      }
      const cell = held.cells[row - held.first] as { bytes?: unknown } | Uint8Array | null;
      const bytes = cell instanceof Uint8Array ? cell : cell?.bytes;
      if (!(bytes instanceof Uint8Array))
        throw invalid(`Row ${row + 1} of ${path} has no audio in its column ${shown(column)}.`, { path });
      return bytes;
    },
    close: () => file.close(),
  };
}

function groupOf({ metadata }: ParquetFile, row: number): [first: number, end: number] {
  let first = 0;
  for (const { num_rows } of metadata.row_groups) {
    const end = first + Number(num_rows);
    if (row < end) return [first, end];
    first = end;
  }
  throw changed(`it has ${first} rows, and row ${row + 1} was listed`);
}
