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
      if (--depth === 0) Atomics.store(flags, PROTECTED, 0);
    }
  };
}

export type Protect = ReturnType<typeof createGuard>;

function enter(flags: Int32Array): void {
  for (;;) {
    Atomics.store(flags, PROTECTED, 1);
    if (Atomics.load(flags, TERMINATING) === 0) return;
    Atomics.store(flags, PROTECTED, 0);
    // A termination is on its way: be stopped here, where nothing is lost, or go on when it is over.
    Atomics.wait(flags, TERMINATING, 1, 1000);
  }
}
