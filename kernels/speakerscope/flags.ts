import { native } from "./intrinsics.js";

/**
 * Words that both threads see. The worker may stop the main thread's JavaScript at any instruction
 * (`Runtime.terminateExecution`), so both must agree on when: the main thread raises `PROTECTED` around what must
 * not be torn (the compiler, messages), the worker raises `TERMINATING` before it looks at `PROTECTED`. Whoever comes
 * second sees the other's word and waits.
 */
export const PROTECTED = 0;
export const TERMINATING = 1;
/** Rises with every interrupt that a client asked for. */
export const INTERRUPTS = 2;
/** 1 while a synchronous `prompt` waits, 2 when its answer lies in the port. */
export const PROMPT = 3;
/** 1 when the sockets are closed: the process may end. */
export const CLOSED = 4;
/** Bytes that cells have written and that have not left the kernel yet; writing waits while there are too many. */
export const UNSENT = 5;

const { Atomics: atomics } = native;

export const createFlags = () => new Int32Array(new SharedArrayBuffer(32));

/** The main thread's side: runs pieces of code that no interrupt may tear. */
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
    // A termination is on its way: be stopped here, where nothing is lost, or go on when it is over.
    atomics.wait(flags, TERMINATING, 1, 1000);
  }
}

/** Beyond this writing waits: a cell that prints without end must not fill the memory, nor be heard for a minute after. */
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
