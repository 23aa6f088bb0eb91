import type { Call } from "./comms.js";
import { host } from "./host.js";

// biome-ignore lint/suspicious/noExplicitAny: each event has arguments of its own
type Callback = (...args: any[]) => unknown;

/** Callbacks of cells by event. Each belongs to the cell that gave it: what it prints, and its errors, appear there. */
export class Callbacks {
  readonly #of: string;
  readonly #events = new Map<string, Set<{ cell: number | null; callback: Callback }>>();

  /** @param of whose callbacks they are, for the line above an error */
  constructor(of: string) {
    this.#of = of;
  }

  /** Adds one; the function that it gives removes it. */
  on(event: string, callback: Callback): () => void {
    if (typeof callback !== "function")
      throw new TypeError(`on("${event}", …) needs a function, not ${typeof callback}.`);
    const item = { cell: host()?.cell() ?? null, callback };
    const items = this.#events.get(event) ?? new Set();
    this.#events.set(event, items.add(item));
    return () => void items.delete(item);
  }

  /** What has to be called for an event. */
  calls(event: string, ...args: unknown[]): Call[] {
    return [...(this.#events.get(event) ?? [])].map(({ cell, callback }) => ({
      cell,
      what: `A callback of ${this.#of} for "${event}"`,
      run: () => callback(...args),
    }));
  }

  /** Calls them now. */
  emit(event: string, ...args: unknown[]): void {
    const kernel = host();
    for (const call of this.calls(event, ...args))
      if (kernel) kernel.call(call);
      else call.run();
  }

  clear(): void {
    this.#events.clear();
  }
}
