import { toPoints, toUnits } from "./code-points.js";
import type { History, HistoryRequest } from "./history.js";
import { log } from "./log.js";
import type { CellRequest, Completeness, CompletionList, Outcome, Question } from "./messages.js";
import * as replies from "./replies.js";
import type { Channel, Sockets } from "./sockets.js";
import type { Codec, Header, Message, Outgoing } from "./wire.js";

/** What the protocol core needs of a language; the real one lives in another thread, a test's is an object. */
export interface Engine {
  execute(cell: CellRequest): Promise<Outcome>;
  ask(question: Question): Promise<unknown>;
  interrupt(): void;
  /** Resolves when the engine has come down. */
  shutdown(restart: boolean): Promise<void>;
  /** An answer to a cell's question to the user. */
  input(cell: number, value: string): void;
}

interface Cell {
  id: number;
  message: Message;
  code: string;
  silent: boolean;
  store: boolean;
  allowStdin: boolean;
  stopOnError: boolean;
}

interface ProtocolOptions {
  codec: Codec;
  sockets: Sockets;
  engine: Engine;
  history: History;
  versions: { kernel: string; typescript: string; node: string };
  /** Milliseconds in which requests that were sent before a failure's reply still arrive. */
  graceMs?: number;
}

/** Cells whose late output still finds its way. */
const rememberedCells = 500;
/** Output within this time goes out as one message: Jupyter drops what exceeds 1,000 messages a second. */
const streamMs = 15;
const streamBytes = 1 << 20;

type Handler = (message: Message, channel: Channel) => Promise<object | null> | object | null;

/**
 * The kernel as the protocol sees it: what is asked, in which order, and what is answered.
 *
 * It knows neither sockets nor TypeScript.
 */
export class Protocol {
  readonly #o: ProtocolOptions;
  readonly #queue: Cell[] = [];
  readonly #cells = new Map<number, Cell>();
  readonly #comms = new Map<string, string>();
  #running: Cell | null = null;
  #last: Cell | null = null;
  #count = 0;
  #serial = 0;
  #pending: { cell: Cell | null; name: "stdout" | "stderr"; text: string } | null = null;
  #timer: NodeJS.Timeout | undefined;

  readonly handlers: Record<string, Handler> = {
    kernel_info_request: () => replies.kernelInfo(this.#o.versions),
    complete_request: ({ content }) => this.#complete(text(content.code), Number(content.cursor_pos)),
    inspect_request: ({ content }) => this.#inspect(content),
    is_complete_request: ({ content }) =>
      this.#o.engine.ask({ ask: "isComplete", code: text(content.code) }) as Promise<Completeness>,
    history_request: ({ content }) => replies.history(this.#o.history.find(content as HistoryRequest)),
    comm_info_request: ({ content }) => replies.commInfo(this.#commsOf(content.target_name)),
    comm_open: (message) => {
      // No target can be registered here, so the protocol wants it closed at once.
      this.#publish("comm_close", replies.commClose(text(message.content.comm_id)), message.header);
      return null;
    },
    comm_msg: () => null,
    comm_close: ({ content }) => {
      this.#comms.delete(text(content.comm_id));
      return null;
    },
    interrupt_request: () => {
      this.#o.engine.interrupt();
      return replies.ok();
    },
    shutdown_request: ({ content }) => replies.shutdown(content.restart === true),
  };

  constructor(options: ProtocolOptions) {
    this.#o = options;
    this.#publish("status", replies.status("starting"));
  }

  /** Takes the frames of one message; what is not a message of this session is dropped. */
  async receive(channel: Channel, frames: Buffer[]): Promise<void> {
    let message: Message;
    try {
      message = this.#o.codec.decode(frames);
    } catch (error) {
      log(`${(error as Error).message}: dropped`);
      return;
    }
    const type = message.header.msg_type;
    if (channel === "stdin") return this.#answerInput(message);
    if (type === "execute_request") return this.#enqueue(message);
    await this.#handle(channel, message, type);
  }

  /** Standard output of a cell, collected for a moment. */
  stream(cellId: number | null, name: "stdout" | "stderr", text: string): void {
    const cell = this.#cellOf(cellId);
    if (cell?.silent) return;
    if (this.#pending && (this.#pending.cell !== cell || this.#pending.name !== name)) this.#flush();
    if (this.#pending) this.#pending.text += text;
    else {
      this.#pending = { cell, name, text };
      this.#timer = setTimeout(() => this.#flush(), streamMs);
    }
    if (this.#pending.text.length > streamBytes) this.#flush();
  }

  /** A message of a cell to every client. */
  publish(cellId: number | null, message: Outgoing): void {
    const cell = this.#cellOf(cellId);
    if (cell?.silent) return;
    if (message.type === "comm_open" || message.type === "comm_close") this.#track(message);
    this.#flush();
    void this.#o.sockets.publish(
      this.#o.codec.encode([message.type], { ...message, parent: cell?.message.header }),
    );
  }

  /** Asks the user of the client that sent the cell; false when that client takes no questions. */
  requestInput(cellId: number, prompt: string, password: boolean): boolean {
    const cell = this.#cells.get(cellId);
    if (!cell?.allowStdin) return false;
    this.#flush();
    void this.#o.sockets.send(
      "stdin",
      this.#o.codec.encode(cell.message.identities, {
        type: "input_request",
        content: replies.inputRequest(prompt, password),
        parent: cell.message.header,
      }),
    );
    return true;
  }

  async #handle(channel: Channel, message: Message, type: string): Promise<void> {
    const handler = Object.hasOwn(this.handlers, type) ? this.handlers[type] : null;
    this.#publish("status", replies.status("busy"), message.header);
    let content: object | null = null;
    if (handler)
      try {
        content = await handler(message, channel);
      } catch (error) {
        content = replies.failed(errorOf(error));
      }
    const reply = type.replace("_request", "_reply");
    let sent: Promise<void> | undefined;
    if (content) sent = this.#reply(channel, message, reply, content);
    if (type === "shutdown_request") await this.#shutDown(message, content as object, sent);
    this.#publish("status", replies.status("idle"), message.header);
    // Clients take the last status they saw for the kernel's: a question must not make a busy kernel look idle.
    if (this.#running && this.#running.message.header !== message.header)
      this.#publish("status", replies.status("busy"), this.#running.message.header);
  }

  async #shutDown(message: Message, content: object, sent: Promise<void> | undefined): Promise<void> {
    this.#flush();
    this.#publish("shutdown_reply", content, message.header);
    await sent;
    await this.#o.engine.shutdown(message.content.restart === true);
  }

  #enqueue(message: Message): void {
    const { content } = message;
    const silent = content.silent === true;
    const cell: Cell = {
      id: ++this.#serial,
      message,
      code: text(content.code),
      silent,
      store: !silent && content.store_history !== false,
      allowStdin: content.allow_stdin === true,
      stopOnError: content.stop_on_error !== false,
    };
    this.#cells.set(cell.id, cell);
    if (this.#cells.size > rememberedCells) this.#cells.delete(this.#cells.keys().next().value as number);
    this.#queue.push(cell);
    if (!this.#running) void this.#work();
  }

  async #work(): Promise<void> {
    for (let cell = this.#queue.shift(); cell; cell = this.#queue.shift()) {
      this.#running = cell;
      this.#last = cell;
      await this.#execute(cell);
      this.#running = null;
    }
  }

  async #execute(cell: Cell): Promise<void> {
    const { header, content } = cell.message;
    const { engine, history } = this.#o;
    if (cell.store) this.#count++;
    const count = this.#count;
    this.#publish("status", replies.status("busy"), header);
    if (!cell.silent) this.#publish("execute_input", replies.executeInput(cell.code, count), header);
    if (cell.store) history.add(count, cell.code);
    const outcome = await engine.execute({
      id: cell.id,
      code: cell.code,
      count,
      silent: cell.silent,
      allowStdin: cell.allowStdin,
      expressions: (content.user_expressions ?? {}) as Record<string, string>,
    });
    if (cell.store && outcome.resultText !== null) history.setOutput(count, outcome.resultText);
    this.#flush();
    let aborted: Cell[] = [];
    if (outcome.error) {
      if (!cell.silent) this.#publish("error", { ...outcome.error }, header);
      if (cell.stopOnError) {
        await new Promise((resolve) => setTimeout(resolve, this.#o.graceMs ?? 20));
        aborted = this.#queue.splice(0);
      }
    }
    const reply = outcome.error
      ? replies.executeError(count, outcome.error)
      : replies.executeOk(count, outcome.expressions, outcome.payload);
    void this.#reply("shell", cell.message, "execute_reply", reply);
    this.#publish("status", replies.status("idle"), header);
    for (const next of aborted) this.#abort(next);
  }

  #abort({ message }: Cell): void {
    this.#publish("status", replies.status("busy"), message.header);
    void this.#reply("shell", message, "execute_reply", replies.executeAborted());
    this.#publish("status", replies.status("idle"), message.header);
  }

  async #complete(code: string, position: number): Promise<object> {
    const found = (await this.#o.engine.ask({
      ask: "complete",
      code,
      position: toUnits(code, position),
    })) as CompletionList;
    return replies.complete({
      matches: found.matches,
      types: found.types,
      start: toPoints(code, found.start),
      end: toPoints(code, found.end),
    });
  }

  async #inspect(content: Record<string, unknown>): Promise<object> {
    const code = text(content.code);
    const data = await this.#o.engine.ask({
      ask: "inspect",
      code,
      position: toUnits(code, Number(content.cursor_pos)),
      detail: content.detail_level === 1 ? 1 : 0,
    });
    return replies.inspect(data as replies.MimeBundle | null);
  }

  #answerInput(message: Message): void {
    if (message.header.msg_type !== "input_reply" || !this.#running) return;
    this.#o.engine.input(this.#running.id, text(message.content.value));
  }

  #commsOf(target: unknown): Map<string, string> {
    if (!target) return this.#comms;
    return new Map([...this.#comms].filter(([, name]) => name === target));
  }

  #track({ type, content }: Outgoing): void {
    const { comm_id, target_name } = typeof content === "string" ? JSON.parse(content) : content;
    if (type === "comm_open") this.#comms.set(String(comm_id), String(target_name));
    else this.#comms.delete(String(comm_id));
  }

  /** Output that belongs to no cell any more goes to the last one, as a terminal would show it. */
  #cellOf(id: number | null): Cell | null {
    return (id === null ? null : this.#cells.get(id)) ?? this.#last;
  }

  #flush(): void {
    if (!this.#pending) return;
    clearTimeout(this.#timer);
    const { cell, name, text } = this.#pending;
    this.#pending = null;
    this.#publish("stream", replies.stream(name, text), cell?.message.header);
  }

  #publish(type: string, content: object, parent?: Header): void {
    const outgoing = { type, content: content as Record<string, unknown>, parent };
    void this.#o.sockets.publish(this.#o.codec.encode([type], outgoing));
  }

  #reply(channel: Channel, message: Message, type: string, content: object): Promise<void> {
    return this.#o.sockets.send(
      channel,
      this.#o.codec.encode(message.identities, {
        type,
        content: content as Record<string, unknown>,
        parent: message.header,
      }),
    );
  }
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");

function errorOf(error: unknown): replies.ErrorContent {
  const e = error instanceof Error ? error : new Error(String(error));
  return { ename: e.name, evalue: e.message, traceback: (e.stack ?? e.message).split("\n") };
}
