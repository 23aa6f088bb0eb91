import { join, relative, resolve, sep } from "node:path";
import { invalid, shown } from "../errors.js";

/**
 * Joins names to a folder and checks that the result is inside it, because the names come from files.
 *
 * @throws `invalid` when the result is outside, and for `..` in any name
 */
export function inside(folder: string, ...names: string[]): string {
  const path = join(folder, ...names);
  const way = relative(resolve(folder), resolve(path));
  const odd = names.some((name) => name.includes("\0") || name.split(/[\\/]/).includes(".."));
  if (odd || way === "" || way === ".." || way.startsWith(`..${sep}`))
    throw invalid(
      `The name ${shown(names.join("/"))} leads out of ${folder}. Give a name of something in it.`,
      { got: names.join("/") },
    );
  return path;
}
