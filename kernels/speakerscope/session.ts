import vm from "node:vm";
import type * as TypeScript from "typescript";
import { declaredValues, mergeDeclarations } from "./declarations.js";
import type { Protect } from "./flags.js";
import { createModuleLoader, type ModuleLoader } from "./modules.js";
import { packageRoot } from "./resolve.js";
import type { MapBack } from "./source-mapper.js";
import { cellFile, earlierFile, patchTypeScript, type Unit } from "./typescript.js";

/** One error of the compiler; line and column count from 1. */
export interface Problem {
  line: number;
  column: number;
  length: number;
  message: string;
  code: number;
  /** Another file than the cell. */
  file: string | null;
}

/** The compiler refused a cell. */
export class CompileError extends Error {
  override readonly name = "TypeScriptError";
  readonly problems: Problem[];
  constructor(problems: Problem[]) {
    super(problems.map((p) => p.message).join("\n"));
    this.problems = problems;
  }
}

/** The value of a cell's last expression, when it has one. */
export type CellValue = { value: unknown } | null;

interface Compiled {
  name: string;
  output: string;
  declarations: string;
  last: string | undefined;
  isShown: boolean;
  isAsync: boolean;
}

interface Converted {
  output?: string;
  declOutput?: string;
  diagnostics: {
    start: { offset: number; line: number; character: number };
    end: { offset: number };
    messageText: string;
    code: number;
    fileName?: string;
  }[];
  hasToplevelAwait?: boolean;
  lastExpressionVar?: string;
  sideOutputs?: { path: string; data: string }[];
}

interface Converter {
  convert(declarations: string, source: string): Converted;
  inspect(declarations: string, source: string, position: number): TypeScript.QuickInfo | undefined;
  complete(
    declarations: string,
    source: string,
    position: number,
  ): { start: number; end: number; candidates: string[]; original?: TypeScript.CompletionInfo };
  addModule(name: string, source: string): unknown[];
  close(): void;
}

interface Executor {
  execute(source: string): Promise<boolean>;
}

/** tslab's global: its executor sets `require`, which also knows the TypeScript files beside the notebook. */
interface TslabGlobal {
  exports: object;
  require: NodeJS.Require;
  import?: (specifier: string) => Promise<unknown>;
  define?: (exports: object, name: string, property: PropertyDescriptor) => void;
}

const version = "1.0.22";

/**
 * A TypeScript session: takes cells through tslab's executor and converter, runs what comes out, and keeps what it
 * declares.
 *
 * The executor calls back with `convert`, which gives the converter our declarations instead of the executor's (it
 * forgets those of a failed cell) and leaves it nothing to run. The code is then started in a turn of the event loop of
 * its own: an interrupt may end that turn at any instruction, and no more than it. (The executor would watch for SIGINT
 * meanwhile, which costs a millisecond a cell; our interrupts are messages.)
 */
export class Session {
  readonly ts: typeof TypeScript;
  readonly variables: Record<string, unknown> = {};
  readonly #unit: Unit;
  readonly #createConverter: () => Converter;
  /** Packages for which the compiler was asked twice. */
  readonly #retried = new Set<string>();
  #converter: Converter;
  readonly #executor: Executor;
  readonly #modules: ModuleLoader;
  readonly #protect: Protect;
  readonly #maps = new Map<string, MapBack>();
  #declarations = "";
  #name = "";
  #compiled: Compiled | null = null;
  #before: Record<string, unknown> = {};
  /** Rises when a cell is abandoned: what it had not begun by then must not begin. */
  #epoch = 0;
  /** Ends the wait for the running cell. */
  #reject: (reason: Error) => void = () => {};
  /** Called between compiling and running; throws when the cell must not start any more. */
  onCompiled: () => void = () => {};

  constructor(folder: string, protect: Protect) {
    const { ts, unit } = patchTypeScript(folder);
    this.ts = ts;
    this.#unit = unit;
    this.#protect = protect;
    const { createConverter } = tslab<{ createConverter(options: object): Converter }>("converter");
    const { createExecutor } = tslab<{
      createExecutor(root: string, converters: object, console: object): Executor;
    }>("executor");
    this.#createConverter = () => createConverter({ isJS: false, isBrowser: false });
    this.#converter = this.#createConverter();
    this.#modules = createModuleLoader(folder);
    this.#executor = createExecutor(
      folder,
      {
        node: {
          convert: (_: string, source: string) => this.#convert(source),
          addModule: (name: string, source: string) => this.#addModule(name, source),
        },
        get browser(): never {
          throw new Error("browser cells: unsupported");
        },
        close: () => this.#converter.close(),
      },
      { log() {}, error() {} },
    );
    const global = tslabGlobal();
    global.import = (specifier) => this.#modules.import(specifier);
    global.define = (exports, name, property) => {
      // Imports may be redeclared by a later cell, so none is fixed as a getter.
      (exports as Record<string, unknown>)[name] = property.get ? property.get() : property.value;
    };
  }

  /** Runs a cell; rejects with what it threw, or with a CompileError. */
  async execute(source: string, name: string): Promise<CellValue> {
    this.#name = name;
    this.#compiled = null;
    this.#before = { ...this.variables };
    await this.#executor.execute(source);
    let value: CellValue = null;
    const compiled = this.#compiled as Compiled | null;
    if (compiled) {
      const abandoned = new Promise<never>((_, reject) => {
        this.#reject = reject;
      });
      await Promise.race([this.#start(compiled), abandoned]);
      value = this.#takeLast(compiled);
      // Unless the cell has reset the session.
      if (this.#compiled) this.#declarations = compiled.declarations;
    }
    this.#compiled = null;
    this.#modules.remember();
    return value;
  }

  /** Ends a cell that failed or was interrupted: what it had declared until then stays. */
  abandon(): void {
    this.#epoch++;
    this.#reject(new Error("abandoned"));
    const compiled = this.#compiled;
    this.#compiled = null;
    this.#modules.remember();
    if (!compiled) return;
    const before = this.#before;
    const isSet = (name: string) =>
      Object.hasOwn(this.variables, name) &&
      (!Object.hasOwn(before, name) || this.variables[name] !== before[name]);
    this.#declarations = mergeDeclarations(this.ts, this.#declarations, compiled.declarations, isSet);
  }

  /** Evaluates an expression over the variables without declaring anything. */
  async evaluate(expression: string): Promise<unknown> {
    const compiled = this.#protect(() => this.#compile(`(${expression}\n)`, "expression"));
    await this.#start(compiled);
    return this.#takeLast(compiled)?.value;
  }

  complete(source: string, position: number) {
    return this.#protect(() => this.#converter.complete(this.#declarations, source, position));
  }

  inspect(source: string, position: number): TypeScript.QuickInfo | undefined {
    return this.#protect(() => this.#converter.inspect(this.#declarations, source, position));
  }

  /** The source text that declares what stands at a position of the cell inspected last. */
  declarationAt(position: number): { file: string; isCell: boolean; text: string } | null {
    const { builder } = this.#unit;
    const program = builder?.getProgram();
    const file = program?.getSourceFiles().find((f) => f.fileName.endsWith(cellFile));
    if (!program || !file) return null;
    const { getTouchingPropertyName } = this.ts as unknown as {
      getTouchingPropertyName(file: TypeScript.SourceFile, position: number): TypeScript.Node;
    };
    const checker = program.getTypeChecker();
    const node = getTouchingPropertyName(file, position + prefix.length);
    let symbol = checker.getSymbolAtLocation(node);
    if (symbol && symbol.flags & this.ts.SymbolFlags.Alias) symbol = checker.getAliasedSymbol(symbol);
    const declaration = symbol?.declarations?.[0];
    if (!declaration) return null;
    const { fileName } = declaration.getSourceFile();
    const isCell = fileName.endsWith(cellFile) || fileName.endsWith(earlierFile);
    return { file: fileName, isCell, text: declaration.getText() };
  }

  /** The variables, functions and classes that cells have declared. */
  names(): { name: string; type: string }[] {
    return declaredValues(this.ts, this.#declarations).filter(({ name }) =>
      Object.hasOwn(this.variables, name),
    );
  }

  /** Forgets everything, what the running cell declared so far as well. */
  reset(): void {
    this.#declarations = "";
    this.#compiled = null;
    for (const name of Object.keys(this.variables)) delete this.variables[name];
  }

  /** Where a position in a cell's running code stands in the cell. */
  mapBack(name: string, line: number, column: number): [number, number] | null {
    return this.#maps.get(name)?.(line, column) ?? null;
  }

  #convert(source: string): Converted {
    const compiled = this.#protect(() => {
      const side = this.#compile(source, this.#name);
      this.#compiled = side;
      return side;
    });
    this.onCompiled();
    return { diagnostics: [], sideOutputs: compiled.sideOutputs };
  }

  #compile(source: string, name: string): Compiled & Pick<Converted, "sideOutputs"> {
    this.#unit.mapBack = null;
    for (const work of this.#unit.delayed) {
      this.#unit.delayed.delete(work);
      work();
    }
    let converted = this.#converter.convert(this.#declarations, source);
    if (this.#isInstalledSince(converted)) {
      // The compiler remembers what was missing; a new one looks again.
      this.#converter.close();
      this.#converter = this.#createConverter();
      converted = this.#converter.convert(this.#declarations, source);
    }
    if (converted.diagnostics.length > 0) throw new CompileError(converted.diagnostics.map(toProblem));
    if (this.#unit.mapBack) this.#maps.set(name, this.#unit.mapBack);
    return {
      name,
      output: tidy(converted.output ?? ""),
      declarations: converted.declOutput ?? "",
      last: converted.lastExpressionVar,
      isShown: !endsWithSemicolon(this.ts, source),
      isAsync: converted.hasToplevelAwait === true,
      sideOutputs: converted.sideOutputs,
    };
  }

  /** True when a cell misses a package that is there: it was installed after the compiler had looked for it. */
  #isInstalledSince({ diagnostics }: Converted): boolean {
    const missed = diagnostics.flatMap(
      ({ messageText }) => /^Cannot find module '([^']+)'/.exec(messageText)?.[1] ?? [],
    );
    const found = missed.filter((name) => !this.#retried.has(name) && this.#modules.isInstalled(name));
    for (const name of found) this.#retried.add(name);
    return found.length > 0;
  }

  #addModule(name: string, source: string): unknown[] {
    const problems = this.#protect(() => this.#converter.addModule(name, source)) as Converted["diagnostics"];
    if (problems.length > 0) throw new CompileError(problems.map(toProblem));
    return [];
  }

  /** Runs what was compiled, in a turn of its own. */
  async #start(compiled: Compiled): Promise<void> {
    const epoch = this.#epoch;
    const specifiers = importsOf(compiled.output);
    if (this.#modules.needsPreparing(specifiers)) await this.#modules.prepare(specifiers);
    const word = compiled.isAsync ? "async " : "";
    const script = new vm.Script(`(${word}function (exports, require) {\n${compiled.output}\n})`, {
      filename: compiled.name,
      lineOffset: -1,
    });
    const { require } = tslabGlobal();
    const requireHere = Object.assign(
      (specifier: string) => this.#modules.namespace(specifier) ?? require(specifier),
      { resolve: require.resolve, cache: require.cache },
    );
    await new Promise<void>((resolve, reject) => {
      setImmediate(() => {
        if (epoch !== this.#epoch) return;
        try {
          resolve(script.runInThisContext()(this.variables, requireHere));
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  #takeLast({ last, isShown }: Compiled): CellValue {
    if (last === undefined || !Object.hasOwn(this.variables, last)) return null;
    const value = this.variables[last];
    delete this.variables[last];
    return isShown ? { value } : null;
  }
}

const prefix = "export {};\n";

/** tslab's modules by path; anything but the version that was tested may differ in what we rely on. */
function tslab<T>(name: string): T {
  const found = require("tslab/package.json").version;
  if (found !== version)
    throw new Error(
      `tslab: unsupported version: got ${found}, expected ${version}: reinstall (${packageRoot})`,
    );
  return require(`tslab/dist/${name}.js`) as T;
}

const tslabGlobal = () => (globalThis as unknown as { __tslab__: TslabGlobal }).__tslab__;

/** Takes the compiler's preamble out: it would unset a variable before the cell sets it, or fix an import for good. */
function tidy(output: string): string {
  return output
    .replace(/^(?:exports\.[^\s=]+ = )+void 0;$/m, "")
    .replace(/^Object\.defineProperty\(exports, "__esModule", .*$/m, "")
    .replace(/^Object\.defineProperty\(exports, /gm, "__tslab__.define(exports, ");
}

/** As in other notebooks, a semicolon after the last expression keeps its value to itself. */
function endsWithSemicolon(ts: Session["ts"], source: string): boolean {
  const file = ts.createSourceFile("cell.ts", source, ts.ScriptTarget.Latest, true);
  return file.statements.at(-1)?.getText().endsWith(";") ?? false;
}

function importsOf(output: string): string[] {
  return [...new Set([...output.matchAll(/\brequire\("([^"\n]+)"\)/g)].map(([, specifier]) => specifier))];
}

function toProblem(d: Converted["diagnostics"][number]): Problem {
  return {
    line: d.start.line + 1,
    column: d.start.character + 1,
    length: Math.max(1, d.end.offset - d.start.offset),
    message: d.messageText,
    code: d.code,
    file: d.fileName ?? null,
  };
}
