import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { invalid, missing, reasonOf, unsupported } from "../errors.js";

/** Node reads at most 2 GiB of a file at once. */
const mostBytes = 2 ** 31 - 1;

/** V8 holds no text beyond 2^29 - 24 characters. */
const mostTextBytes = 2 ** 29 - 24;

const mostSmallBytes = 1 << 20;

/**
 * The bytes of a regular file. It is an error, with the path, when the file is missing, is a folder, is a device or pipe
 * (which may never end), or is too large.
 *
 * @param what what the file is, for error messages: `The speaker list`
 * @param maxBytes a larger file is an error, before it is read
 */
export function readBytes(path: string, what: string, maxBytes = mostBytes): Buffer {
  // Opening a pipe waits for a writer unless it is told not to.
  return opened(path, what, constants.O_RDONLY | constants.O_NONBLOCK, (file) => {
    const stats = fstatSync(file);
    if (!stats.isFile())
      throw invalid(
        `${what} ${path} is ${stats.isDirectory() ? "a folder" : "a device or pipe"}, not a file.`,
        { path },
      );
    checkSize(path, what, stats.size, maxBytes);
    return readFileSync(file);
  });
}

/** The text of a file, UTF-8. @throws `invalid` for UTF-16; as `readBytes` does */
export function readText(path: string, what: string): string {
  const bytes = readBytes(path, what, mostTextBytes);
  refuseUtf16(bytes, what, path);
  return bytes.toString("utf8");
}

/** @throws `invalid` for bytes that begin with the mark of UTF-16, as Windows and Excel write it */
export function refuseUtf16(bytes: Uint8Array, what: string, path: string): void {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff))
    throw invalid(`${what} ${path} is UTF-16 text. Save it as UTF-8.`, { path });
}

/** The text of a file that a person wrote, of at most 1 MiB. It may come through a pipe too, as `<(...)` gives one in a shell. */
export function readSmallText(path: string, what: string): string {
  return opened(path, what, constants.O_RDONLY, (file) => {
    const stats = fstatSync(file);
    if (stats.isDirectory()) throw invalid(`${what} ${path} is a folder, not a file.`, { path });
    if (stats.isFile()) checkSize(path, what, stats.size, mostSmallBytes);
    const bytes = Buffer.alloc(mostSmallBytes + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read)
      read = readSync(file, bytes, length, bytes.length - length, null);
    checkSize(path, what, length, mostSmallBytes);
    return bytes.toString("utf8", 0, length);
  });
}

function checkSize(path: string, what: string, size: number, maxBytes: number): void {
  if (size > maxBytes)
    throw unsupported(
      `${what} ${path} is larger than the ${maxBytes.toLocaleString("en-US")} bytes that can be read.`,
      {
        path,
        got: size,
      },
    );
}

function opened<Result>(path: string, what: string, flags: number, read: (file: number) => Result): Result {
  let file: number;
  try {
    file = openSync(path, flags);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT")
      throw missing(`${what} ${path} does not exist.`, { path, cause });
    throw invalid(`${what} ${path} cannot be read (${reasonOf(cause)}).`, { path, cause });
  }
  try {
    return read(file);
  } catch (cause) {
    if ((cause as { tag?: string }).tag !== undefined) throw cause;
    throw invalid(`${what} ${path} cannot be read (${reasonOf(cause)}).`, { path, cause });
  } finally {
    closeSync(file);
  }
}
