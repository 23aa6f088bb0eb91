import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

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
