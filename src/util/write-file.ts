import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { invalid } from "../errors.js";
import { makeFolder } from "./make-folder.js";
import { namePath } from "./name-path.js";
import { statsOf } from "./stats-of.js";
import { guardTemporary, removeLeftovers, temporaryIn } from "./temporary.js";

type Chunk = string | Uint8Array;
type Content = Chunk | Iterable<Chunk> | AsyncIterable<Chunk>;

export interface WriteFileOptions {
  /**
   * Flush the file and its name to disk before returning, so that it survives a power failure; true by default.
   * Writers of many small files call `syncFolder` once at the end instead.
   */
  durable?: boolean;
}

/**
 * Writes a temporary file beside `path` and renames it, so that a reader never sees half of a file.
 *
 * Chunks are gathered into writes of about a megabyte: a list of a million rows is neither one string nor a million
 * system calls. The folder is made where it is missing; on any error nothing is left behind, and what a killed process left
 * in the folder goes. A device or pipe, such as /dev/stdout, is written into.
 *
 * @param content bytes, text (UTF-8), or any iterable of them
 */
export async function writeFile(
  path: string,
  content: Content,
  { durable = true }: WriteFileOptions = {},
): Promise<void> {
  refuseFolder(path);
  if (isDevice(path)) return writeStream(path, content);
  const folder = dirname(path);
  try {
    makeFolder(folder);
  } catch (error) {
    throw namePath(Object.assign(error as Error, { path }), path);
  }
  if (durable) removeLeftovers(folder);
  const temporary = temporaryIn(folder);
  const file = await open(temporary, "wx").catch((error) => {
    throw namePath(error, path);
  });
  const guard = guardTemporary(temporary);
  try {
    await writeChunks(file, content);
    if (durable) await file.sync();
    await file.close();
    await rename(temporary, path);
  } catch (error) {
    await file.close().catch(() => {});
    await rm(temporary, { force: true });
    throw namePath(error, path);
  } finally {
    guard.release();
  }
  if (durable) await syncName(folder);
}

/** @throws `invalid` where a folder is in the place of a file */
export function refuseFolder(path: string): void {
  if (statsOf(path)?.isDirectory())
    throw invalid(`${path} is a folder, so no file can be written there. Move it away, or write elsewhere.`, {
      path,
    });
}

/** Whether a device or a pipe is there, or what a process has open, such as its standard output: it must not be replaced. */
export function isDevice(path: string): boolean {
  const place = statsOf(path);
  return openFiles.test(resolve(path)) || (place !== undefined && !place.isFile() && !place.isDirectory());
}

/** Links there lead to files of any kind. */
const openFiles = /^\/(dev\/(stdin|stdout|stderr|fd\/)|proc\/)/;

/** Writes into a device or pipe, which must not be replaced by a file: /dev/null would be one for the whole machine. */
async function writeStream(path: string, content: Content): Promise<void> {
  try {
    const file = await open(path, "a");
    await writeChunks(file, content).finally(() => file.close());
  } catch (error) {
    throw namePath(error, path);
  }
}

async function writeChunks(file: FileHandle, content: Content): Promise<void> {
  const pending: Uint8Array[] = [];
  let size = 0;
  const flush = async () => {
    await file.appendFile(Buffer.concat(pending));
    pending.length = 0;
    size = 0;
  };
  const chunks = typeof content === "string" || content instanceof Uint8Array ? [content] : content;
  for await (const chunk of chunks) {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    if (bytes.length === 0) continue;
    pending.push(bytes);
    size += bytes.length;
    if (size >= 1 << 20) await flush();
  }
  if (pending.length > 0) await flush();
}

/** Flushes the names in a folder to disk. On Windows folders cannot be opened, and this does nothing. */
async function syncName(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => undefined);
  await handle?.sync().catch(() => {});
  await handle?.close();
}
