import childProcess, { ChildProcess, type SpawnSyncReturns } from "node:child_process";
import { syncBuiltinESMExports } from "node:module";
import workerThreads, { type WorkerOptions } from "node:worker_threads";
import { marker } from "./processes.js";
import type { Scope } from "./scope.js";

type StreamName = "stdout" | "stderr";
type Item = unknown;
interface Options {
  stdio?: Item;
  env?: NodeJS.ProcessEnv;
  shell?: unknown;
  maxBuffer?: number;
  encoding?: unknown;
}

/**
 * Attributes the output of child processes and worker threads, inherited streams included, to the cell that started them.
 * Each child carries a marker in its environment, by which it is found when the kernel ends.
 */
export function takeOverChildren(
  scope: Scope,
  write: (name: StreamName, data: Uint8Array | string) => void,
): void {
  takeOverSpawn(scope, write);
  takeOverSyncCalls(write);
  takeOverWorkers(scope, write);
  syncBuiltinESMExports();
}

function takeOverSpawn(scope: Scope, write: (name: StreamName, text: string) => void): void {
  const prototype = ChildProcess.prototype as unknown as {
    spawn(options: { stdio?: Item; envPairs?: string[] }): unknown;
  };
  const { spawn } = prototype;
  prototype.spawn = function (this: ChildProcess, options) {
    const { stdio, inherited } = redirect(options.stdio);
    const envPairs = options.envPairs && [
      ...options.envPairs.filter((pair) => !pair.startsWith(`${marker}=`)),
      `${marker}=${process.env[marker]}`,
    ];
    const result = spawn.call(this, { ...options, stdio, envPairs });
    const streams = this.stdio as ({
      setEncoding?(encoding: string): unknown;
      on: ChildProcess["on"];
    } | null)[];
    scope.adopt(this);
    for (const [i, stream] of (streams ?? []).entries()) {
      if (!stream) continue;
      scope.adopt(stream as unknown as ChildProcess);
      const name = inherited.get(i);
      if (!name) continue;
      stream.setEncoding?.("utf8");
      stream.on("data" as "close", ((text: string) => write(name, text)) as never);
      // As in plain Node.js, the parent has no stream for one that is inherited.
      streams[i] = null;
      if (i <= 2) Object.assign(this, { [["stdin", "stdout", "stderr"][i]]: null });
    }
    return result;
  };
}

/** Replaces streams that would go to the kernel's own output by pipes. */
function redirect(stdio: Item): { stdio: Item; inherited: Map<number, StreamName> } {
  const inherited = new Map<number, StreamName>();
  const list = typeof stdio === "string" ? [stdio, stdio, stdio] : Array.isArray(stdio) ? [...stdio] : [];
  for (const [i, item] of list.entries()) {
    const fd = item === "inherit" ? i : ((item as { fd?: unknown } | null)?.fd ?? item);
    if (i === 0 || (fd !== 1 && fd !== 2)) continue;
    inherited.set(i, fd === 1 ? "stdout" : "stderr");
    list[i] = "pipe";
  }
  return inherited.size > 0 ? { stdio: list, inherited } : { stdio, inherited };
}

/** `spawnSync`, `execFileSync` and `execSync` show inherited output when they return. */
function takeOverSyncCalls(write: (name: StreamName, data: Uint8Array) => void): void {
  const { spawnSync, execFileSync, execSync } = childProcess;

  function run(command: string, args: readonly string[], options: Options): SpawnSyncReturns<unknown> {
    const { stdio, inherited } = redirect(options.stdio);
    if (inherited.size === 0) return spawnSync(command, args, options as never);
    const result = spawnSync(command, args, {
      maxBuffer: Number.POSITIVE_INFINITY,
      ...options,
      stdio,
      encoding: "buffer",
    } as never) as SpawnSyncReturns<Buffer | string | null>;
    for (const [i, data] of (result.output ?? []).entries()) {
      const name = inherited.get(i);
      if (name && data) write(name, data as Buffer);
      if (name) result.output[i] = null;
      else if (data && options.encoding && options.encoding !== "buffer")
        result.output[i] = (data as Buffer).toString(options.encoding as BufferEncoding);
    }
    return Object.assign(result, { stdout: result.output?.[1], stderr: result.output?.[2] });
  }

  /** Like the original: returns the output, or throws with the details of the failure. */
  function outputOf(what: string, result: SpawnSyncReturns<unknown>): unknown {
    if (result.error) throw Object.assign(result.error, result);
    if (result.status !== 0) throw Object.assign(new Error(`Command failed: ${what}`), result);
    return result.stdout;
  }

  Object.assign(childProcess, {
    spawnSync(command: string, ...rest: unknown[]) {
      const [args, options] = split(rest);
      return run(command, args, marked(options));
    },
    execFileSync(file: string, ...rest: unknown[]) {
      const [args, options] = split(rest);
      if (redirect(options.stdio).inherited.size === 0)
        return execFileSync(file, args, marked(options) as never);
      return outputOf([file, ...args].join(" "), run(file, args, marked(options)));
    },
    execSync(command: string, options: Options = {}) {
      if (redirect(options.stdio).inherited.size === 0) return execSync(command, marked(options) as never);
      return outputOf(command, run(command, [], marked({ ...options, shell: options.shell ?? true })));
    },
  });
}

function split([first, second]: unknown[]): [string[], Options] {
  return Array.isArray(first) ? [first, (second ?? {}) as Options] : [[], (first ?? second ?? {}) as Options];
}

const marked = (options: Options): Options =>
  options.env ? { ...options, env: { ...options.env, [marker]: process.env[marker] } } : options;

function takeOverWorkers(scope: Scope, write: (name: StreamName, text: string) => void): void {
  const { Worker } = workerThreads;
  class CellWorker extends Worker {
    constructor(file: string | URL, options: WorkerOptions = {}) {
      super(file, { ...options, stdout: true, stderr: true });
      for (const name of ["stdout", "stderr"] as const) {
        scope.adopt(this[name]);
        if (!options[name]) this[name].setEncoding("utf8").on("data", (text: string) => write(name, text));
      }
      scope.adopt(this);
    }
  }
  Object.defineProperty(CellWorker, "name", { value: "Worker" });
  Object.assign(workerThreads, { Worker: CellWorker });
}
