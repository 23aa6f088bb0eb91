import { existsSync } from "node:fs";
import { missing } from "../errors.js";

/**
 * The error for a folder in which something was looked for in vain: it is not there, or holds something else.
 *
 * @param what `extraction`
 * @param advice a sentence: what to give instead
 */
export const holdsNo = (folder: string, what: string, advice: string): Error =>
  missing(`${folder} ${existsSync(folder) ? `holds no ${what}` : "does not exist"}. ${advice}`, {
    path: folder,
  });
