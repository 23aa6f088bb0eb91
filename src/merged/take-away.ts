import { readSync } from "node:fs";
import { join } from "node:path";
import { withFile } from "../util/with-file.js";
import { comparisonFiles } from "./files.js";

/**
 * The files of a comparison that are in a folder. They go with the speakers that it was made of, or would pass for one of those
 * that come; files of the same names that somebody else wrote are not among them.
 */
export const comparisonIn = (folder: string): string[] =>
  comparisonFiles
    .filter(({ name, begins = "" }) => beginsWith(join(folder, name), begins))
    .map(({ name }) => name);

/** Whether a file is there and begins with this text. */
function beginsWith(path: string, text: string): boolean {
  try {
    const bytes = Buffer.alloc(Buffer.byteLength(text));
    return withFile(path, (file) => readSync(file, bytes)) === bytes.length && bytes.toString() === text;
  } catch {
    return false;
  }
}
