import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { makeFolder } from "./make-folder.js";
import { namePath } from "./name-path.js";
import { guardTemporary, removeLeftovers, temporaryIn } from "./temporary.js";

type Chunk = string | Uint8Array;

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
 * in the folder goes.
 *
 * @param content bytes, text (UTF-8), or any iterable of them
 */
export async function writeFile(
  path: string,
  content: Chunk | Iterable<Chunk> | AsyncIterable<Chunk>,
  { durable = true }: WriteFileOptions = {},
): Promise<void> {
  const folder = dirname(path);
  makeFolder(folder);
  if (durable) removeLeftovers(folder);
  const temporary = temporaryIn(folder);
  const file = await open(temporary, "wx").catch((error: Error) => {
    error.message = error.message.replace(temporary, path);
    throw error;
  });
  const guard = guardTemporary(temporary);
  try {
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

/** Flushes the names in a folder to disk. On Windows folders cannot be opened, and this does nothing. */
async function syncName(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => undefined);
  await handle?.sync().catch(() => {});
  await handle?.close();
}
