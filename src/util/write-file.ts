import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeFolder } from "./make-folder.js";
import { namePath } from "./name-path.js";

type Chunk = string | Uint8Array;

export interface WriteFileOptions {
  /**
   * Flush the file and its name to disk before returning, so that it survives a power failure; true by default.
   * Writers of many small files call `syncFolder` once at the end instead.
   */
  durable?: boolean;
}

/** A path for a file until it is renamed. It does not contain the final name, which may be as long as names can be. */
export const temporaryIn = (folder: string): string =>
  join(folder, `.${process.pid}.${randomBytes(4).toString("hex")}.tmp`);

const unfinished = new Set<string>();

function deleteUnfinished(): void {
  for (const path of unfinished) rmSync(path, { force: true });
}

/** Deletes a temporary file where the process ends before `release` is called. */
export function guardTemporary(path: string): { release(): void } {
  if (unfinished.size === 0) process.once("exit", deleteUnfinished);
  unfinished.add(path);
  return {
    release() {
      unfinished.delete(path);
      if (unfinished.size === 0) process.off("exit", deleteUnfinished);
    },
  };
}

/** Whether a file was left behind by a killed process that used `temporaryIn`. */
export const isTemporary = (name: string): boolean => /^\.\d+\.[0-9a-f]{8}\.tmp$/.test(name);

/**
 * Writes a temporary file beside `path` and renames it, so that a reader never sees half of a file.
 *
 * Chunks are gathered into writes of about a megabyte: a list of a million rows is neither one string nor a million
 * system calls. The folder is made where it is missing; on any error nothing is left behind.
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
