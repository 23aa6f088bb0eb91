import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { invalid, missing, reasonOf } from "../errors.js";

/**
 * The lines of a text file, UTF-8, packed by gzip or not, a handful at a time. Only a line feed ends a line (JSON may hold
 * U+2028); a carriage return before it and a byte order mark are left out.
 *
 * @param what the file as the reader of an error knows it: `The manifest`
 * @param asIs lines with their ends, and the first with its mark, to write them again as they were
 * @throws `missing` where there is no such file, `invalid` where it cannot be read or is UTF-16, naming it
 */
export async function* readLines(
  path: string,
  what: string,
  { asIs = false }: { asIs?: boolean } = {},
): AsyncGenerator<string[]> {
  const file = createReadStream(path);
  const input: Readable = path.endsWith(".gz") ? file.pipe(createGunzip()) : file;
  file.on("error", (error) => input.destroy(error));
  const decoder = new TextDecoder("utf-8", { ignoreBOM: asIs });
  const given = asIs ? (line: string) => `${line}\n` : withoutReturn;
  let rest = "";
  let begun = false;
  try {
    for await (const chunk of input as AsyncIterable<Buffer>) {
      if (!begun && (isMark(chunk, 0xff, 0xfe) || isMark(chunk, 0xfe, 0xff)))
        throw invalid(`${what} ${path} is UTF-16 text. Save it as UTF-8.`, { path });
      begun = true;
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop()!;
      if (lines.length > 0) yield lines.map(given);
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
  rest += decoder.decode();
  if (rest !== "") yield [asIs ? rest : withoutReturn(rest)];
}

const isMark = (bytes: Uint8Array, first: number, second: number) =>
  bytes[0] === first && bytes[1] === second;

const withoutReturn = (line: string) => (line.endsWith("\r") ? line.slice(0, -1) : line);
