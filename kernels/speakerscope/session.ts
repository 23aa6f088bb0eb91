import Module from "node:module";
import { basename, dirname, join } from "node:path";
import { isPromise } from "node:util/types";
import vm from "node:vm";
import { native, pristine } from "./intrinsics.js";
import { Compiler } from "./language/compiler.js";
import { unknownNameOf } from "./language/habits.js";
import type { Compiled, Completeness, Completion, Information, Problem } from "./language/requests.js";
import { createModuleLoader, type Importing, type ModuleLoader } from "./modules.js";
import { packageRoot } from "./resolve.js";
import { createSourceMapper, type MapBack } from "./source-mapper.js";

/** The compiler refused a cell. */
export class CompileError extends Error {
  override readonly name = "TypeScriptError";
  readonly problems: Problem[];
  /** Lines that help: what there is instead, and what became of the cell's names. */
  readonly notes: string[];
  constructor(problems: Problem[], notes: string[]) {
    super(problems.map((p) => p.message).join("\n"));
    this.problems = problems;
    this.notes = notes;
  }
}

/** The value of a cell's last expression, when it has one. */
export type CellValue = { value: unknown } | null;

type RunResult = CellValue | undefined | Promise<CellValue | undefined>;

/** The part of a converter that tslab's executor uses. */
interface Converter {
  convert(declarations: string, source: string): { diagnostics: never[] };
  addModule(name: string, source: string): never[];
}

interface Executor {
  execute(source: string): Promise<boolean>;
}

/** tslab's global. Its executor sets `require`; `import` and `meta` are ours. */
interface TslabGlobal {
  exports: object;
  require: NodeJS.Require;
  import?: (from: string, specifier: unknown, options?: ImportCallOptions) => Promise<unknown>;
  meta?: (from: string) => object;
}

const version = "1.0.22";

/**
 * A TypeScript session: compiles cells, runs them, and keeps their variables and declarations.
 *
 * tslab's executor drives each cell, but the code itself is run here: the executor would forget the declarations of a
 * failed cell, and its SIGINT watch costs a millisecond a cell. The code starts in its own turn of the event loop, so that
 * an interrupt, which may stop it at any instruction, stops nothing else.
 */
export class Session {
  readonly variables: Record<string, unknown> = {};
  readonly #compiler: Compiler;
  readonly #executor: Executor;
  readonly #modules: ModuleLoader;
  readonly #maps = new Map<string, MapBack>();
  /** `__filename` of a cell. */
  readonly #filename: string;
  #declarations = "";
  /** Names that a cell would have declared if it had compiled, and that cell. */
  readonly #refused = new Map<string, string>();
  /** Resolves when the declarations of the last failed cell have been merged. */
  #settled: Promise<void> = native.Promise.resolve();
  /** The running cell is being compiled. */
  #isCompiling = false;
  /** The cell that was handed to the executor. */
  #given: Compiled | null = null;
  #running: Compiled | null = null;
  #before: Record<string, unknown> = {};
  /** Incremented when a cell is abandoned: steps of it that have not begun must not begin. */
  #epoch = 0;
  /** Rejects the promise of the running cell. */
  #reject: (reason: Error) => void = () => {};
  /** Called between compiling and running; throws if the cell was interrupted meanwhile. */
  onCompiled: (isTimed: boolean) => void = () => {};

  constructor(folder: string) {
    this.#filename = join(folder, basename(process.env.JPY_SESSION_NAME || "notebook.ipynb"));
    this.#compiler = new Compiler(folder);
    this.#modules = createModuleLoader((specifier, from) => this.#compiler.ask("sources", specifier, from));
    this.#executor = createExecutor(
      folder,
      () => this.#given,
      () => this.onCompiled(this.#given?.isTimed === true),
    );
    const global = tslabGlobal();
    global.import = (from, specifier, options) => this.#modules.import(from, String(specifier), options);
    global.meta = this.#modules.meta;
  }

  /** Runs a cell; rejects with what it threw, or with a CompileError. */
  async execute(source: string, name: string): Promise<CellValue> {
    // No promise methods here: a cell may have replaced them.
    return new native.Promise((resolve, reject) => {
      this.#reject = reject;
      void this.#execute(source, name, resolve, reject);
    });
  }

  async #execute(
    source: string,
    name: string,
    resolve: (value: CellValue) => void,
    reject: (reason: unknown) => void,
  ): Promise<void> {
    const epoch = this.#epoch;
    this.#before = { ...this.variables };
    this.#isCompiling = true;
    try {
      const compiled = await this.#compile(source, name);
      if (epoch !== this.#epoch) return;
      this.#isCompiling = false;
      this.#given = compiled;
      await pristine(() => this.#executor.execute(source));
      if (compiled.module !== null) return resolve(null);
      this.#running = compiled;
      const value = await this.#start(compiled, name);
      // Skipped if the cell reset the session or was abandoned.
      if (this.#running === compiled) this.#declarations = compiled.declarations;
      this.#running = null;
      pristine(() => this.#modules.remember());
      resolve(value);
    } catch (error) {
      if (epoch === this.#epoch) this.#isCompiling = false;
      reject(error);
    }
  }

  /** Ends a cell that failed or was interrupted; what it declared before that stays. */
  abandon(): void {
    this.#epoch++;
    this.#reject(new Error("abandoned"));
    if (this.#isCompiling) this.#compiler.stop();
    this.#isCompiling = false;
    const compiled = this.#running;
    this.#running = null;
    this.#modules.remember();
    if (!compiled) return;
    const before = this.#before;
    const set = Object.keys(this.variables).filter(
      (name) => !Object.hasOwn(before, name) || this.variables[name] !== before[name],
    );
    this.#settled = this.#merge(compiled.declared, set);
  }

  async #merge(declared: string, set: string[]): Promise<void> {
    try {
      this.#declarations = await this.#compiler.ask("merge", this.#declarations, declared, set);
    } catch {
      // The compiler crashed: keep the declarations from before the cell.
    }
  }

  async #known(): Promise<string> {
    await this.#settled;
    return this.#declarations;
  }

  /** Evaluates an expression over the variables without declaring anything. */
  async evaluate(expression: string): Promise<unknown> {
    const name = "expression";
    return (await this.#start(await this.#compile(`(${expression}\n)`, name), name))?.value;
  }

  async complete(source: string, position: number): Promise<Completion> {
    const known = await this.#known();
    // `return await`, here and below: returning a promise would call its `then`, which a cell may have replaced.
    return await pristine(() => this.#compiler.ask("complete", known, source, position));
  }

  /** Describes the name at the first of these positions that has one. */
  async inspect(source: string, positions: number[]): Promise<Information | null> {
    const known = await this.#known();
    return await pristine(() => this.#compiler.ask("inspect", known, source, positions));
  }

  completeness(source: string): Promise<Completeness> {
    return this.#compiler.ask("completeness", source);
  }

  /** The variables, functions and classes that cells have declared. */
  async names(): Promise<{ name: string; type: string }[]> {
    const known = await this.#known();
    const found = await pristine(() => this.#compiler.ask("values", known));
    return pristine(() => found.filter(({ name }) => Object.hasOwn(this.variables, name)));
  }

  /** Deletes all variables and declarations, those of the running cell too. */
  reset(): void {
    this.#declarations = "";
    this.#refused.clear();
    this.#running = null;
    for (const name of Object.keys(this.variables)) delete this.variables[name];
  }

  /** Maps a position in running code to the cell or file. */
  mapBack(name: string, line: number, column: number): [number, number] | null {
    return this.#maps.get(name)?.(line, column) ?? null;
  }

  async #compile(source: string, name: string): Promise<Compiled> {
    const known = await this.#known();
    const compiled = await pristine(() => this.#compiler.ask("compile", known, source));
    pristine(() => this.#take(compiled, source, name));
    return compiled;
  }

  #take(compiled: Compiled, source: string, name: string): void {
    if (compiled.problems.length > 0) throw this.#refusal(compiled, name);
    for (const declared of compiled.names) this.#refused.delete(declared);
    if (compiled.module !== null) this.#compiler.addModule(compiled.module, source);
    for (const [of, map] of [[name, compiled.map], ...compiled.sources.map((s) => [s.path, s.map])])
      if (of && map) this.#maps.set(of, createSourceMapper(map));
    this.#modules.addSources(compiled.sources);
  }

  /** The error of a cell that did not compile, with what that means for names, in this cell and in later ones. */
  #refusal({ problems, names, notes }: Compiled, cell: string): CompileError {
    const lines = [...notes];
    const unknown = new Set(problems.flatMap((problem) => unknownNameOf(problem) ?? []));
    const byCell = new Map<string, string[]>();
    for (const name of unknown) {
      const home = this.#refused.get(name);
      if (home !== undefined && home !== cell) byCell.set(home, [...(byCell.get(home) ?? []), name]);
    }
    for (const [home, missing] of byCell)
      lines.push(`${home} declares ${missing.join(", ")}, but did not compile: mend it and run it again.`);
    const isKept = (name: string) => Object.hasOwn(this.variables, name);
    const fresh = names.filter((name) => !isKept(name));
    const kept = names.filter(isKept);
    if (fresh.length > 0) lines.push(`Nothing of this cell ran, so it did not make ${fresh.join(", ")}.`);
    if (kept.length > 0)
      lines.push(`Nothing of this cell ran, so ${kept.join(", ")} kept what earlier cells made.`);
    for (const name of fresh) this.#refused.set(name, cell);
    return new CompileError(problems, lines);
  }

  /** Runs a compiled cell in its own turn of the event loop. */
  async #start(compiled: Compiled, name: string): Promise<CellValue> {
    const epoch = this.#epoch;
    const importing = { path: this.#filename, code: compiled.output, imports: compiled.imports };
    if (pristine(() => this.#modules.needsPreparing(importing))) await this.#modules.prepare(importing);
    const { script, requireHere } = pristine(() => this.#load(compiled, importing, name));
    const folder = dirname(this.#filename);
    // Wrapped in an object, so that resolving does not call the `then` of the cell's promise, which may be replaced.
    const { result } = await new native.Promise<{ result: RunResult }>((resolve, reject) => {
      native.setImmediate(() => {
        if (epoch !== this.#epoch) return;
        try {
          const run = script.runInThisContext();
          resolve({ result: run(this.variables, requireHere, this.#filename, folder) });
        } catch (error) {
          reject(error);
        }
      });
    });
    const shown = (await result) ?? null;
    // People forget `await`. A promise that is meant as one has `void` before it or a semicolon behind it.
    return shown !== null && isPromise(shown.value) ? { value: await shown.value } : shown;
  }

  #load({ output, isAsync }: Compiled, importing: Importing, name: string) {
    const word = isAsync ? "async " : "";
    const wrapped = `(${word}function (exports, require, __filename, __dirname) {\n${output}\n})`;
    const script = scriptOf(wrapped, name);
    const { require } = tslabGlobal();
    const requireHere = Object.assign(this.#modules.requireIn(importing, require), {
      resolve: require.resolve,
      cache: require.cache,
    });
    return { script, requireHere };
  }
}

function scriptOf(code: string, filename: string): vm.Script {
  try {
    return new vm.Script(code, { filename, lineOffset: -1 });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const message = "The code is nested too deeply for Node.js. Split it into several statements.";
    throw Object.assign(new RangeError(message), { stack: `RangeError: ${message}` });
  }
}

/**
 * tslab's executor for cells that are compiled already. Its metadata module, which would load a second compiler into the
 * main thread to look for tslab's tags, is replaced: our compiler has found them.
 */
function createExecutor(folder: string, given: () => Compiled | null, onCompiled: () => void): Executor {
  const found = require("tslab/package.json").version;
  if (found !== version)
    throw new Error(
      `tslab ${found} is installed, but this package works with ${version} only: reinstall it (${packageRoot}).`,
    );
  replaceModule(require.resolve("tslab/dist/metadata.js"), {
    getCodeMetadata: () => ({ module: given()?.module ?? undefined }),
  });
  const converter: Converter = {
    convert() {
      onCompiled();
      return { diagnostics: [] };
    },
    addModule: () => [],
  };
  return require("tslab/dist/executor.js").createExecutor(
    folder,
    { node: converter, close() {} },
    { log() {}, error() {} },
  );
}

function replaceModule(path: string, exports: unknown): void {
  const module = new Module(path);
  Object.assign(module, { filename: path, loaded: true, exports });
  require.cache[path] = module;
}

const tslabGlobal = () => (globalThis as unknown as { __tslab__: TslabGlobal }).__tslab__;
