import { accessSync, constants, existsSync, lstatSync, mkdirSync, type Stats, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { invalid, reasonOf } from "../errors.js";
import { statsOf } from "./stats-of.js";

/**
 * Makes a folder and those above it that are missing.
 *
 * One at a time: where a file system takes no folders, as under /proc, the recursive `mkdir` of Node.js 20 to 24 never returns.
 */
export function makeFolder(folder: string): void {
  const absent: string[] = [];
  for (let path = resolve(folder); !existsSync(path); path = dirname(path)) absent.unshift(path);
  // A file of that name: the system says so.
  if (absent.length === 0 && !statSync(folder).isDirectory()) mkdirSync(folder);
  for (const path of absent)
    try {
      mkdirSync(path);
    } catch (error) {
      // Another process may have made it meanwhile.
      if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error;
    }
}

/**
 * Looks whether files could be written into a folder, or it could be made, before hours of work are done for them.
 *
 * @throws `invalid` where not
 */
export function checkWritable(folder: string): void {
  if (folder === "") throw invalid("The folder to write to has no name. Give one, or . for this one.");
  let path = resolve(folder);
  while (!existsSync(path) && !isDeadLink(path)) path = dirname(path);
  try {
    if (isDeadLink(path)) throw new Error(`${path} is a link that leads nowhere`);
    if (!statSync(path).isDirectory()) throw new Error(`${path} is not a folder`);
    accessSync(path, constants.W_OK);
  } catch (cause) {
    throw invalid(`Nothing can be written to ${folder} (${reasonOf(cause)}). Give another folder.`, {
      path: folder,
      cause,
    });
  }
}

const isDeadLink = (path: string): boolean =>
  statsOf(path) === undefined && (linkAt(path)?.isSymbolicLink() ?? false);

function linkAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
