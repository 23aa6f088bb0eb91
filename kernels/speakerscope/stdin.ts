import readline from "node:readline";
import readlinePromises from "node:readline/promises";
import { Readable } from "node:stream";
import { promisify } from "node:util";
import { native } from "./intrinsics.js";

interface StdinOptions {
  /** Asks the user; null when nobody can answer. */
  ask(prompt: string): Promise<string> | null;
  /** Keeps the cell running: a pending callback may be all that is left of it. */
  settle(work: Promise<unknown>): void;
  /** Takes what the cell has printed since its last newline: the prompt. */
  takeLastLine(): string;
}

type Interface = readline.Interface | readlinePromises.Interface;
type Answer = (answer: string) => void;

/**
 * Makes `process.stdin` and `readline` ask the user, as `input()` does: reading a line is a question.
 *
 * A terminal can be read in advance; a notebook cannot. So the user is asked only while somebody wants a line: a listener, or a
 * readline interface with a question or a listener.
 *
 * @returns a function that ends the stream, to be called when the cell ends
 */
export function takeOverStdin(options: StdinOptions): () => void {
  let stdin: Stdin | null = null;
  const current = (): Stdin => {
    if (!stdin || stdin.destroyed || stdin.readableEnded) stdin = new Stdin(options);
    return stdin;
  };
  Object.defineProperty(process, "stdin", { configurable: true, enumerable: true, get: current });
  for (const module of [readline, readlinePromises]) {
    const create = module.createInterface as unknown as (...args: unknown[]) => Interface;
    Object.assign(module, {
      createInterface(...args: unknown[]) {
        const lines = create(...args);
        const { input } = lines as unknown as { input: unknown };
        if (input instanceof Stdin) connect(lines, input, options);
        return lines;
      },
    });
  }
  return () => {
    stdin?.stop();
  };
}

class Stdin extends Readable {
  readonly fd = 0;
  readonly #o: StdinOptions;
  /** Readline interfaces read all the time, so they count only while somebody waits for their lines. */
  readonly interfaces = new Set<Interface>();
  #wantsLine = false;
  #isAsking = false;

  constructor(options: StdinOptions) {
    // Do not read ahead: it would ask a question that nobody wants.
    super({ highWaterMark: 1 });
    this.#o = options;
    this.on("newListener", () => this.wake());
    // Leaving a `for await` loop destroys the stream; later readers should not see that as an error.
    this.on("error", () => {});
  }

  override _read(): void {
    this.#wantsLine = true;
    this.wake();
  }

  /** Asks in the next turn of the event loop, when it is known who reads. */
  wake(): void {
    native.setImmediate(() => {
      if (this.destroyed || !this.#wantsLine || this.#isAsking || !this.#isHeard()) return;
      const answer = this.#o.ask(this.#o.takeLastLine());
      this.#wantsLine = false;
      if (!answer) return void this.push(null);
      this.#isAsking = true;
      this.#o.settle(
        native.Promise.race([answer, new native.Promise((resolve) => this.once("close", resolve))]),
      );
      void answer.then((line) => {
        this.#isAsking = false;
        this.push(`${line}\n`);
      });
    });
  }

  /** Drops an open question when its cell ends; the next reader gets a new stream. */
  stop(): void {
    if (this.#isAsking) this.destroy();
  }

  #isHeard(): boolean {
    if ([...this.interfaces].some((lines) => lines.listenerCount("line") > 0)) return true;
    const readers =
      this.listenerCount("data") + this.listenerCount("readable") + this.listenerCount("keypress");
    return readers > this.interfaces.size;
  }
}

function connect(lines: Interface, stdin: Stdin, { ask, settle }: StdinOptions): void {
  stdin.interfaces.add(lines);
  lines.on("error" as "close", () => {});
  lines.on("close", () => stdin.interfaces.delete(lines));
  lines.on("newListener", (name) => name === "line" && stdin.wake());
  const isPromise = lines instanceof readlinePromises.Interface;
  const original = (lines.question as (...args: unknown[]) => unknown).bind(lines);
  const isClosed = () => (lines as unknown as { closed: boolean }).closed;
  const asked = (prompt: string) => {
    const answer = ask(prompt);
    if (answer) settle(answer);
    return answer;
  };
  const question = (prompt: string, options: { signal?: AbortSignal } = {}): Promise<string> =>
    isClosed() && isPromise
      ? (original(prompt, options) as Promise<string>)
      : answerOf(asked(prompt), options);
  const withCallback = (prompt: string, options: object | Answer, callback?: Answer): void => {
    const done = (typeof options === "function" ? options : callback) as Answer;
    if (isClosed()) original(prompt, done);
    else
      question(prompt, typeof options === "function" ? {} : options).then(done, (error: Error) => {
        // As in a terminal, an aborted question does not call back.
        if (error.name !== "AbortError") throw error;
      });
  };
  lines.question = (
    isPromise ? question : Object.assign(withCallback, { [promisify.custom]: question })
  ) as never;
}

function answerOf(answer: Promise<string> | null, { signal }: { signal?: AbortSignal }): Promise<string> {
  if (!answer)
    return native.Promise.reject(new Error("This client cannot answer questions, so readline has no input."));
  return new native.Promise((resolve, reject) => {
    const abort = () => reject(Object.assign(new Error("The operation was aborted"), { name: "AbortError" }));
    if (signal?.aborted) return abort();
    signal?.addEventListener("abort", abort, { once: true });
    void answer.then(resolve);
  });
}
