import { statSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join, relative } from "node:path";
import type * as TypeScript from "typescript";
import { folderOf, isEsModule, lentPaths, packageRoot } from "../resolve.js";
import { type Cell, hasTopLevelAwait, parse, readCell } from "./cell.js";
import {
  type Declaration,
  mergeDeclarations,
  needed,
  splitDeclarations,
  textOf,
  wordsOf,
} from "./declarations.js";
import { type Documentation, documentationAt } from "./documentation.js";
import { cellTransformers, sourceTransformers } from "./emit.js";
import { pathInString, pathOfMagic } from "./paths.js";
import { ranked } from "./ranked.js";
import type { Completion, Converted, Information, Problem, Source } from "./requests.js";

type Ts = typeof TypeScript;

/** Errors that only apply to CommonJS modules. A cell is compiled to one, but may be written as an ES module. */
const notForCells = new Set([
  1323, // import() needs another `module`
  1324, // and so does its second argument
  1343, // import.meta
  1378, // await
  1432, // for await
  2821, // import attributes
  2823,
  2854, // await using
  2856,
  7016, // A package without types is `any`.
]);
const missingModule = 2307;

/** Enough of Node's types for most first cells. Any other name makes the compiler load all of them. */
const lightGlobals = `interface Console {
  ${["log", "info", "warn", "error", "debug"].map((name) => `${name}(message?: any, ...optionalParams: any[]): void;`).join("\n  ")}
}
declare var console: Console;
`;

/**
 * Compiles cells to JavaScript and declarations, and answers completion and inspection requests. It stands on
 * TypeScript's public language service and is what tslab calls a converter.
 *
 * The declarations of earlier cells are a separate file, which the checker treats as the scope around the cell: see
 * `#program`. Loading types takes most of the start-up time, so at first only TypeScript's own are loaded; the first
 * import, error, completion or inspection loads Node's.
 */
export class Converter {
  readonly #ts: Ts;
  readonly #folder: string;
  readonly #cellFile: string;
  readonly #earlierFile: string;
  readonly #lightFile: string;
  /** Files that exist in memory only: the cell, the declarations of earlier cells, module cells. */
  readonly #texts = new Map<string, { text: string; version: number }>();
  readonly #snapshots = new Map<string, { version: string; snapshot: TypeScript.IScriptSnapshot }>();
  /** Versions of the local files whose code was returned already. */
  readonly #emitted = new Map<string, string>();
  /** Parsed files, shared by successive services. JSDoc is left out: parsing it takes longer than all the rest. */
  readonly #registry: TypeScript.DocumentRegistry;
  #service: TypeScript.LanguageService;
  /** Where modules were found for one program; files come and go between two. */
  #resolutions: TypeScript.ModuleResolutionCache | undefined;
  #options: TypeScript.CompilerOptions;
  #isLight = true;
  #cell: Cell | null = null;
  #known: { text: string; declarations: Declaration[] } = { text: "", declarations: [] };

  constructor(ts: Ts, folder: string, modules: Map<string, string>) {
    this.#ts = ts;
    this.#folder = folder.replaceAll("\\", "/");
    this.#cellFile = `${this.#folder}/__tslab__.ts`;
    this.#earlierFile = `${this.#folder}/__prev__.d.ts`;
    this.#lightFile = `${this.#folder}/__light__.d.ts`;
    for (const [name, code] of modules) this.#put(this.#pathOf(name), asModule(code));
    this.#put(this.#lightFile, lightGlobals);
    this.#put(this.#earlierFile, "export {};\n");
    this.#put(this.#cellFile, "export {};\n");
    this.#options = optionsOf(ts);
    this.#registry = ts.createDocumentRegistry(true, folder, ts.JSDocParsingMode.ParseNone);
    this.#service = this.#createService();
  }

  /** Compiles a cell; declares nothing yet. */
  convert(declarations: string, code: string): Converted {
    const cell = readCell(this.#ts, code);
    if (cell.problems.length > 0)
      return failure(
        cell.problems.map((d) => this.#problem(d, cell.length, code)),
        guessedNames(cell, code),
      );
    const all = this.#declarationsOf(declarations);
    const some = needed(all, wordsOf(cell.text));
    if (cell.hasImports || some.some(({ text }) => /\bimport\b/.test(text))) this.readAll();
    let problems = this.#check(cell, some);
    if (problems.length > 0 && (this.#isLight || some.length < all.length || isMissing(problems))) {
      this.readAll();
      // A package may have been installed since it was looked for.
      if (isMissing(problems)) this.#lookAgain();
      problems = this.#check(cell, all);
    }
    if (problems.length > 0) return failure(problems, [...cell.names, ...cell.hoisted]);
    return this.#emit(cell, all);
  }

  /** Makes a module cell importable under its name. */
  addModule(name: string, code: string): Problem[] {
    const path = this.#pathOf(name);
    this.readAll();
    this.#put(path, asModule(code));
    this.#put(this.#cellFile, `import "./${name}";\n`);
    this.#lookAgain();
    return this.#problemsIn(this.#program(), path, code);
  }

  /** The declarations after a cell that failed. */
  merge(before: string, after: string, set: string[]): string {
    const isSet = new Set(set);
    const fresh = splitDeclarations(this.#ts, after);
    return this.#know(mergeDeclarations(this.#declarationsOf(before), fresh, (name) => isSet.has(name)));
  }

  /** The code of a local file that a cell imports by `import()`. */
  sources(specifier: string, from: string): { path: string | null; sources: Source[] } {
    const path = this.#resolve(specifier, from);
    if (path === null) return { path, sources: [] };
    this.readAll();
    this.#put(this.#cellFile, `import ${JSON.stringify(path.replace(/\.tsx?$/, ""))};\n`);
    const program = this.#program();
    return { path, sources: this.#sourcesOf(program) };
  }

  values(declarations: string): { name: string; type: string }[] {
    const types = new Map<string, string>();
    for (const { name, type } of this.#declarationsOf(declarations)) if (type) types.set(name, type);
    return [...types].map(([name, type]) => ({ name, type }));
  }

  complete(declarations: string, code: string, position: number): Completion {
    const path = pathOfMagic(this.#ts, code, position);
    if (path) return path;
    this.#show(declarations, code);
    const found = this.#service.getCompletionsAtPosition(this.#cellFile, position, {});
    const completion = ranked(code, position, found);
    if (completion.matches.length > 0) return completion;
    return pathInString(this.#ts, code, position) ?? completion;
  }

  inspect(declarations: string, code: string, position: number): Information | null {
    this.#show(declarations, code);
    const info = this.#service.getQuickInfoAtPosition(this.#cellFile, position);
    // For an unknown name the service answers `any`.
    if (!info?.displayParts?.length || info.kind === this.#ts.ScriptElementKind.unknown) return null;
    const { start, length } = info.textSpan;
    const definitions = this.#service.getDefinitionAtPosition(this.#cellFile, position) ?? [];
    return {
      name: code.slice(start, start + length),
      signature: info.displayParts.map(({ text }) => text).join(""),
      ...this.#documentationOf(definitions),
      source: this.#sourceOf(definitions[0]),
    };
  }

  close(): void {
    this.#service.dispose();
  }

  /** The path of a module cell, as if it were a file. */
  #pathOf(name: string): string {
    return `${this.#folder}/${name}.ts`;
  }

  #sourceOf(found: TypeScript.DefinitionInfo | undefined): Information["source"] {
    const file = found && this.#service.getProgram()?.getSourceFile(found.fileName);
    if (!file) return null;
    const { start, length } = found.contextSpan ?? found.textSpan;
    const isCell = found.fileName === this.#cellFile || found.fileName === this.#earlierFile;
    return { file: found.fileName, isCell, text: file.text.slice(start, start + length) };
  }

  /** The documentation of the first definition that has any. */
  #documentationOf(definitions: readonly TypeScript.DefinitionInfo[]): Documentation {
    for (const { fileName, textSpan } of definitions) {
      const text = this.#service.getProgram()?.getSourceFile(fileName)?.text;
      const found = text ? documentationAt(this.#ts, text, textSpan.start) : null;
      if (found) return found;
    }
    return { documentation: "", tags: [] };
  }

  /** Gives the service a cell that is being edited. */
  #show(declarations: string, code: string): void {
    this.readAll();
    this.#put(this.#earlierFile, `${textOf(this.#declarationsOf(declarations))}export {};\n`);
    this.#put(this.#cellFile, asModule(code));
    this.#program();
  }

  #check(cell: Cell, earlier: Declaration[]): Problem[] {
    const { names } = cell;
    // A cell's global declarations replace those of earlier cells.
    const fresh = cell.text.includes("declare") ? splitDeclarations(this.#ts, cell.text) : [];
    const isReplaced = ({ name }: Declaration) => name.includes(" ") && fresh.some((d) => d.name === name);
    const kept = earlier.filter((declaration) => !isReplaced(declaration));
    this.#cell = cell;
    this.#put(this.#earlierFile, `${textOf(kept)}export {};\n`);
    this.#put(this.#cellFile, cell.text);
    const program = this.#program();
    const declared = new Set([...names, ...cell.hoisted, ...earlier.map(({ name }) => name)]);
    this.#transformers = () =>
      cellTransformers(this.#ts, program.getTypeChecker(), {
        names: declared,
        hoisted: cell.hoisted,
        isShown: cell.isShown,
        isEarlier: (file) => file.fileName === this.#earlierFile,
      });
    const files = [this.#cellFile, ...this.#filesBehind(program)];
    return files.flatMap((path) =>
      this.#problemsIn(program, path, path === this.#cellFile ? cell.text : null),
    );
  }

  #transformers: () => TypeScript.CustomTransformers = () => ({});

  #emit(cell: Cell, all: Declaration[]): Converted {
    const program = this.#program();
    const { code: output, map, declarations } = this.#outputOf(this.#cellFile);
    const checker = program.getTypeChecker();
    const file = program.getSourceFile(this.#cellFile) as TypeScript.SourceFile;
    const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(file) as TypeScript.Symbol);
    const hoisted = cell.hoisted.map((name) => {
      const alias = exported.find((symbol) => symbol.name === name) as TypeScript.Symbol;
      const type = checker.getTypeOfSymbol(checker.getAliasedSymbol(alias));
      return `declare let ${name}: ${checker.typeToString(type, file, this.#ts.TypeFormatFlags.NoTruncation)};\n`;
    });
    const fresh = splitDeclarations(this.#ts, `${declarations}\n${hoisted.join("")}`);
    return {
      problems: [],
      names: [...cell.names, ...cell.hoisted],
      output,
      map,
      declared: textOf(fresh),
      declarations: fresh.length > 0 ? this.#know(mergeDeclarations(all, fresh)) : this.#known.text,
      isAsync: cell.isAsync,
      imports: cell.hasImports ? this.#importsOf(this.#cellFile, cell.text) : [],
      sources: this.#sourcesOf(program),
    };
  }

  #outputOf(path: string): { code: string; map: string | null; declarations: string } {
    const { outputFiles } = this.#service.getEmitOutput(path, false, true);
    const find = (ending: RegExp) => outputFiles.find(({ name }) => ending.test(name))?.text;
    return {
      code: withoutMap(find(/\.[cm]?jsx?$/) ?? ""),
      map: find(/\.map$/) ?? null,
      declarations: find(/\.d\.[cm]?ts$/) ?? "",
    };
  }

  /** The local files that a cell imports and whose code was not returned yet. */
  #sourcesOf(program: TypeScript.Program): Source[] {
    const cellTransform = this.#transformers;
    this.#transformers = () => sourceTransformers(this.#ts);
    const found = this.#filesBehind(program).flatMap((path): Source[] => {
      const version = this.#version(path);
      if (this.#emitted.get(path) === version) return [];
      const file = program.getSourceFile(path) as TypeScript.SourceFile;
      if (hasTopLevelAwait(this.#ts, file)) return [this.#refusal(path)];
      const { code, map } = this.#outputOf(path);
      this.#emitted.set(path, version);
      const imports = this.#importsOf(path, file.text);
      return [{ path, code, map, imports }];
    });
    this.#transformers = cellTransform;
    return found;
  }

  /** Code that throws when it is loaded: the file becomes a CommonJS module, which cannot await. */
  #refusal(path: string): Source {
    const name = relative(this.#folder, path);
    const message = `${name} uses top-level await, which works in cells only. Move it into an exported async function and await that in a cell.`;
    return { path, code: `throw new SyntaxError(${JSON.stringify(message)});\n`, map: null, imports: [] };
  }

  /** Files that Node.js cannot load as they are: TypeScript, and ES modules not marked as such. */
  #filesBehind(program: TypeScript.Program): string[] {
    return program.getSourceFiles().flatMap((file) => {
      const { fileName } = file;
      if (fileName === this.#cellFile || !isSource(fileName)) return [];
      return /tsx?$/.test(fileName) || (this.#ts.isExternalModule(file) && !isEsModule(fileName))
        ? [fileName]
        : [];
    });
  }

  #importsOf(path: string, text: string): Source["imports"] {
    const { importedFiles } = this.#ts.preProcessFile(text, true, true);
    const names = new Set(importedFiles.map(({ fileName }) => fileName));
    // `preProcessFile` overlooks `export * as name from`.
    for (const statement of parse(this.#ts, text).statements)
      if (this.#ts.isExportDeclaration(statement) && statement.moduleSpecifier)
        names.add((statement.moduleSpecifier as TypeScript.StringLiteral).text);
    return [...names].flatMap((name): Source["imports"] => {
      const target = this.#resolve(name, path);
      return target === null ? [] : [[name, target]];
    });
  }

  /** The local source file that an import resolves to; null for packages, declarations and built-in modules. */
  #resolve(specifier: string, from: string): string | null {
    const { resolvedModule } = this.#ts.resolveModuleName(specifier, from, this.#options, this.#host);
    const path = resolvedModule?.resolvedFileName;
    return path && isSource(path) ? path : null;
  }

  /** The program for the current texts. */
  #program(): TypeScript.Program {
    this.#resolutions = this.#ts.createModuleResolutionCache(this.#folder, (path) => path, this.#options);
    const program = this.#service.getProgram() as TypeScript.Program;
    // tslab's way to nest one scope in another. It relies on an undocumented detail of the checker: a name that is not
    // declared in a source file is looked up in its parent.
    const cell = program.getSourceFile(this.#cellFile) as TypeScript.SourceFile;
    Object.assign(cell, { parent: program.getSourceFile(this.#earlierFile) });
    return program;
  }

  #problemsIn(program: TypeScript.Program, path: string, text: string | null): Problem[] {
    const file = program.getSourceFile(path);
    const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
    const length = path === this.#cellFile ? (this.#cell?.length ?? 0) : Number.POSITIVE_INFINITY;
    return this.#ts
      .sortAndDeduplicateDiagnostics(found.filter((d) => !notForCells.has(d.code)))
      .map((d) => this.#problem(d, length, text));
  }

  #problem(d: TypeScript.Diagnostic, length: number, text: string | null): Problem {
    const start = Math.min(d.start ?? 0, length);
    const file = d.file ?? parse(this.#ts, text ?? "");
    const { line, character } = file.getLineAndCharacterOfPosition(start);
    return {
      line: line + 1,
      column: character + 1,
      length: Math.max(1, Math.min(d.length ?? 1, length - start)),
      message: this.#ts.flattenDiagnosticMessageText(d.messageText, "\n"),
      code: d.code,
      ...(text === null
        ? { file: relative(this.#folder, file.fileName), text: file.text.split(/\r?\n/)[line] }
        : { file: null }),
    };
  }

  #declarationsOf(text: string): Declaration[] {
    if (this.#known.text !== text) this.#known = { text, declarations: splitDeclarations(this.#ts, text) };
    return this.#known.declarations;
  }

  /** Remembers declarations by their text, because the next question carries the same text. */
  #know(declarations: Declaration[]): string {
    const text = textOf(declarations);
    this.#known = { text, declarations };
    return text;
  }

  /** Loads the types of Node.js and of every package that the notebook can import. */
  readAll(): void {
    if (!this.#isLight) return;
    this.#isLight = false;
    this.#options = { ...this.#options, paths: lentPaths(this.#folder) };
    this.#lookAgain();
  }

  /** Resolves all modules again; parsed files are kept. */
  #lookAgain(): void {
    const before = this.#service;
    this.#service = this.#createService();
    this.#program();
    before.dispose();
  }

  #put(path: string, text: string): void {
    const before = this.#texts.get(path);
    if (before?.text !== text) this.#texts.set(path, { text, version: (before?.version ?? 0) + 1 });
  }

  #version(path: string): string {
    const own = this.#texts.get(path);
    if (own) return `${own.version}`;
    if (isFixed(path)) return "";
    return `${statSync(path, { throwIfNoEntry: false })?.mtimeMs}`;
  }

  #snapshot(path: string): TypeScript.IScriptSnapshot | undefined {
    const version = this.#version(path);
    const kept = this.#snapshots.get(path);
    if (kept?.version === version) return kept.snapshot;
    const text = this.#texts.get(path)?.text ?? this.#ts.sys.readFile(path);
    if (text === undefined) return undefined;
    const snapshot = this.#ts.ScriptSnapshot.fromString(text);
    this.#snapshots.set(path, { version, snapshot });
    return snapshot;
  }

  readonly #host: TypeScript.ModuleResolutionHost = {
    fileExists: (path) => this.#texts.has(path) || this.#ts.sys.fileExists(path),
    readFile: (path) => this.#texts.get(path)?.text ?? this.#ts.sys.readFile(path),
    directoryExists: (path) => this.#ts.sys.directoryExists(path),
    getDirectories: (path) => this.#ts.sys.getDirectories(path),
    realpath: (path) => this.#ts.sys.realpath?.(path) ?? path,
    getCurrentDirectory: () => this.#folder,
  };

  #createService(): TypeScript.LanguageService {
    const { sys } = this.#ts;
    const ambient = join(packageRoot, "kernels", "speakerscope", "ambient.d.ts");
    const globals = this.#isLight ? this.#lightFile : join(nodeTypes(), "index.d.ts");
    return this.#ts.createLanguageService(
      {
        ...this.#host,
        readDirectory: sys.readDirectory,
        getCurrentDirectory: () => this.#folder,
        useCaseSensitiveFileNames: () => true,
        getScriptFileNames: () => [this.#earlierFile, this.#cellFile, ambient, globals],
        getScriptVersion: (path) => this.#version(path),
        getScriptSnapshot: (path) => this.#snapshot(path),
        getCompilationSettings: () => this.#options,
        getDefaultLibFileName: (options) => this.#ts.getDefaultLibFilePath(options),
        // Node's own modules are declared in its types. The compiler would look for a file of each, and not remember that
        // there is none.
        resolveModuleNameLiterals: (names, from, redirected, options) =>
          names.map(({ text }) =>
            isBuiltin(text)
              ? { resolvedModule: undefined }
              : this.#ts.resolveModuleName(text, from, options, this.#host, this.#resolutions, redirected),
          ),
        getCustomTransformers: () => this.#transformers(),
        jsDocParsingMode: this.#ts.JSDocParsingMode.ParseNone,
      },
      this.#registry,
    );
  }
}

/** What became of code that does not run: nothing but its problems. */
export const failure = (problems: Problem[], names: string[]): Converted => ({
  problems,
  names,
  output: "",
  map: null,
  declared: "",
  declarations: "",
  isAsync: false,
  imports: [],
  sources: [],
});

/** What a cell with a syntax error would declare: without the words of an import in another language's manner. */
function guessedNames({ names, problems }: Cell, code: string): string[] {
  const foreign = new Set(
    code.split("\n").flatMap((line) => (/^\s*(?:import|from)\b[^"']*$/.test(line) ? [...wordsOf(line)] : [])),
  );
  const faulty = new Set(problems.map(({ start = 0, length = 0 }) => code.slice(start, start + length)));
  return names.filter((name) => !foreign.has(name) && !faulty.has(name));
}

const asModule = (code: string) => `${code}\nexport {};\n`;

const withoutMap = (code: string) => code.replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n");

const isMissing = (problems: Problem[]) => problems.some(({ code }) => code === missingModule);

function optionsOf(ts: Ts): TypeScript.CompilerOptions {
  return {
    strict: true,
    target: ts.ScriptTarget.ES2024,
    lib: libraries(),
    module: ts.ModuleKind.CommonJS,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    // Packages that can only be imported, not required: the module loader imports them.
    customConditions: ["import"],
    // Node's types are named in `getScriptFileNames`; the compiler must not search for other copies.
    types: [],
    allowImportingTsExtensions: true,
    allowJs: true,
    resolveJsonModule: true,
    esModuleInterop: true,
    declaration: true,
    sourceMap: true,
    // Nothing is written, but the compiler refuses output that would overwrite a JavaScript source.
    outDir: "/__tslab__",
    // Later cells may use a const enum, so it must exist at run time.
    preserveConstEnums: true,
    skipLibCheck: true,
    newLine: ts.NewLineKind.LineFeed,
    jsx: ts.JsxEmit.React,
    useDefineForClassFields: true,
  };
}

/** The library types that match the running Node.js. */
function libraries(): string[] {
  const has = (object: object, ...names: string[]) => names.every((name) => name in object);
  const newer: [name: string, isThere: boolean][] = [
    ["es2024.arraybuffer", has(ArrayBuffer.prototype, "resize", "transfer")],
    ["es2024.collection", has(Map, "groupBy")],
    ["es2024.object", has(Object, "groupBy")],
    ["es2024.promise", has(Promise, "withResolvers")],
    ["es2024.regexp", has(RegExp.prototype, "unicodeSets")],
    ["es2024.sharedmemory", has(Atomics, "waitAsync")],
    ["es2024.string", has(String.prototype, "isWellFormed")],
    ["esnext.array", has(Array, "fromAsync")],
    ["esnext.collection", has(Set.prototype, "union")],
    ["esnext.iterator", has(globalThis, "Iterator")],
    ["esnext.promise", has(Promise, "try")],
    ["esnext.float16", has(globalThis, "Float16Array")],
    ["esnext.disposable", has(Symbol, "dispose", "asyncDispose")],
    ["esnext.error", has(Error, "isError")],
  ];
  return ["es2023", ...newer.flatMap(([name, isThere]) => (isThere ? [name] : []))].map(
    (name) => `lib.${name}.d.ts`,
  );
}

function nodeTypes(): string {
  const folder = folderOf("@types/node");
  if (!folder)
    throw new Error("The types of Node.js (@types/node) are missing: reinstall the speakerscope package.");
  return folder;
}

/** Installed packages are assumed not to change while a kernel runs, except our own build. */
function isFixed(path: string): boolean {
  if (path.startsWith(join(packageRoot, "dist"))) return false;
  return path.includes("/node_modules/");
}

/** A source file outside node_modules, not a declaration file. */
const isSource = (path: string) =>
  /\.(?:[jt]sx?|[cm]ts)$/.test(path) && !/\.d\.[cm]?ts$/.test(path) && !path.includes("/node_modules/");
