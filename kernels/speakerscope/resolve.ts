import { existsSync, readFileSync } from "node:fs";
import Module, { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";

/** The folder of this package: the nearest one above with a package.json. */
export const packageRoot = findRoot(__dirname);

interface Manifest {
  name: string;
  version: string;
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  exports: Record<string, { types: string; default: string }>;
}

export const manifest: Manifest = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8"));

const ownRequire = createRequire(join(packageRoot, "package.json"));
/** What a notebook in any folder may import although that folder has no node_modules. */
const lent = [
  manifest.name,
  ...Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }),
].sort();

type Resolve = (request: string, ...rest: unknown[]) => string;
const loader = Module as unknown as { _resolveFilename: Resolve };

/** Lets every module find this package and what it depends on, after its own folders. */
export function lendPackages(): void {
  const resolve = loader._resolveFilename;
  loader._resolveFilename = function (this: unknown, request, ...rest) {
    try {
      return resolve.call(this, request, ...rest);
    } catch (error) {
      if (!isLent(request) || (error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
      return ownRequire.resolve(request);
    }
  };
}

/** The compiler's `paths` for the same: only for packages that `folder` cannot resolve by itself. */
export function lentPaths(folder: string): Record<string, string[]> {
  const local = createRequire(join(folder, "cell.js"));
  const paths: Record<string, string[]> = {};
  for (const name of lent) {
    if (canResolve(local, name)) continue;
    if (name === manifest.name)
      for (const [entry, target] of Object.entries(manifest.exports))
        if (target.types) paths[join(name, entry)] = [join(packageRoot, target.types)];
    const home = folderOf(name);
    if (!home) continue;
    paths[name] ??= [home];
    // The compiler names a type by the file that declares it; without a path to that it would forget the type after the cell.
    paths[join(name, "*")] ??= [join(home, "*")];
  }
  return paths;
}

/** The folder of an installed package as this package sees it. */
export function folderOf(name: string): string | null {
  for (const base of ownRequire.resolve.paths(name) ?? []) {
    const folder = join(base, name);
    if (existsSync(join(folder, "package.json"))) return folder;
  }
  return null;
}

/** Whether Node.js takes a file for an ES module by its name and package. */
export function isEsModule(path: string): boolean {
  const extension = extname(path);
  if (extension === ".mjs") return true;
  return extension === ".js" && packageType(dirname(path)) === "module";
}

function packageType(folder: string): unknown {
  const file = join(folder, "package.json");
  if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8")).type;
  return dirname(folder) === folder ? undefined : packageType(dirname(folder));
}

const isLent = (request: string): boolean =>
  lent.some((name) => request === name || request.startsWith(`${name}/`));

function canResolve(from: NodeJS.Require, name: string): boolean {
  try {
    from.resolve(name);
    return true;
  } catch {
    return false;
  }
}

function findRoot(folder: string): string {
  return existsSync(join(folder, "package.json")) ? folder : findRoot(dirname(folder));
}
