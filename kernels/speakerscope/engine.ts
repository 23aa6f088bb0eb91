import { isPromise } from "node:util/types";
import type { MessagePort } from "node:worker_threads";
import { takeOverChildren } from "./children.js";
import type { Call, Comms } from "./comms.js";
import { defineGlobals } from "./deno.js";
import { chartSize } from "./display/charts.js";
import { format, useColors } from "./display/format.js";
import { INTERRUPTS, type Protect } from "./flags.js";
import { type Host, setHost } from "./host.js";
import { native, pristine, rememberIntrinsics } from "./intrinsics.js";
import { encodeBundle, toJson } from "./json.js";
import { inspectAt } from "./language.js";
import { keepListeners } from "./listeners.js";
import { createMagics, type Magics } from "./magics.js";
import type { CellRequest, CommRequest, FromMain, Outcome, Question, ToMain } from "./messages.js";
import { Prompts } from "./prompts.js";
import type { ErrorContent, Payload } from "./replies.js";
import { createScope, type Scope } from "./scope.js";
import { type CellValue, Session } from "./session.js";
import { takeOverStdin } from "./stdin.js";
import { takeOverOutput } from "./stdio.js";
import { cellName, errorContent, installStackTraces, KernelInterrupted } from "./traceback.js";

interface EngineOptions {
  flags: Int32Array;
  /** Runs work that an interrupt must not cut short. */
  protect: Protect;
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

/** Cells whose source is kept for stack traces. */
const keptSources = 1000;
/** Messages remembered so that the same one, delivered again, is known. Few are under way at a time. */
const keptSerials = 1000;

const nextTurn = () => new native.Promise<void>((resolve) => native.setImmediate(resolve));

/**
 * Runs cells, one at a time, on the main thread, and answers questions about the language.
 *
 * An interrupt may terminate JavaScript anywhere outside `protect`, so nothing that must happen may depend on the stack
 * that runs a cell: `#finish` is called from that stack or on the interrupt's message, whichever comes first.
 */
export class Engine {
  readonly #o: EngineOptions;
  readonly #protect: Protect;
  readonly #session: Session;
  readonly #magics: Magics;
  readonly #received = new Set<number>();
  readonly #sources = new Map<string, string>();
  readonly #host: Host;
  readonly #prompts: Prompts;
  readonly #scope: Scope;
  readonly #stopStdin: () => void;
  #comms: Comms | null = null;
  readonly #colors = useColors();
  #current: Running | null = null;
  #last: Running | null = null;
  /** The id of the last cell that ended; ids increase. */
  #done = 0;

  constructor(options: EngineOptions) {
    this.#o = options;
    // The kernel's own work uses the original built-ins, whatever cells have replaced.
    this.#protect = (work) => options.protect(() => pristine(work));
    this.#prompts = new Prompts(options);
    this.#session = new Session(options.folder);
    this.#session.onCompiled = (isTimed) => {
      const cell = this.#current;
      if (!cell) return;
      if (cell.interrupts !== native.Atomics.load(this.#o.flags, INTERRUPTS)) throw new KernelInterrupted();
      cell.timed = isTimed;
      if (isTimed) this.#magics.begin();
    };
    installStackTraces((name, line, column) => this.#session.mapBack(name, line, column));
    const { prepareStackTrace } = Error;
    if (prepareStackTrace) Error.prepareStackTrace = (...it) => pristine(() => prepareStackTrace(...it));
    this.#host = this.#createHost();
    setHost(this.#host);
    defineGlobals(this.#host);
    this.#magics = createMagics(this.#session, this.#host, (item) => this.#current?.payload.push(item));
    Object.assign(globalThis, { __magic__: this.#magics });
    this.#scope = createScope(() => this.#current?.id ?? null);
    this.#stopStdin = this.#takeOverProcess();
    rememberIntrinsics();
  }

  /** Handles a message of the worker. Messages may be delivered twice. */
  receive(message: ToMain & { serial: number }): void {
    this.#protect(() => {
      if (this.#received.has(message.serial)) return;
      const acknowledge = () => {
        this.#received.add(message.serial);
        if (this.#received.size > keptSerials)
          this.#received.delete(this.#received.values().next().value as number);
        this.#o.post({ type: "acknowledge", serial: message.serial });
      };
      // A cell is acknowledged when it starts: until then, leftovers of an interrupted cell may block the thread.
      if (message.type === "execute") return this.#begin(message.cell, acknowledge);
      if (message.type === "comm") return this.#hear(message.comm, message.serial, acknowledge);
      acknowledge();
      if (message.type === "question") void this.#answer(message);
      else if (message.type === "interrupt") {
        if (message.cell === this.#current?.id) this.#interrupt();
      } else if (message.type === "input") this.#prompts.answer(message.prompt, message.value);
      else {
        this.#current?.abort.abort(new KernelInterrupted());
        native.setImmediate(this.#o.exit);
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
        abort: new native.AbortController(),
        timed: false,
        started: false,
        interrupts: native.Atomics.load(this.#o.flags, INTERRUPTS),
        payload: [],
        atEnd: [],
        pending: [],
      };
    const cell = this.#current;
    this.#last = cell;
    native.setImmediate(() => {
      this.#protect(acknowledge);
      if (this.#current !== cell || cell.started) return;
      cell.started = true;
      pristine(() => this.#scope.run(cell.id, () => void this.#run(cell)));
    });
  }

  /**
   * Callbacks run in a turn of their own, between cells or while one awaits. An interrupt may end them anywhere; the
   * state has changed before, where it cannot.
   */
  #hear(message: CommRequest, serial: number, acknowledge: () => void): void {
    native.setImmediate(() => {
      if (this.#received.has(serial)) return;
      let calls: Call[] = [];
      let failure: ErrorContent | undefined;
      this.#protect(() => {
        acknowledge();
        try {
          calls = this.#host.comms().receive(message);
        } catch (error) {
          failure = errorContent(error, "", () => undefined, false);
        }
      });
      for (let i = 0; i < calls.length; i++) this.#call(calls[i]);
      this.#protect(() =>
        this.#o.post({ type: "answer", serial, answer: null, ...(failure && { error: failure }) }),
      );
    });
  }

  #call({ cell, what, run }: Call): void {
    const report = (error: unknown) =>
      pristine(() => {
        const { traceback } = errorContent(error, "", (n) => this.#sources.get(n), this.#colors);
        const text = `${what} failed:\n${traceback.join("\n")}\n`;
        this.#o.post({ type: "stream", cell: cell ?? this.#host.cell(), name: "stderr", text });
      });
    const within = async () => {
      try {
        const result = run();
        if (isPromise(result)) await result;
      } catch (error) {
        report(error);
      }
    };
    if (cell === null) void within();
    else this.#scope.run(cell, () => void within());
  }

  async #run(cell: Running): Promise<void> {
    const name = cellName(cell.count);
    pristine(() => this.#remember(name, cell.code));
    try {
      const value = await pristine(() => this.#session.execute(cell.code, name));
      if (cell.timed) this.#magics.end();
      do {
        await pristine(() => native.Promise.all(cell.pending.splice(0)));
        // Unhandled rejections are reported in these turns of the event loop.
        await nextTurn();
        await nextTurn();
      } while (cell.pending.length > 0);
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
    const bundle = await pristine(() => format(value.value, this.#colors));
    if (bundle === null || this.#current !== cell) return null;
    const { data, metadata } = pristine(() => {
      const data = encodeBundle(bundle);
      return { data, metadata: chartSize(data) };
    });
    this.#publish(cell.id, "execute_result", { data, metadata, execution_count: cell.count });
    return typeof data["text/plain"] === "string" ? data["text/plain"] : null;
  }

  async #evaluate(expressions: Record<string, string>): Promise<Record<string, unknown>> {
    const results: Record<string, unknown> = {};
    const names = pristine(() => Object.keys(expressions));
    for (let i = 0; i < names.length; i++) results[names[i]] = await this.#evaluateOne(expressions[names[i]]);
    return results;
  }

  async #evaluateOne(expression: string): Promise<object> {
    try {
      const value = await pristine(() => this.#session.evaluate(expression));
      const bundle = (await pristine(() => format(value, false))) ?? {};
      return pristine(() => ({ status: "ok", data: JSON.parse(toJson(encodeBundle(bundle))), metadata: {} }));
    } catch (error) {
      const content = pristine(() => errorContent(error, "expression", () => undefined, false));
      return { status: "error", ...content };
    }
  }

  #fail(cell: Running, error: unknown): void {
    if (this.#current !== cell) return;
    // A failure caused by the interrupt, such as a child process that got SIGINT, is reported as the interrupt.
    const isInterrupted = cell.interrupts !== native.Atomics.load(this.#o.flags, INTERRUPTS);
    const content = pristine(() =>
      errorContent(
        isInterrupted ? new KernelInterrupted() : error,
        cellName(cell.count),
        (name) => this.#sources.get(name),
        this.#colors,
      ),
    );
    this.#finish(cell, { error: content, resultText: null, expressions: {}, payload: [] });
  }

  #finish(cell: Running, outcome: Outcome): void {
    this.#protect(() => {
      if (this.#current !== cell) return;
      if (outcome.error) this.#session.abandon();
      for (const work of cell.atEnd) work();
      this.#stopStdin();
      this.#prompts.forget(cell.id);
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
      const answer = await pristine(() => this.#askLanguage(question));
      this.#o.post({ type: "answer", serial, answer });
    } catch (error) {
      const content: ErrorContent = pristine(() => errorContent(error, "", () => undefined, false));
      this.#o.post({ type: "answer", serial, answer: null, error: content });
    }
  }

  #askLanguage(question: Question): Promise<unknown> {
    const session = this.#session;
    if (question.ask === "complete") return session.complete(question.code, question.position);
    if (question.ask === "inspect")
      return inspectAt(session, question.code, question.position, question.detail);
    return session.completeness(question.code);
  }

  #publish: Host["publish"] = (cell, type, content, extra) => {
    const { post } = this.#o;
    pristine(() => post({ type: "publish", cell, outgoing: { type, content: toJson(content), ...extra } }));
  };

  #remember(name: string, code: string): void {
    this.#sources.delete(name);
    this.#sources.set(name, code);
    if (this.#sources.size > keptSources) this.#sources.delete(this.#sources.keys().next().value as string);
  }

  #createHost(): Host {
    const writing = () => this.#scope.cell() ?? (this.#current ?? this.#last)?.id ?? null;
    const running = () => {
      if (!this.#current) throw new Error("Input can only be asked for while a cell runs.");
      return this.#current;
    };
    return {
      cell: writing,
      publish: this.#publish,
      format: (value) => format(value, this.#colors),
      settle: (work) => void this.#current?.pending.push(work),
      atEnd: (work) => void this.#current?.atEnd.push(work),
      signal: () => (this.#current ?? this.#last ?? { abort: new native.AbortController() }).abort.signal,
      input: (prompt, password) => {
        const cell = running();
        if (!cell.allowStdin)
          return native.Promise.reject(new Error("input() failed: nobody is here to answer."));
        return this.#prompts.ask(cell.id, prompt, password);
      },
      comms: () => {
        // Loaded with the first comm: most sessions have none.
        const { Comms } = require("./comms.js") as typeof import("./comms.js");
        this.#comms ??= new Comms(this.#host);
        return this.#comms;
      },
      widget: (options) => (require("./widget.js") as typeof import("./widget.js")).widget(options),
      call: (call) => this.#call(call),
      isAttended: () => (this.#current ?? this.#last)?.allowStdin ?? false,
      inputSync: (prompt) => {
        const cell = running();
        return cell.allowStdin ? this.#prompts.askNow(cell.id, cell.interrupts, prompt) : null;
      },
    };
  }

  /** Redirects output, input, children, stray errors and signals of the process to cells. Returns what ends the input. */
  #takeOverProcess(): () => void {
    const { write, takeLastLine } = takeOverOutput({ post: this.#o.post, cell: () => this.#host.cell() });
    takeOverChildren(this.#scope, write);
    const stray = (what: string) => (error: unknown) => {
      const cell = this.#current;
      // What an earlier cell left running must not fail this one.
      if (cell && (this.#scope.cell() ?? cell.id) === cell.id) return this.#fail(cell, error);
      const { traceback } = pristine(() =>
        errorContent(error, "", (n) => this.#sources.get(n), this.#colors),
      );
      write("stderr", `${what} after its cell had ended:\n${traceback.join("\n")}\n`);
    };
    keepListeners({
      unhandledRejection: stray("Unhandled rejection"),
      uncaughtException: stray("Uncaught exception"),
      SIGINT: () => this.#protect(() => this.#interrupt()),
    });
    return takeOverStdin({
      takeLastLine,
      ask: (prompt) => {
        const cell = this.#current;
        return cell?.allowStdin ? this.#prompts.ask(cell.id, prompt, false) : null;
      },
      settle: (work) => this.#host.settle(work),
    });
  }
}
