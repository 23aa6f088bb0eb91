import { AsyncLocalStorage } from "node:async_hooks";
import type { EventEmitter } from "node:events";
import timers from "node:timers";
import timersPromises from "node:timers/promises";
import { promisify } from "node:util";

// biome-ignore lint/suspicious/noExplicitAny: any function of Node.js may be wrapped
type Callback = (this: any, ...args: any[]) => any;

/** Tells which cell the running code belongs to, even after that cell has ended. */
export interface Scope {
  /** The cell that the running code belongs to; null when unknown. */
  cell(): number | null;
  /** Runs the code of a cell. */
  run(cell: number, work: () => void): void;
  /** Attributes an object's events to the cell that created it. */
  adopt(emitter: EventEmitter): void;
  /** Wraps a function so that it runs as part of the present cell. */
  bind<T extends Callback>(callback: T): T;
}

/**
 * From Node 24 on, V8 propagates the cell. Before that, `AsyncLocalStorage` keeps a stack that an interrupt corrupts, and
 * Node aborts; there, timers, child processes and workers are wrapped instead.
 *
 * @param running the cell that runs now
 */
export function createScope(running: () => number | null): Scope {
  return Number(process.versions.node.split(".")[0]) >= 24 ? carriedScope() : wrappedScope(running);
}

function carriedScope(): Scope {
  const storage = new AsyncLocalStorage<number>();
  return {
    cell: () => storage.getStore() ?? null,
    run: (cell, work) => storage.run(cell, work),
    adopt() {},
    bind: (callback) => callback,
  };
}

function wrappedScope(running: () => number | null): Scope {
  /** The cell of an earlier time whose callback runs now, and the promises that follow from it. */
  let owner: number | null = null;
  const leave = () => {
    owner = null;
  };
  const { nextTick } = process;
  const { queueMicrotask } = globalThis;

  function enter(cell: number | null): void {
    owner = cell === running() ? null : cell;
    // Behind all promises that the callback settles.
    if (owner !== null) queueMicrotask(() => nextTick(leave));
  }

  function bind<T extends Callback>(callback: T): T {
    const cell = scope.cell();
    return function (this: unknown, ...args: unknown[]) {
      enter(cell);
      return callback.apply(this, args);
    } as T;
  }

  const scope: Scope = {
    cell: () => owner ?? running(),
    run(cell, work) {
      enter(cell);
      work();
    },
    adopt(emitter) {
      emitter.emit = bind(emitter.emit);
    },
    bind,
  };
  for (const name of ["setTimeout", "setInterval", "setImmediate"] as const) {
    const original = timers[name] as Callback;
    const wrapped = (callback: unknown, ...rest: unknown[]) =>
      original(typeof callback === "function" ? bind(callback as Callback) : callback, ...rest);
    Object.assign(timers, { [name]: wrapped });
    Object.assign(globalThis, { [name]: wrapped });
    if (name === "setInterval") continue;
    const later = timersPromises[name] as Callback;
    const wrappedLater = (...args: unknown[]) => {
      const cell = scope.cell();
      return later(...args).then((value: unknown) => {
        enter(cell);
        return value;
      });
    };
    Object.assign(timersPromises, { [name]: wrappedLater });
    Object.assign(wrapped, { [promisify.custom]: wrappedLater });
  }
  return scope;
}
