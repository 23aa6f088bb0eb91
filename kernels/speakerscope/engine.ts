import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { defineGlobals } from "./deno.js";
import { format, useColors } from "./display/format.js";
import { createGuard, INTERRUPTS, PROMPT, type Protect } from "./flags.js";
import { type Host, setHost } from "./host.js";
import { encodeBundle, toJson } from "./json.js";
import { complete, inspectAt } from "./language.js";
import { createMagics, type Magics } from "./magics.js";
import type { CellRequest, FromMain, Outcome, Question, ToMain } from "./messages.js";
import type { ErrorContent, MimeBundle, Payload } from "./replies.js";
import { type CellValue, Session } from "./session.js";
import { cellName, errorContent, installStackTraces, KernelInterrupted } from "./traceback.js";

interface EngineOptions {
  flags: Int32Array;
  promptPort: MessagePort;
  /** Where relative imports of cells begin. */
  folder: string;
  post(message: FromMain, transfer?: ArrayBuffer[]): void;
  /** Ends the process. */
  exit(): void;
}

interface Running extends CellRequest {
  abort: AbortController;
  timed: boolean;
  started: boolean;
  interrupts: number;
  payload: Payload[];
  atEnd: (() => void)[];
  pending: Promise<unknown>[];
}

/** Texts of cells whose traces may still turn up. */
const keptSources = 1000;

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/**
 * The main thread's part: runs one cell at a time and answers questions about the language.
 *
 * An interrupt may end its JavaScript anywhere outside `protect`. Hence nothing that must happen depends on the stack
 * that runs a cell: `#finish` is reached from that stack, or from the interrupt's message, whichever comes first.
 */
export class Engine {
  readonly #o: EngineOptions;
  readonly #protect: Protect;
  readonly #session: Session;
  readonly #magics: Magics;
  readonly #received = new Set<number>();
  readonly #sources = new Map<string, string>();
  readonly #inputs = new Map<number, (value: string) => void>();
  readonly #colors = useColors();
  #current: Running | null = null;
  #last: Running | null = null;
  /** The id of the cell that ended last; ids rise. */
  #done = 0;

  constructor(options: EngineOptions) {
    this.#o = options;
    this.#protect = createGuard(options.flags);
    this.#session = new Session(options.folder);
    this.#session.onCompiled = (isTimed) => {
      const cell = this.#current;
      if (!cell) return;
      if (cell.interrupts !== Atomics.load(this.#o.flags, INTERRUPTS)) throw new KernelInterrupted();
      cell.timed = isTimed;
      if (isTimed) this.#magics.begin();
    };
    installStackTraces((name, line, column) => this.#session.mapBack(name, line, column));
    const host = this.#host();
    setHost(host);
    defineGlobals(host);
    this.#magics = createMagics(this.#session, host, (item) => this.#current?.payload.push(item));
    Object.assign(globalThis, { __magic__: this.#magics });
    this.#takeOverProcess();
  }

  /** Takes a message of the worker; it may come twice. */
  receive(message: ToMain & { serial: number }): void {
    this.#protect(() => {
      if (this.#received.has(message.serial)) return;
      const acknowledge = () => {
        this.#received.add(message.serial);
        this.#o.post({ type: "acknowledge", serial: message.serial });
      };
      // A cell is heard only when it runs: until then what an interrupted cell left may hold the thread.
      if (message.type === "execute") return this.#begin(message.cell, acknowledge);
      acknowledge();
      if (message.type === "question") void this.#answer(message);
      else if (message.type === "interrupt") {
        if (message.cell === this.#current?.id) this.#interrupt();
      } else if (message.type === "input") {
        this.#inputs.get(message.cell)?.(message.value);
        this.#inputs.delete(message.cell);
      } else {
        this.#current?.abort.abort(new KernelInterrupted());
        setImmediate(this.#o.exit);
      }
    });
  }

  #begin(request: CellRequest, acknowledge: () => void): void {
    if (request.id <= this.#done) {
      acknowledge();
      return;
    }
    if (this.#current?.id !== request.id)
      this.#current = {
        ...request,
        abort: new AbortController(),
        timed: false,
        started: false,
        interrupts: Atomics.load(this.#o.flags, INTERRUPTS),
        payload: [],
        atEnd: [],
        pending: [],
      };
    const cell = this.#current;
    this.#last = cell;
    setImmediate(() => {
      this.#protect(acknowledge);
      if (this.#current !== cell || cell.started) return;
      cell.started = true;
      void this.#run(cell);
    });
  }

  async #run(cell: Running): Promise<void> {
    const name = cellName(cell.count);
    this.#remember(name, cell.code);
    try {
      const value = await this.#session.execute(cell.code, name);
      if (cell.timed) this.#magics.end();
      await Promise.all(cell.pending);
      // What was rejected meanwhile and nobody caught is reported in these turns.
      await nextTurn();
      await nextTurn();
      if (this.#current !== cell) return;
      const resultText = await this.#showResult(cell, value);
      const expressions = await this.#evaluate(cell.expressions);
      this.#finish(cell, { error: null, resultText, expressions, payload: cell.payload });
    } catch (error) {
      this.#fail(cell, error);
    }
  }

  async #showResult(cell: Running, value: CellValue): Promise<string | null> {
    if (cell.silent || value === null || value.value === undefined) return null;
    const bundle = await format(value.value, this.#colors);
    if (bundle === null || this.#current !== cell) return null;
    const data = encodeBundle(bundle);
    this.#publish(cell.id, "execute_result", { data, metadata: {}, execution_count: cell.count });
    return typeof data["text/plain"] === "string" ? data["text/plain"] : null;
  }

  async #evaluate(expressions: Record<string, string>): Promise<Record<string, unknown>> {
    const results: Record<string, unknown> = {};
    for (const [name, expression] of Object.entries(expressions))
      try {
        const value = await this.#session.evaluate(expression);
        const data = encodeBundle((await format(value, false)) ?? {});
        results[name] = { status: "ok", data: JSON.parse(toJson(data)), metadata: {} };
      } catch (error) {
        results[name] = { status: "error", ...errorContent(error, "expression", () => undefined, false) };
      }
    return results;
  }

  #fail(cell: Running, error: unknown): void {
    if (this.#current !== cell) return;
    // What fails because it was interrupted (a child process that got the signal) is an interrupt, too.
    const isInterrupted = cell.interrupts !== Atomics.load(this.#o.flags, INTERRUPTS);
    const content = errorContent(
      isInterrupted ? new KernelInterrupted() : error,
      cellName(cell.count),
      (name) => this.#sources.get(name),
      this.#colors,
    );
    this.#finish(cell, { error: content, resultText: null, expressions: {}, payload: [] });
  }

  #finish(cell: Running, outcome: Outcome): void {
    this.#protect(() => {
      if (this.#current !== cell) return;
      if (outcome.error) this.#session.abandon();
      for (const work of cell.atEnd) work();
      this.#current = null;
      this.#done = cell.id;
      this.#o.post({ type: "done", cell: cell.id, outcome });
    });
  }

  #interrupt(): void {
    const cell = this.#current;
    if (!cell) return;
    const reason = new KernelInterrupted();
    cell.abort.abort(reason);
    this.#fail(cell, reason);
  }

  async #answer({ serial, ...question }: Question & { serial: number }): Promise<void> {
    try {
      const answer = await this.#askLanguage(question);
      this.#o.post({ type: "answer", serial, answer });
    } catch (error) {
      const content: ErrorContent = errorContent(error, "", () => undefined, false);
      this.#o.post({ type: "answer", serial, answer: null, error: content });
    }
  }

  #askLanguage(question: Question): Promise<unknown> {
    const session = this.#session;
    if (question.ask === "complete") return complete(session, question.code, question.position);
    if (question.ask === "inspect")
      return inspectAt(session, question.code, question.position, question.detail);
    return session.completeness(question.code);
  }

  #publish(
    cell: number | null,
    message: string,
    content: Record<string, unknown>,
    extra: { metadata?: MimeBundle; buffers?: Uint8Array[] } = {},
  ): void {
    this.#o.post({ type: "publish", cell, message, content: toJson(content), ...extra });
  }

  #remember(name: string, code: string): void {
    this.#sources.delete(name);
    this.#sources.set(name, code);
    if (this.#sources.size > keptSources) this.#sources.delete(this.#sources.keys().next().value as string);
  }

  #host(): Host {
    const writing = () => (this.#current ?? this.#last)?.id ?? null;
    const running = () => {
      if (!this.#current) throw new Error("input: unsupported outside a running cell");
      return this.#current;
    };
    return {
      cell: writing,
      publish: (cell, message, content, extra) => this.#publish(cell, message, content, extra),
      format: (value) => format(value, this.#colors),
      settle: (work) => void this.#current?.pending.push(work),
      atEnd: (work) => void this.#current?.atEnd.push(work),
      signal: () => (this.#current ?? this.#last ?? { abort: new AbortController() }).abort.signal,
      input: (prompt, password) => {
        const cell = running();
        if (!cell.allowStdin)
          return Promise.reject(new Error("input: unsupported: nobody is here to answer"));
        this.#o.post({ type: "prompt", cell: cell.id, prompt, password, wait: false });
        return new Promise((resolve) => this.#inputs.set(cell.id, resolve));
      },
      inputSync: (prompt) => {
        const cell = running();
        return cell.allowStdin ? this.#waitForAnswer(cell, prompt) : null;
      },
    };
  }

  #waitForAnswer(cell: Running, prompt: string): string | null {
    const { flags, promptPort, post } = this.#o;
    Atomics.store(flags, PROMPT, 1);
    post({ type: "prompt", cell: cell.id, prompt, password: false, wait: true });
    while (Atomics.load(flags, PROMPT) === 1) Atomics.wait(flags, PROMPT, 1, 1000);
    Atomics.store(flags, PROMPT, 0);
    if (cell.interrupts !== Atomics.load(flags, INTERRUPTS)) throw new KernelInterrupted();
    return (receiveMessageOnPort(promptPort)?.message as string | undefined) ?? null;
  }

  /** Output, stray errors and signals of the process belong to cells from now on. */
  #takeOverProcess(): void {
    for (const name of ["stdout", "stderr"] as const)
      process[name].write = ((chunk: string | Uint8Array, encoding?: unknown, done?: () => void): boolean => {
        const text = typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8");
        const cell = (this.#current ?? this.#last)?.id ?? null;
        if (text) this.#o.post({ type: "stream", cell, name, text });
        const callback = typeof encoding === "function" ? (encoding as () => void) : done;
        if (callback) process.nextTick(callback);
        return true;
      }) as typeof process.stdout.write;
    const stray = (what: string) => (error: unknown) => {
      if (this.#current) return this.#fail(this.#current, error);
      const { traceback } = errorContent(error, "", (n) => this.#sources.get(n), this.#colors);
      process.stderr.write(`${what} after its cell had ended:\n${traceback.join("\n")}\n`);
    };
    process.on("unhandledRejection", stray("Unhandled rejection"));
    process.on("uncaughtException", stray("Uncaught exception"));
    process.on("SIGINT", () => this.#protect(() => this.#interrupt()));
  }
}
