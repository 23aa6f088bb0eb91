import readline from "node:readline";
import readlinePromises from "node:readline/promises";
import { Readable } from "node:stream";
import { promisify } from "node:util";
import { native } from "./intrinsics.js";

interface StdinOptions {
  /** Asks the user; null when nobody can answer. */
  ask(prompt: string): Promise<string> | null;
  /** Lets the cell wait: a callback may be all that is left of it. */
  settle(work: Promise<unknown>): void;
  /** What the cell has printed since its last line end, which is its prompt. */
  takeLastLine(): string;
}

type Interface = readline.Interface | readlinePromises.Interface;
type Answer = (answer: string) => void;

/**
 * `process.stdin` and `readline` ask the user, as `input()` does: each line that is read is a question.
 *
 * A terminal can be listened to without anything being asked. So a line is asked for only while somebody wants one: a
 * listener, or a readline interface that was asked a question or is listened to.
 *
 * @returns ends the stream: called when a cell ends, which leaves nobody to ask
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
  /** Interfaces read all the time; they do not count as long as nobody waits for their lines. */
  readonly interfaces = new Set<Interface>();
  #wantsLine = false;
  #isAsking = false;

  constructor(options: StdinOptions) {
    // Nothing is read ahead: that would be a question too many.
    super({ highWaterMark: 1 });
    this.#o = options;
    this.on("newListener", () => this.wake());
    // Who leaves a loop over it destroys it, which is no error of anybody else.
    this.on("error", () => {});
  }

  override _read(): void {
    this.#wantsLine = true;
    this.wake();
  }

  /** Asks in a turn of its own: by then it is known who reads. */
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

  /** A question that is open when its cell ends gets no answer: who reads next begins with a new stream. */
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
        // As in a terminal, whoever gives up hears nothing.
        if (error.name !== "AbortError") throw error;
      });
  };
  lines.question = (
    isPromise ? question : Object.assign(withCallback, { [promisify.custom]: question })
  ) as never;
}

function answerOf(answer: Promise<string> | null, { signal }: { signal?: AbortSignal }): Promise<string> {
  if (!answer) return native.Promise.reject(new Error("readline: nobody is here to answer."));
  return new native.Promise((resolve, reject) => {
    const abort = () => reject(Object.assign(new Error("The operation was aborted"), { name: "AbortError" }));
    if (signal?.aborted) return abort();
    signal?.addEventListener("abort", abort, { once: true });
    void answer.then(resolve);
  });
}
