import { parentPort, workerData } from "node:worker_threads";
import { completeness } from "./completeness.js";
import { Converter, failure } from "./converter.js";
import { habitsIn } from "./habits.js";
import { loadTypeScript } from "./load-typescript.js";
import { translateMagics } from "./magic-lines.js";
import type { Answered, Asked, CompilerData, Questions } from "./requests.js";

/** Without a question for this long, the thread prepares for the next ones. */
const idleMs = 2000;

const { folder, modules } = workerData as CompilerData;
const { ts, saveCode } = loadTypeScript();
let converter: Converter | null = null;
let rest: NodeJS.Timeout | undefined;

/** Creates the converter, also after a failure, which may have left the last one in an inconsistent state. */
function fresh(): Converter {
  converter ??= new Converter(ts, folder, modules);
  return converter;
}

const questions: Questions = {
  compile(declarations, source) {
    const isVariable = (name: string) =>
      fresh()
        .values(declarations)
        .some((value) => value.name === name);
    const { code, isTimed } = translateMagics(ts, source, isVariable);
    const module = moduleName(code);
    if (module === null) {
      const converted = fresh().convert(declarations, code);
      const notes = habitsIn(code, converted.problems, toolkitNames);
      return { ...converted, notes, isTimed, module };
    }
    const problems = fresh().addModule(module, code);
    if (problems.length === 0) modules.set(module, code);
    return { ...failure(problems, []), declarations, notes: [], isTimed, module };
  },
  merge: (...given) => fresh().merge(...given),
  sources: (...given) => fresh().sources(...given),
  values: (...given) => fresh().values(...given),
  complete: (...given) => fresh().complete(...given),
  inspect(declarations, code, positions) {
    for (const position of positions) {
      const found = fresh().inspect(declarations, code, position);
      if (found) return found;
    }
    return null;
  },
  completeness: (source) => completeness(ts, translateMagics(ts, source, () => false).code),
};

/** What the toolkit and the kernel's own module have to import; loaded only for a cell that failed. */
function toolkitNames(): Record<string, string[]> {
  const modules = ["speakerscope", "speakerscope/kernel"];
  return Object.fromEntries(modules.map((name) => [name, Object.keys(require(name))]));
}

/** tslab's module cells: a comment before all code says `@module name`. */
function moduleName(code: string): string | null {
  const [comments] = /^(?:\s|\/\/.*|\/\*[\s\S]*?\*\/)*/.exec(code) as RegExpExecArray;
  return /\/\*\*(?:(?!\*\/)[\s\S])*?@module[ \t]+([\w-]+)(?:\/[\w-]+)*/.exec(comments)?.[1] ?? null;
}

function answer({ id, question, given }: Asked): Answered {
  try {
    return { id, answer: (questions[question] as (...given: unknown[]) => unknown)(...given) };
  } catch (error) {
    converter = null;
    const { name, message, stack } = error as Error;
    if (!(error instanceof RangeError)) return { id, error: { name, message, stack } };
    return {
      id,
      error: {
        name,
        message: "The code is nested too deeply for the compiler. Split it into several statements.",
      },
    };
  }
}

/** Saves the code cache, which now holds what most cells need, and loads all types for the first import. */
function useIdleTime(): void {
  clearTimeout(rest);
  rest = setTimeout(() => {
    saveCode();
    fresh().readAll();
  }, idleMs);
}

parentPort?.on("message", (asked: Asked) => {
  parentPort?.postMessage(answer(asked));
  useIdleTime();
});
// Warm up before the first cell arrives.
setImmediate(() => converter ?? fresh().convert("", "0"));
useIdleTime();
