import { statSync } from "node:fs";
import Module, { createRequire, isBuiltin } from "node:module";
import { dirname, extname, isAbsolute, join, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { pristine } from "./intrinsics.js";
import type { Source } from "./language/requests.js";
import { isEsModule, packageRoot } from "./resolve.js";

type Namespace = Record<string, unknown>;
type Import = (specifier: string, options?: ImportCallOptions) => Promise<Namespace>;
type Require = (specifier: string) => unknown;

/** Part of Node.js, but missing from its types. */
interface CompiledModule extends Module {
  _compile(code: string, filename: string): void;
}
const { _nodeModulePaths } = Module as unknown as { _nodeModulePaths(folder: string): string[] };

/** A piece of code with imports: a cell, or a file beside the notebook. */
export type Importing = Pick<Source, "path" | "code" | "imports">;

/** A module to load before the code runs. Its path is null if `require` cannot resolve it. */
interface EsModule {
  specifier: string;
  path: string | null;
  from: string;
}

/**
 * Loads the modules that cells import: CommonJS and JSON by `require`, ES modules by `import()`, local TypeScript files
 * from the compiler's output. Files that changed are loaded again when the import runs again.
 *
 * @param find asks the compiler for the local source file that an import resolves to
 */
export function createModuleLoader(
  find: (specifier: string, from: string) => Promise<{ path: string | null; sources: Source[] }>,
) {
  const namespaces = new Map<string, Namespace>();
  const seen = new Map<string, number>();
  const sources = new Map<string, Source>();
  const loaded = new Map<string, CompiledModule>();
  const importers = new Map<string, Import>();
  let remembered = 0;
  const importOwn = importerAt(packageRoot);

  const importFrom = (from: string): Import => {
    const base = dirname(from);
    const known = importers.get(base) ?? importerAt(base);
    importers.set(base, known);
    return known;
  };

  /** Takes the code of local files. Those that changed, and their importers, are loaded again. */
  function addSources(given: Source[]): void {
    const changed = new Set<string>();
    for (const source of given) {
      if (sources.get(source.path)?.code !== source.code) changed.add(source.path);
      sources.set(source.path, source);
    }
    for (const path of changed) {
      loaded.delete(path);
      for (const { path: importer, imports } of sources.values())
        if (imports.some(([, target]) => target === path)) changed.add(importer);
    }
  }

  /** Loads the ES modules that a cell imports, directly or through local files, and unloads files that changed. */
  async function prepare(importing: Importing): Promise<void> {
    const found = pristine(() => esModulesOf(importing));
    for (let i = 0; i < found.length; i++) {
      const { specifier, path, from } = found[i];
      try {
        const namespace = await load(specifier, path, from);
        pristine(() => namespaces.set(keyOf(specifier, from), asCommonJs(namespace)));
      } catch (error) {
        // The text may only look like an import. If it is one, `require` will report the same.
        if (path !== null || (error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
      }
    }
  }

  function esModulesOf({ path: from, code, imports }: Importing, done = new Set<string>()): EsModule[] {
    done.add(from);
    const files = new Map(imports);
    return requiredBy(code).flatMap((specifier): EsModule[] => {
      if (isBuiltin(specifier)) return [];
      const source = sources.get(files.get(specifier) ?? "");
      if (source) return done.has(source.path) ? [] : esModulesOf(source, done);
      const path = resolve(specifier, from);
      if (path !== null && !isEsModule(path)) forgetChanged(path);
      else if (path !== null || !specifier.startsWith(".")) return [{ specifier, path, from }];
      return [];
    });
  }

  /** True when `prepare` has to be awaited before the cell. */
  const needsPreparing = ({ code }: Importing): boolean => requiredBy(code).some((s) => !isBuiltin(s));

  /** The `require` of a cell or a local file. */
  function requireIn({ path, imports }: Pick<Importing, "path" | "imports">, native: Require): Require {
    const files = new Map(imports);
    return (specifier) => {
      const { source, known } = pristine(() => ({
        source: sources.get(files.get(specifier) ?? ""),
        known: isBuiltin(specifier) ? native(specifier) : namespaces.get(keyOf(specifier, path)),
      }));
      return source ? run(source) : (known ?? native(specifier));
    };
  }

  function run(source: Source): Namespace {
    const { module, isNew } = pristine(() => moduleOf(source));
    if (!isNew) return module.exports;
    try {
      module._compile(source.code, source.path);
    } catch (error) {
      pristine(() => loaded.delete(source.path));
      throw error;
    }
    module.loaded = true;
    return module.exports;
  }

  function moduleOf(source: Source): { module: CompiledModule; isNew: boolean } {
    const known = loaded.get(source.path);
    if (known) return { module: known, isNew: false };
    const module = new Module(source.path) as CompiledModule;
    module.filename = source.path;
    module.paths = _nodeModulePaths(dirname(source.path));
    const native = module.require.bind(module);
    module.require = requireIn(source, native) as NodeJS.Require;
    // Before it runs: in an import cycle the other module gets what has been exported so far.
    loaded.set(source.path, module);
    return { module, isNew: true };
  }

  /** Remembers the modification times of loaded files, so that a later import notices a new build. */
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

  async function load(
    specifier: string,
    path: string | null,
    from: string,
    options?: ImportCallOptions,
  ): Promise<Namespace> {
    const { importHere, href } = pristine(() => ({
      importHere: importFrom(from),
      href: path === null ? null : currentUrl(path),
    }));
    // `return await`, here and below: returning a promise would call its `then`, which a cell may have replaced.
    if (href !== null) return await importHere(href, options);
    try {
      return await importHere(specifier, options);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
      return await importOwn(specifier, options);
    }
  }

  /** Node.js caches ES modules by URL for good, so a changed module gets a new query string. */
  function currentUrl(path: string): string {
    const { href } = pathToFileURL(path);
    const before = seen.get(path);
    if (isOurs(path)) see(path);
    return before !== undefined && before !== seen.get(path) ? `${href}?modified=${seen.get(path)}` : href;
  }

  /** The `import()` of a cell or a local file. */
  async function importAt(from: string, specifier: string, options?: ImportCallOptions): Promise<Namespace> {
    const { name, mayBeSource } = pristine(() => {
      const name = specifier.startsWith("file:") ? fileURLToPath(specifier) : specifier;
      return { name, mayBeSource: name.startsWith(".") || isAbsolute(name) };
    });
    if (mayBeSource) {
      const found = await pristine(() => find(name, from));
      const source = pristine(() => {
        addSources(found.sources);
        return sources.get(found.path ?? "");
      });
      if (source) {
        await prepare(source);
        const exports = run(source);
        return pristine(() => asNamespace(exports));
      }
    }
    const path = pristine(() => (isBuiltin(name) ? null : resolve(name, from)));
    if (path !== null && !pristine(() => isEsModule(path))) {
      pristine(() => forgetChanged(path));
      // `import()` of JSON prints a warning and is cached for good.
      if (pristine(() => extname(path) === ".json")) return { default: pristine(() => require(path)) };
    }
    return await load(name, path, from, options);
  }

  return {
    addSources,
    prepare,
    needsPreparing,
    requireIn,
    remember,
    import: importAt,
    /** `import.meta` in a cell or a file. */
    meta: (filename: string) =>
      pristine(() => ({
        filename,
        dirname: dirname(filename),
        url: pathToFileURL(filename).href,
        resolve: (specifier: string) =>
          pristine(() =>
            isBuiltin(specifier) ? specifier : pathToFileURL(createRequire(filename).resolve(specifier)).href,
          ),
      })),
  };
}

export type ModuleLoader = ReturnType<typeof createModuleLoader>;

const keyOf = (specifier: string, from: string) => `${dirname(from)}\n${specifier}`;

function resolve(specifier: string, from: string): string | null {
  try {
    return createRequire(from).resolve(specifier);
  } catch {
    return null;
  }
}

/** A function that imports as a file in this folder would. */
function importerAt(folder: string): Import {
  const module = new Module(join(folder, "cell.cjs")) as CompiledModule;
  module._compile(
    "exports.import = (specifier, options) => import(specifier, options);",
    join(folder, "cell.cjs"),
  );
  return module.exports.import;
}

function requiredBy(code: string): string[] {
  return [...new Set([...code.matchAll(/\brequire\("([^"\n]+)"\)/g)].map(([, specifier]) => specifier))];
}

/** Files that may be rebuilt while the kernel runs: this package's own, and all outside node_modules. */
function isOurs(path: string): boolean {
  const inside = path.startsWith(packageRoot + sep) ? path.slice(packageRoot.length) : path;
  return !inside.includes(`${sep}node_modules${sep}`) && extname(path) !== ".node";
}

/** A loaded module and its dependencies, without installed packages. */
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

/** TypeScript's import helpers use `default` as it is only where `__esModule` is set. */
function asCommonJs(namespace: Namespace): Namespace {
  return "__esModule" in namespace ? namespace : { __esModule: true, ...namespace };
}

/** The namespace that `import()` makes of CommonJS exports. */
function asNamespace(exports: Namespace): Namespace {
  return exports.__esModule ? exports : { ...exports, default: exports };
}
