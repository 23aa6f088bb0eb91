import Module, { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type * as TypeScript from "typescript";
import { folderOf, lentPaths, packageRoot } from "./resolve.js";
import { createSourceMapper, type MapBack } from "./source-mapper.js";

type Ts = typeof TypeScript;

/** tslab loads a fork of TypeScript 5.0; these of its additions are not in 5.9, or not under their name. */
interface Internals {
  nullTransformationContext: unknown;
  Completions: { getCompletionsAtPosition: (...args: unknown[]) => unknown };
  SymbolDisplay: {
    getSymbolDisplayPartsDocumentationAndSymbolKind: (...args: unknown[]) => {
      symbolKind: TypeScript.ScriptElementKind;
      displayParts: TypeScript.SymbolDisplayPart[];
      documentation: TypeScript.SymbolDisplayPart[];
      tags?: TypeScript.JSDocTagInfo[];
    };
  };
  bindSourceFile: (file: TypeScript.SourceFile, options: TypeScript.CompilerOptions) => void;
  getTouchingPropertyName: (file: TypeScript.SourceFile, position: number) => TypeScript.Node;
  createWatchCompilerHost: (
    roots: string[],
    options: TypeScript.CompilerOptions,
    system: TypeScript.System,
    ...rest: unknown[]
  ) => Host;
  createWatchProgram: (host: Host) => unknown;
  sortAndDeduplicateDiagnostics: (list: TypeScript.Diagnostic[]) => TypeScript.Diagnostic[];
}

interface Host {
  afterProgramCreate?: (builder: TypeScript.EmitAndSemanticDiagnosticsBuilderProgram) => void;
}

/** What the compiler learns about the cell that it compiled last. */
export interface Unit {
  mapBack: MapBack | null;
  /** Work that changed files have caused; runs before the next compilation. */
  delayed: Set<() => void>;
  /** The program, for questions that tslab does not ask. */
  builder: TypeScript.EmitAndSemanticDiagnosticsBuilderProgram | null;
}

export interface Patched {
  ts: Ts;
  /** Filled by each compilation. */
  unit: Unit;
}

/** The file that tslab puts a cell into. */
export const cellFile = "__tslab__.ts";
/** The file in which it declares what earlier cells left. */
export const earlierFile = "__prev__.d.ts";

/** "await is only allowed in async functions": tslab takes it as the sign that a cell must be one. */
const awaitOutsideAsync = 1308;
/** A package without types is `any` in a notebook, not an error. */
const untypedModule = 7016;

/**
 * Puts TypeScript 5.9 in the place of the compiler that tslab loads, with other options, and adds what tslab misses.
 * Must run before tslab's converter is loaded.
 *
 * What is changed: strict, lib ES2023, Bundler resolution, this package resolvable from `folder`; top-level `for await`;
 * declarations are printed even where a type cannot be named; `let` and `const` at top level live in `exports` alone, so
 * that functions of the same cell see what later cells assign; source maps of both steps, composed.
 */
export function patchTypeScript(folder: string): Patched {
  const ts: Ts = require("typescript");
  const internals = ts as unknown as Internals;
  const unit: Unit = { mapBack: null, delayed: new Set(), builder: null };
  const options: TypeScript.CompilerOptions = {
    strict: true,
    target: ts.ScriptTarget.ES2022,
    lib: ["lib.es2023.d.ts"],
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    // One copy of Node's types: tslab brings an older one.
    typeRoots: [dirname(nodeTypes())],
    types: [nodeTypes(), join(packageRoot, "kernels", "speakerscope", "ambient.d.ts")],
    paths: lentPaths(folder),
    inlineSourceMap: true,
    experimentalDecorators: false,
    useDefineForClassFields: true,
  };
  const patched = {
    ...ts,
    sys: quietSystem(ts),
    createWatchCompilerHost(
      roots: string[],
      given: TypeScript.CompilerOptions,
      system: TypeScript.System,
      _createProgram: unknown,
      ...rest: unknown[]
    ) {
      delayLookups(system, unit);
      const { noImplicitUseStrict: _, disableTopLevelAwait: __, ...kept } = given;
      return internals.createWatchCompilerHost(
        roots,
        { ...kept, ...options },
        system,
        lightBuilder(ts),
        ...rest,
      );
    },
    createWatchProgram(host: Host) {
      const created = host.afterProgramCreate;
      host.afterProgramCreate = (builder) => {
        forceDeclarations(ts, builder);
        unit.builder = builder;
        created?.(builder);
      };
      return internals.createWatchProgram(host);
    },
    createPrinter: (given: TypeScript.PrinterOptions) => copyingPrinter(ts, given),
    getPreEmitDiagnosticsOfFiles: (program: TypeScript.Program, files: TypeScript.SourceFile[]) =>
      diagnosticsOf(ts, program, files),
    getDefaultTypeRoots: () => [],
    getNullTransformationContext: () => internals.nullTransformationContext,
    Completions: {
      ...internals.Completions,
      getCompletionsAtPositionForTslab: (_host: unknown, ...rest: unknown[]) =>
        internals.Completions.getCompletionsAtPosition(completionHost(ts, unit), ...rest),
    },
    getQuickInfoAtPosition: (
      file: TypeScript.SourceFile,
      checker: TypeScript.TypeChecker,
      _token: unknown,
      position: number,
    ) => quickInfo(internals, file, checker, position),
    transpileModule(source: string, given: TypeScript.TranspileOptions) {
      const { code, map } = cutSourceMap(source);
      const result = ts.transpileModule(code, {
        ...given,
        compilerOptions: { ...given.compilerOptions, noImplicitUseStrict: undefined, sourceMap: true },
        transformers: { before: [nativeImport(ts)] },
      });
      if (map && result.sourceMapText) unit.mapBack = createSourceMapper([result.sourceMapText, map]);
      return { ...result, outputText: result.outputText.replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n") };
    },
  };
  replaceModule("@tslab/typescript-for-tslab", patched);
  return { ts, unit };
}

/** Prints declarations that nobody touched by copying their text: after many cells they are nearly all. */
function copyingPrinter(ts: Ts, given: TypeScript.PrinterOptions): TypeScript.Printer {
  const printer = ts.createPrinter(given);
  const isWhole = (statement: TypeScript.Statement, file: TypeScript.SourceFile): boolean => {
    if (!ts.isVariableStatement(statement)) return !ts.isImportDeclaration(statement);
    // tslab takes declarations out of a statement: the rest must still fill it.
    const { declarationList: list } = statement;
    const [only, ...more] = list.declarations;
    const word = file.text.slice(list.getStart(file), only.getStart(file));
    return more.length === 0 && only.end === list.end && /^(?:const|let|var)\s+$/.test(word);
  };
  return {
    ...printer,
    printFile: (file) =>
      file.statements
        .map((statement) =>
          isWhole(statement, file)
            ? statement.getFullText(file).trim()
            : printer.printNode(ts.EmitHint.Unspecified, statement, file),
        )
        .concat("")
        .join("\n"),
  };
}

/** tslab's own dependency resolves to our object from now on. */
function replaceModule(name: string, exports: unknown): void {
  const path = createRequire(require.resolve("tslab/package.json")).resolve(name);
  const module = new Module(path);
  module.filename = path;
  module.loaded = true;
  module.exports = exports;
  require.cache[path] = module;
}

function nodeTypes(): string {
  const folder = folderOf("@types/node");
  if (!folder) throw new Error("@types/node: missing: reinstall the speakerscope package");
  return folder;
}

/** Files of packages do not change while a kernel runs, except our own build: the rest is not watched. */
function quietSystem(ts: Ts): TypeScript.System {
  ts.sys.useCaseSensitiveFileNames = true;
  const system: TypeScript.System = Object.create(ts.sys);
  const libraries = dirname(ts.sys.getExecutingFilePath());
  system.watchFile = (path, ...rest) => {
    const inPackage = path.startsWith(join(packageRoot, "dist"));
    if (!inPackage && (path.includes("/node_modules/") || path.startsWith(libraries))) return { close() {} };
    const watcher = ts.sys.watchFile?.(path, ...rest);
    return watcher ?? { close() {} };
  };
  return system;
}

/**
 * tslab keeps one timer, for the next program. TypeScript wants another when a folder changes in which it had missed a
 * module (an install, say), and tslab throws for good.
 */
function delayLookups(system: TypeScript.System, { delayed }: Unit): void {
  const { setTimeout, clearTimeout } = system;
  let last: unknown;
  const forget = () => {
    try {
      clearTimeout?.(last);
    } catch {
      // It has run. One whose work threw would be in the way for good.
    }
  };
  system.setTimeout = (work, ms, ...names) => {
    if (names[0] === "timerToUpdateProgram") {
      forget();
      last = setTimeout?.(work, ms, ...names);
      return last;
    }
    delayed.add(work as () => void);
    return work;
  };
  system.clearTimeout = (timer) => {
    if (!delayed.delete(timer)) forget();
  };
}

function diagnosticsOf(ts: Ts, program: TypeScript.Program, files: TypeScript.SourceFile[]) {
  const found: TypeScript.Diagnostic[] = [];
  for (const file of files) {
    found.push(...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file));
    if (file.fileName.endsWith(cellFile)) found.push(...topLevelAwaits(ts, file));
  }
  const told = found.filter((d) => d.code !== untypedModule);
  return (ts as unknown as Internals).sortAndDeduplicateDiagnostics(told).map((d) => ({
    ...d,
    messageText: ts.flattenDiagnosticMessageText(d.messageText, "\n"),
  }));
}

function topLevelAwaits(ts: Ts, file: TypeScript.SourceFile): TypeScript.Diagnostic[] {
  const found: TypeScript.Diagnostic[] = [];
  (function visit(node: TypeScript.Node): void {
    if (ts.isFunctionLike(node) || ts.isClassLike(node)) return;
    const token = ts.isForOfStatement(node) ? node.awaitModifier : ts.isAwaitExpression(node) ? node : null;
    if (token)
      found.push({
        file,
        start: token.getStart(file),
        length: "await".length,
        code: awaitOutsideAsync,
        category: ts.DiagnosticCategory.Error,
        messageText: "",
      });
    ts.forEachChild(node, visit);
  })(file);
  return found;
}

/**
 * A builder that keeps no record of which file refers to which: making it again for every cell takes longer than all
 * else. tslab asks only for the sources behind a cell.
 */
function lightBuilder(ts: Ts) {
  return (...given: Parameters<typeof ts.createAbstractBuilder>) => {
    const builder = ts.createAbstractBuilder(...given);
    const program = builder.getProgram();
    // tslab reads the names of a cell before it asks for anything that would bind them.
    for (const file of program.getSourceFiles())
      if (file.fileName.endsWith(cellFile) || file.fileName.endsWith(earlierFile))
        (ts as unknown as Internals).bindSourceFile(file, program.getCompilerOptions());
    builder.getAllDependencies = (file) => sourcesBehind(ts, program, file);
    return builder;
  };
}

/** A file and the files with code, not only declarations, that it imports. */
function sourcesBehind(ts: Ts, program: TypeScript.Program, file: TypeScript.SourceFile): string[] {
  const checker = program.getTypeChecker();
  const found = new Set([file]);
  for (const { imports } of found as Set<TypeScript.SourceFile & { imports?: TypeScript.StringLiteral[] }>)
    for (const name of imports ?? [])
      for (const declaration of checker.getSymbolAtLocation(name)?.declarations ?? [])
        if (ts.isSourceFile(declaration) && !declaration.isDeclarationFile) found.add(declaration);
  return [...found].map(({ fileName }) => fileName);
}

/** Emits declarations although some type in them cannot be named from outside: in a cell that is no error. */
function forceDeclarations(ts: Ts, builder: TypeScript.EmitAndSemanticDiagnosticsBuilderProgram): void {
  type Emit = (...args: [...Parameters<typeof builder.emit>, force: boolean]) => TypeScript.EmitResult;
  builder.emit = (file, write, token, only, transformers) => {
    const emit = builder.getProgram().emit as Emit;
    const own = {
      ...transformers,
      before: [spelledOut(ts, builder.getProgram().getTypeChecker())],
      after: [...(transformers?.after ?? []), exportInPlace(ts)],
    };
    return emit(file, write, token, only, file?.fileName.endsWith(cellFile) ? own : {}, true);
  };
}

/**
 * Writes out what tslab misreads when it puts `exports.` before the names of earlier cells: `{ x }` becomes
 * `{ x: exports.x }`; and the property in `{ x: y } = object` gets no symbol, so that it is not taken for a variable.
 */
function spelledOut(
  ts: Ts,
  checker: TypeScript.TypeChecker,
): TypeScript.TransformerFactory<TypeScript.SourceFile> {
  return (context) => (file) => {
    const { factory } = context;
    const isEarlier = (node: TypeScript.Node) =>
      checker
        .getShorthandAssignmentValueSymbol(node)
        ?.declarations?.some((d) => d.getSourceFile().fileName.endsWith(earlierFile));
    const visit = (node: TypeScript.Node): TypeScript.Node => {
      if (ts.isBindingElement(node) && node.propertyName && ts.isIdentifier(node.propertyName)) {
        const { dotDotDotToken: dots, propertyName, name, initializer } = node;
        const property = factory.createIdentifier(propertyName.text);
        const written = factory.updateBindingElement(node, dots, property, name, initializer);
        return ts.visitEachChild(written, visit, context);
      }
      if (!ts.isShorthandPropertyAssignment(node) || !isEarlier(node))
        return ts.visitEachChild(node, visit, context);
      const { text } = node.name;
      const value = factory.createPropertyAccessExpression(factory.createIdentifier("exports"), text);
      const fallback = node.objectAssignmentInitializer;
      const given = fallback
        ? factory.createAssignment(value, ts.visitNode(fallback, visit) as TypeScript.Expression)
        : value;
      return ts.setTextRange(factory.createPropertyAssignment(text, given), node);
    };
    return ts.visitEachChild(file, visit, context);
  };
}

/**
 * `let x = 1; export { x }` becomes `export let x = 1`: then there is no local copy beside the exported one, and every
 * reference reads what was assigned last.
 */
function exportInPlace(ts: Ts): TypeScript.TransformerFactory<TypeScript.SourceFile> {
  return (context) => (file) => {
    const { factory } = context;
    const exported = new Set<string>();
    const statements = file.statements.map((statement) => {
      if (!ts.isVariableStatement(statement)) return statement;
      if (statement.modifiers?.some((m) => m.kind === ts.SyntaxKind.ExportKeyword)) return statement;
      const { declarationList: list } = statement;
      if (list.flags & ts.NodeFlags.Using) return statement;
      for (const declaration of list.declarations)
        for (const name of namesIn(ts, declaration.name)) exported.add(name);
      return factory.updateVariableStatement(
        statement,
        [factory.createModifier(ts.SyntaxKind.ExportKeyword)],
        factory.updateVariableDeclarationList(
          list,
          list.declarations.map((d) =>
            d.initializer
              ? d
              : factory.updateVariableDeclaration(d, d.name, undefined, undefined, factory.createVoidZero()),
          ),
        ),
      );
    });
    const rest = statements.flatMap((statement) => {
      if (!ts.isExportDeclaration(statement) || !statement.exportClause) return [statement];
      if (!ts.isNamedExports(statement.exportClause)) return [statement];
      const elements = statement.exportClause.elements.filter((e) => !exported.has(e.name.text));
      const clause = factory.updateNamedExports(statement.exportClause, elements);
      return [factory.updateExportDeclaration(statement, undefined, false, clause, undefined, undefined)];
    });
    return factory.updateSourceFile(file, rest);
  };
}

export function namesIn(ts: Ts, name: TypeScript.BindingName): string[] {
  if (ts.isIdentifier(name)) return [name.text];
  return name.elements.flatMap((e) => (ts.isOmittedExpression(e) ? [] : namesIn(ts, e.name)));
}

/** `import()` would become `require`; the cell's own `import` loads ES modules with top-level await, too. */
function nativeImport(ts: Ts): TypeScript.TransformerFactory<TypeScript.SourceFile> {
  return (context) => (file) => {
    const { factory } = context;
    const visit = (node: TypeScript.Node): TypeScript.Node => {
      const visited = ts.visitEachChild(node, visit, context);
      if (!ts.isCallExpression(visited) || visited.expression.kind !== ts.SyntaxKind.ImportKeyword)
        return visited;
      const target = factory.createPropertyAccessExpression(factory.createIdentifier("__tslab__"), "import");
      return factory.updateCallExpression(visited, target, undefined, visited.arguments);
    };
    return ts.visitEachChild(file, visit, context);
  };
}

function cutSourceMap(source: string): { code: string; map: string | null } {
  const found = /\n?\/\/# sourceMappingURL=data:application\/json;base64,(\S*)\s*$/.exec(source);
  if (!found) return { code: source, map: null };
  return { code: source.slice(0, found.index), map: Buffer.from(found[1], "base64").toString() };
}

function quickInfo(
  internals: Internals,
  file: TypeScript.SourceFile,
  checker: TypeScript.TypeChecker,
  position: number,
): TypeScript.QuickInfo | undefined {
  const node = internals.getTouchingPropertyName(file, position);
  const symbol = (node as TypeScript.Node) === file ? undefined : checker.getSymbolAtLocation(node);
  if (!symbol) return undefined;
  const found = internals.SymbolDisplay.getSymbolDisplayPartsDocumentationAndSymbolKind(
    checker,
    symbol,
    file,
    node.parent,
    node,
  );
  return {
    kind: found.symbolKind,
    kindModifiers: "",
    textSpan: { start: node.getStart(file), length: node.getWidth(file) },
    displayParts: found.displayParts,
    documentation: found.documentation,
    tags: found.tags,
  };
}

/** What the completion of paths in import statements asks of its host. */
function completionHost(ts: Ts, { builder }: Unit) {
  const { sys } = ts;
  return {
    fileExists: sys.fileExists,
    readFile: sys.readFile,
    directoryExists: sys.directoryExists,
    getDirectories: sys.getDirectories,
    readDirectory: sys.readDirectory,
    realpath: sys.realpath,
    getCurrentDirectory: sys.getCurrentDirectory,
    useCaseSensitiveFileNames: () => true,
    getCompilationSettings: () => builder?.getCompilerOptions(),
    getProgram: () => builder?.getProgram(),
    getScriptFileNames: () => [],
    log() {},
  };
}
