import { existsSync, readFileSync, statSync } from "node:fs";
import { createRequire, isBuiltin } from "node:module";
import { dirname, extname, join, sep } from "node:path";
import { pathToFileURL } from "node:url";
import vm from "node:vm";
import { packageRoot } from "./resolve.js";

type Namespace = Record<string, unknown>;

/**
 * Gives cells their modules: CommonJS and JSON by `require`, ES modules by a true `import`, and a changed build of
 * either when the import is run again.
 */
export function createModuleLoader(folder: string) {
  const local = createRequire(join(folder, "cell.js"));
  const namespaces = new Map<string, Namespace>();
  const seen = new Map<string, number>();
  let remembered = 0;
  const importHere = importerAt(join(folder, "cell.mjs"));
  const importOwn = importerAt(join(packageRoot, "cell.mjs"));

  /** Loads the ES modules among what a cell imports, and forgets builds that changed. */
  async function prepare(specifiers: string[]): Promise<void> {
    for (const specifier of specifiers) {
      if (isBuiltin(specifier)) continue;
      const path = resolve(specifier);
      // TypeScript files beside the notebook are tslab's; Node.js does not find them.
      if (path === null && specifier.startsWith(".")) continue;
      if (path !== null && !isEsModule(path)) forgetChanged(path);
      else namespaces.set(specifier, asCommonJs(await load(specifier, path)));
    }
  }

  /** True when `prepare` has to be awaited before the cell. */
  const needsPreparing = (specifiers: string[]): boolean => specifiers.some((s) => !isBuiltin(s));

  /** Remembers how old the loaded files are, so that a later import can tell a new build. */
  function remember(): void {
    const loaded = Object.keys(require.cache);
    if (loaded.length === remembered) return;
    remembered = loaded.length;
    for (const path of loaded) if (!seen.has(path) && isOurs(path)) see(path);
  }

  function see(path: string): void {
    const time = modified(path);
    if (time !== null) seen.set(path, time);
  }

  function forgetChanged(path: string): void {
    const files = treeOf(path);
    if (!files.some((file) => seen.has(file) && modified(file) !== seen.get(file))) return;
    remembered = 0;
    for (const file of files) {
      delete require.cache[file];
      seen.delete(file);
    }
  }

  async function load(specifier: string, path: string | null): Promise<Namespace> {
    if (path === null)
      try {
        return await importHere(specifier);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
        return importOwn(specifier);
      }
    const { href } = pathToFileURL(path);
    const before = seen.get(path);
    if (isOurs(path)) see(path);
    // The loader keeps a module for good under its URL; another query is another URL.
    const changed = before !== undefined && before !== seen.get(path);
    return importHere(changed ? `${href}?modified=${seen.get(path)}` : href);
  }

  function resolve(specifier: string): string | null {
    try {
      return local.resolve(specifier);
    } catch {
      return null;
    }
  }

  return {
    prepare,
    needsPreparing,
    remember,
    /** What `import()` in a cell does. */
    import: async (specifier: string) => {
      if (isBuiltin(specifier)) return importHere(specifier);
      const path = resolve(specifier);
      if (path !== null && !isEsModule(path)) forgetChanged(path);
      return load(specifier, path);
    },
    /** Whether a package lies in a node_modules of the notebook's folder or above. */
    isInstalled(specifier: string): boolean {
      const [scope, name] = specifier.split("/");
      const folders = local.resolve.paths(specifier) ?? [];
      return folders.some((base) =>
        existsSync(scope.startsWith("@") ? join(base, scope, name ?? "") : join(base, scope)),
      );
    },
    /** The namespace of an ES module that `prepare` has loaded. */
    namespace: (specifier: string) => namespaces.get(specifier),
  };
}

export type ModuleLoader = ReturnType<typeof createModuleLoader>;

function importerAt(filename: string): (specifier: string) => Promise<Namespace> {
  return new vm.Script("(specifier) => import(specifier)", {
    filename,
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  }).runInThisContext();
}

/** Files that people build while the kernel runs: this package's own, and everything that was not installed. */
function isOurs(path: string): boolean {
  const inside = path.startsWith(packageRoot + sep) ? path.slice(packageRoot.length) : path;
  return !inside.includes(`${sep}node_modules${sep}`) && extname(path) !== ".node";
}

/** A loaded module and what it loaded, without installed packages. */
function treeOf(path: string): string[] {
  const found = new Set([path]);
  for (const file of found)
    for (const child of require.cache[file]?.children ?? [])
      if (isOurs(child.filename)) found.add(child.filename);
  return [...found];
}

function modified(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? null;
}

function isEsModule(path: string): boolean {
  const extension = extname(path);
  if (extension === ".mjs") return true;
  return extension === ".js" && packageType(dirname(path)) === "module";
}

function packageType(folder: string): unknown {
  const file = join(folder, "package.json");
  if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8")).type;
  return dirname(folder) === folder ? undefined : packageType(dirname(folder));
}

/** The compiler's import helpers take `__esModule` as the word that `default` is among the names. */
function asCommonJs(namespace: Namespace): Namespace {
  return "__esModule" in namespace ? namespace : { __esModule: true, ...namespace };
}
