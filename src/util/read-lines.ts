import { isUtf8 } from "node:buffer";
import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { invalid, missing, reasonOf } from "../errors.js";
import { refuseUtf16 } from "./read-file.js";

/** No line of any list is nearly as long; a packed file may unfold to any length. */
const longestLine = 64 << 20;

/**
 * The lines of a text file, UTF-8, packed by gzip or not, a handful at a time. Only a line feed ends a line (JSON may hold
 * U+2028); a carriage return before it and a byte order mark are left out.
 *
 * @param what the file as the reader of an error knows it: `The manifest`
 * @param asIs lines with their ends, and the first with its mark, to write them again as they were
 * @throws as `wholeLines` does
 */
export async function* readLines(
  path: string,
  what: string,
  { asIs = false }: { asIs?: boolean } = {},
): AsyncGenerator<string[]> {
  let isFirst = true;
  for await (const bytes of wholeLines(path, what)) {
    const isEnded = bytes.at(-1) === 0x0a;
    const text = bytes.toString("utf8", !asIs && isFirst && isMark(bytes, 0xef, 0xbb, 0xbf) ? 3 : 0);
    isFirst = false;
    const lines = text.split("\n");
    const last = lines.pop()!;
    const given = lines.map(asIs ? (line) => `${line}\n` : withoutReturn);
    if (!isEnded && last !== "") given.push(asIs ? last : withoutReturn(last));
    if (given.length > 0) yield given;
  }
}

/**
 * The bytes of a text file, packed by gzip or not, in pieces that end where a line does.
 *
 * @throws `missing` where there is no such file, `invalid` where it cannot be read or is no UTF-8 text, naming file and line
 */
export async function* wholeLines(path: string, what: string): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: 1 << 18 });
  const input: Readable = path.endsWith(".gz") ? file.pipe(createGunzip()) : file;
  file.on("error", (error) => input.destroy(error));
  let begun: Buffer[] = [];
  let length = 0;
  let line = 1;
  const check = (bytes: Buffer): Buffer => {
    if (!isUtf8(bytes))
      throw invalid(
        `${what} ${path} is not UTF-8 text: see line ${line + linesBefore(bytes)}. Save it as UTF-8.`,
        { path },
      );
    for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) line++;
    return bytes;
  };
  try {
    let isFirst = true;
    for await (const chunk of input as AsyncIterable<Buffer>) {
      if (isFirst) refuseUtf16(chunk, what, path);
      isFirst = false;
      const end = chunk.lastIndexOf(0x0a) + 1;
      begun.push(chunk.subarray(0, end === 0 ? chunk.length : end));
      length += chunk.length;
      if (end === 0 && length > longestLine)
        throw invalid(
          `Line ${line} of ${path} is longer than ${longestLine} bytes. Is this the right file?`,
          {
            path,
          },
        );
      if (end === 0) continue;
      yield check(Buffer.concat(begun));
      begun = end < chunk.length ? [chunk.subarray(end)] : [];
      length = chunk.length - end;
    }
  } catch (cause) {
    const { tag, code } = cause as { tag?: string; code?: string };
    if (tag !== undefined) throw cause;
    if (code === "ENOENT") throw missing(`${what} ${path} does not exist.`, { path, cause });
    throw invalid(`${what} ${path} cannot be read (${reasonOf(cause)}).`, { path, cause });
  } finally {
    file.destroy();
    input.destroy();
  }
  if (begun.length > 0) yield check(Buffer.concat(begun));
}

/** How many lines come before the first that is no UTF-8. */
function linesBefore(bytes: Buffer): number {
  let count = 0;
  for (let start = 0; ; count++) {
    const end = bytes.indexOf(0x0a, start);
    if (end < 0 || !isUtf8(bytes.subarray(start, end))) return count;
    start = end + 1;
  }
}

const isMark = (bytes: Uint8Array, ...mark: number[]) => mark.every((byte, at) => bytes[at] === byte);

const withoutReturn = (line: string) => (line.endsWith("\r") ? line.slice(0, -1) : line);
