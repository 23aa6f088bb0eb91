import { randomBytes } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

type Chunk = string | Uint8Array;

/**
 * Writes a file beside its place and renames it into it, so that a reader never sees half of one.
 *
 * Chunks are gathered into writes of about a megabyte: a list of a million rows is neither one string nor a million
 * system calls. The folder is made where it is missing; on any error nothing is left behind.
 *
 * @param content bytes, text (UTF-8), or any iterable of them
 */
export async function writeFile(
  path: string,
  content: Chunk | Iterable<Chunk> | AsyncIterable<Chunk>,
): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`;
  const file = await open(temporary, "wx");
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
    await file.close();
    await rename(temporary, path);
  } catch (error) {
    await file.close().catch(() => {});
    await rm(temporary, { force: true });
    throw error;
  }
}
