import { readSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { withFile } from "../util/with-file.js";
import { comparisonFiles } from "./files.js";

/**
 * Deletes the files of a comparison of other speakers, which would pass for one of the speakers that are there now. Files
 * of the same names that somebody else wrote stay.
 *
 * @returns the names of the files that it deleted
 */
export async function takeAwayComparison(folder: string): Promise<string[]> {
  const gone = comparisonFiles
    .filter(({ name, begins = "" }) => beginsWith(join(folder, name), begins))
    .map(({ name }) => name);
  for (const name of gone) await rm(join(folder, name));
  return gone;
}

/** Whether a file is there and begins with this text. */
function beginsWith(path: string, text: string): boolean {
  try {
    const bytes = Buffer.alloc(Buffer.byteLength(text));
    return withFile(path, (file) => readSync(file, bytes)) === bytes.length && bytes.toString() === text;
  } catch {
    return false;
  }
}
