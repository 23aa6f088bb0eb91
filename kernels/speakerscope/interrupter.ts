import { Session } from "node:inspector";
import { INTERRUPTS, PROMPT, PROTECTED, TERMINATING } from "./flags.js";

interface InterrupterOptions {
  flags: Int32Array;
  /** Posts the request to the main thread; returns the serial number of its acknowledgement. */
  post: () => number;
  acknowledged: (serial: number) => boolean;
  /** Posts again what the main thread has not acknowledged. */
  repeat: () => void;
  /** The processes that cells have started. */
  children: () => number[];
  /** Asks a process to stop. */
  stop: (pid: number) => void;
  /** Tells the user why it takes longer. */
  tell: (text: string) => void;
}

/** A main thread that is not busy answers within this time. */
const politeMs = 120;
/** Time for a cell that uses its abort signal to stop its own processes. */
const childrenMs = 300;
const nativeMs = 800;
/** How long leftovers of an interrupted cell may delay the next one. */
const abandonedMs = 500;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Stops the running cell.
 *
 * First by a message, which reaches a cell that is waiting. Without an acknowledgement the cell is in a busy loop, and V8 is asked to
 * terminate it. Variables are kept either way. Native code cannot be stopped before it returns.
 */
export function createInterrupter({
  flags,
  post,
  acknowledged,
  repeat,
  children,
  stop,
  tell,
}: InterrupterOptions) {
  let active = false;
  /** The message that the main thread has to acknowledge next. */
  let wanted = 0;

  async function interrupt(): Promise<void> {
    Atomics.add(flags, INTERRUPTS, 1);
    // A synchronous prompt waits on this flag.
    if (Atomics.compareExchange(flags, PROMPT, 1, 2) === 1) Atomics.notify(flags, PROMPT);
    // Only the children of now, not those that the next cell may start meanwhile.
    const started = children();
    setTimeout(() => started.forEach(stop), childrenMs);
    await getThrough(post(), politeMs);
  }

  /**
   * Makes sure that a message after an interrupt gets through: code of the interrupted cell may still run and block the
   * thread although the cell is over.
   */
  async function unblock(serial: number): Promise<void> {
    await sleep(abandonedMs);
    if (!acknowledged(serial)) await getThrough(serial, 0);
  }

  async function getThrough(serial: number, patienceMs: number): Promise<void> {
    wanted = serial;
    if (active) return;
    active = true;
    await sleep(patienceMs);
    while (!acknowledged(wanted)) {
      if (Atomics.load(flags, PROTECTED) === 0) await terminate();
      repeat();
      await sleep(politeMs / 4);
    }
    active = false;
  }

  async function terminate(): Promise<void> {
    Atomics.store(flags, TERMINATING, 1);
    if (Atomics.load(flags, PROTECTED) === 0) {
      const session = new Session();
      session.connectToMainThread();
      // If the main thread is idle by now, the termination hits the next JavaScript it runs: give it some.
      const began = Date.now();
      const nudge = setInterval(() => {
        repeat();
        // A native call that waits for a child process returns when that ends.
        if (Date.now() - began > childrenMs) children().forEach(stop);
      }, politeMs);
      const slow = setTimeout(
        () => tell("Interrupt: waiting for a native call to return; nothing can stop it before.\n"),
        nativeMs,
      );
      await new Promise<void>((resolve) => session.post("Runtime.terminateExecution", () => resolve()));
      clearInterval(nudge);
      clearTimeout(slow);
      session.disconnect();
    }
    Atomics.store(flags, TERMINATING, 0);
    Atomics.notify(flags, TERMINATING);
  }

  return { interrupt, unblock };
}
