import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { invalid, shown, unsupported } from "../errors.js";
import { arkVectorAt, arkVectors } from "../format/kaldi-ark.js";
import { readBytes, readText } from "../util/read-file.js";
import type { NamedVector } from "./read-parquet-vectors.js";

/**
 * The vectors of a binary archive of Kaldi (.ark), or those that a list (.scp) names. Archives are looked for as the list has them,
 * then beside it.
 *
 * @throws `invalid` for a line that names none and for an archive that is cut off; `unsupported` for commands, ranges and text
 */
export function readArkVectors(path: string): NamedVector[] {
  if (path.endsWith(".ark"))
    return Array.from(arkVectors(readBytes(path, "The archive"), { path }), ({ key, vector }) => ({
      key,
      embedding: vector,
    }));
  let last: { path: string; bytes: Buffer } | undefined;
  return readText(path, "The list")
    .split("\n")
    .flatMap((text, index): NamedVector[] => {
      if (text.trim() === "") return [];
      const where = `Line ${index + 1} of ${path}`;
      if (/[|\]]\s*$/.test(text))
        throw unsupported(`${where} is a command or a range, which is not read: ${shown(text)}.`, { path });
      const [, key, written, offset] = /^\s*(\S+)\s+(.+):(\d+)\s*$/.exec(text) ?? [];
      if (key === undefined || written === undefined)
        throw invalid(`${where} is not "key archive:offset": ${shown(text)}.`, { path });
      const archive = [written, join(dirname(path), written)].find((one) => existsSync(one)) ?? written;
      if (last?.path !== archive) last = { path: archive, bytes: readBytes(archive, "The archive") };
      return [{ key, embedding: arkVectorAt(last.bytes, Number(offset), { path: archive }).vector }];
    });
}
