import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { INTERRUPTS, PROMPT } from "./flags.js";
import { native } from "./intrinsics.js";
import type { FromMain } from "./messages.js";
import { KernelInterrupted } from "./traceback.js";

interface PromptsOptions {
  flags: Int32Array;
  promptPort: MessagePort;
  post(message: FromMain): void;
}

/** The questions of cells to the user. The worker asks them one after the other. */
export class Prompts {
  readonly #o: PromptsOptions;
  readonly #waiting = new Map<number, { cell: number; resolve: (value: string) => void }>();
  #serial = 0;

  constructor(options: PromptsOptions) {
    this.#o = options;
  }

  ask(cell: number, prompt: string, password: boolean): Promise<string> {
    const id = ++this.#serial;
    this.#o.post({ type: "prompt", id, cell, prompt, password, wait: false });
    return new native.Promise((resolve) => this.#waiting.set(id, { cell, resolve }));
  }

  answer(id: number, value: string): void {
    this.#waiting.get(id)?.resolve(value);
    this.#waiting.delete(id);
  }

  /** What a cell has asked when it ends is not answered any more. */
  forget(cell: number): void {
    for (const [id, waiting] of this.#waiting) if (waiting.cell === cell) this.#waiting.delete(id);
  }

  /** Asks and blocks the thread; throws when the user interrupts. */
  askNow(cell: number, interrupts: number, prompt: string): string | null {
    const { flags, promptPort, post } = this.#o;
    // An answer that came as its question was interrupted.
    while (receiveMessageOnPort(promptPort));
    native.Atomics.store(flags, PROMPT, 1);
    post({ type: "prompt", id: ++this.#serial, cell, prompt, password: false, wait: true });
    while (native.Atomics.load(flags, PROMPT) === 1) native.Atomics.wait(flags, PROMPT, 1, 1000);
    native.Atomics.store(flags, PROMPT, 0);
    if (interrupts !== native.Atomics.load(flags, INTERRUPTS)) throw new KernelInterrupted();
    return (receiveMessageOnPort(promptPort)?.message as string | undefined) ?? null;
  }
}
