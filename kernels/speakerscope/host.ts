import type { Call, Comms } from "./comms.js";
import type { Publish } from "./messages.js";
import type { MimeBundle } from "./replies.js";

/**
 * The running kernel, as `speakerscope/kernel` and the globals of a cell see it. It hangs on a global symbol, so that
 * every copy of the module, wherever it was installed, finds the same kernel, or none.
 */
export interface Host {
  /** The cell whose output this is; keep it to go on writing there when the next cell runs. */
  cell(): number | null;
  /** Sends a message to every client. */
  publish: Publish;
  format(value: unknown): MimeBundle | null | Promise<MimeBundle | null>;
  /** Lets the cell wait for this before it ends. */
  settle(work: Promise<unknown>): void;
  /** Runs when the cell ends, however it does. */
  atEnd(work: () => void): void;
  input(prompt: string, password: boolean): Promise<string>;
  /** Blocks; null when no client can answer. */
  inputSync(prompt: string): string | null;
  signal(): AbortSignal;
  comms(): Comms;
  /** `widget` of speakerscope/kernel, for values of libraries that show themselves as one. */
  widget(options: { esm: string; css?: string; html?: string; text?: string }): unknown;
  /** Calls code as part of its cell; an error is printed there, and goes no further. */
  call(call: Call): void;
  /** Whether a person is at the other end, and not nbclient or papermill. */
  isAttended(): boolean;
}

const key = Symbol.for("speakerscope.kernel");
const place = globalThis as { [key]?: Host };

/** The kernel that runs this code; undefined in a plain Node.js process. */
export const host = (): Host | undefined => place[key];

export function setHost(value: Host): void {
  place[key] = value;
}
