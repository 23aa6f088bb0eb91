import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The folder that holds this package's package.json: where the bundled model, speech and fonts are. */
export const packageRoot: string = findRoot(__dirname);

/** The version of this package. */
export const packageVersion = (): string =>
  (JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8")) as { version: string }).version;

function findRoot(folder: string): string {
  if (existsSync(join(folder, "package.json")) && existsSync(join(folder, "data"))) return folder;
  const parent = dirname(folder);
  if (parent === folder) throw new Error(`speakerscope: missing package root above ${__dirname}`);
  return findRoot(parent);
}
