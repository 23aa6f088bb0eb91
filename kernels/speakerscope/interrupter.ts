import { Session } from "node:inspector";
import { INTERRUPTS, PROMPT, PROTECTED, TERMINATING } from "./flags.js";

interface InterrupterOptions {
  flags: Int32Array;
  /** Posts the request to the main thread; the number that its acknowledgement will carry. */
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

/** An event loop that turns answers within this time. */
const politeMs = 120;
/** Time for a cell that heeds its abort signal to bring its own processes down. */
const childrenMs = 300;
const nativeMs = 800;
/** What an interrupted cell left running may hold up the next one for so long. */
const abandonedMs = 500;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Stops what the main thread does.
 *
 * First by a message, which a cell that awaits something can hear; when no acknowledgement comes, a busy loop holds
 * the thread, and V8 is asked to end it. State is kept either way. Native code is only stopped when it returns.
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
  /** The message that the main thread must hear next. */
  let wanted = 0;

  async function interrupt(): Promise<void> {
    Atomics.add(flags, INTERRUPTS, 1);
    // A synchronous prompt sleeps on this word.
    if (Atomics.compareExchange(flags, PROMPT, 1, 2) === 1) Atomics.notify(flags, PROMPT);
    // Those of now: what the next cell starts meanwhile is not meant.
    const started = children();
    setTimeout(() => started.forEach(stop), childrenMs);
    await getThrough(post(), politeMs);
  }

  /**
   * Clears the way for a message that follows an interrupt: what the interrupted cell had awaited goes on in it, and may
   * hold the thread although its cell is over.
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
      // A main thread that went idle in between is stopped in the first JavaScript it runs: give it some.
      const began = Date.now();
      const nudge = setInterval(() => {
        repeat();
        // A call that waits for a process of its own returns when that ends.
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
