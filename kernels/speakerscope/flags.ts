import { native } from "./intrinsics.js";

/**
 * Flags in shared memory. The worker may stop the main thread's JavaScript at any instruction
 * (`Runtime.terminateExecution`), so both must agree on when. The main thread sets `PROTECTED` around work that must not
 * be cut short (the compiler, messages); the worker sets `TERMINATING` before it reads `PROTECTED`. Whichever comes second
 * sees the other's flag and waits.
 */
export const PROTECTED = 0;
export const TERMINATING = 1;
/** Counts the interrupts that clients asked for. */
export const INTERRUPTS = 2;
/** 1 while a synchronous `prompt` waits, 2 when its answer is in the port. */
export const PROMPT = 3;
/** 1 when the sockets are closed: the process may end. */
export const CLOSED = 4;
/** Bytes of output that have not been sent yet; writing blocks while there are too many. */
export const UNSENT = 5;

const { Atomics: atomics } = native;

export const createFlags = () => new Int32Array(new SharedArrayBuffer(32));

/** For the main thread: runs code that no interrupt may cut short. */
export function createGuard(flags: Int32Array) {
  let depth = 0;
  return function protect<T>(work: () => T): T {
    if (depth === 0) enter(flags);
    depth++;
    try {
      return work();
    } finally {
      if (--depth === 0) atomics.store(flags, PROTECTED, 0);
    }
  };
}

export type Protect = ReturnType<typeof createGuard>;

function enter(flags: Int32Array): void {
  for (;;) {
    atomics.store(flags, PROTECTED, 1);
    if (atomics.load(flags, TERMINATING) === 0) return;
    atomics.store(flags, PROTECTED, 0);
    // A termination is on its way. Wait for it here, where nothing is lost.
    atomics.wait(flags, TERMINATING, 1, 1000);
  }
}

/** Above this, writing blocks: an endless print must not fill memory, nor keep printing for a minute after an interrupt. */
const unsentLimit = 4 << 20;

/** The main thread waits until there is room for more. */
export function waitForRoom(flags: Int32Array): void {
  for (let unsent = atomics.load(flags, UNSENT); unsent > unsentLimit; unsent = atomics.load(flags, UNSENT))
    atomics.wait(flags, UNSENT, unsent, 1000);
}

export function takeRoom(flags: Int32Array, size: number): void {
  atomics.add(flags, UNSENT, size);
}

export function giveRoom(flags: Int32Array, size: number): void {
  atomics.sub(flags, UNSENT, size);
  atomics.notify(flags, UNSENT);
}
