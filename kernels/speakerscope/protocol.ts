import { randomUUID } from "node:crypto";
import { toPoints, toUnits } from "./code-points.js";
import type { History, HistoryRequest } from "./history.js";
import type { Completeness, Completion } from "./language/requests.js";
import { log } from "./log.js";
import type { CellRequest, CommRequest, Outcome, Question } from "./messages.js";
import * as replies from "./replies.js";
import type { Channel, Sockets } from "./sockets.js";
import type { Codec, Header, Message, Outgoing } from "./wire.js";

/** What the protocol core needs of a language. The real engine runs in another thread; tests use an object. */
export interface Engine {
  execute(cell: CellRequest): Promise<Outcome>;
  ask(question: Question): Promise<unknown>;
  /** Resolves when the message was handled: until then the next one waits. */
  comm(message: CommRequest): Promise<unknown>;
  interrupt(): void;
  /** Resolves when the engine has shut down. */
  shutdown(restart: boolean): Promise<void>;
  /** The answer to a cell's question to the user. */
  input(prompt: number, value: string): void;
  /** Tells the engine that this many bytes of output were sent or dropped, so that cells may write more. */
  release(size: number): void;
  /** Bytes of output that have not been sent yet. */
  unsent(): number;
}

interface Cell {
  id: number;
  message: Message;
  channel: Channel;
  code: string;
  silent: boolean;
  store: boolean;
  allowStdin: boolean;
  stopOnError: boolean;
  /** Bytes dropped since an interrupt; null while output is sent. */
  dropped: number | null;
  /** Settled when the comm messages that came before were handled: the cell sees what they have changed. */
  comms: Promise<unknown>;
}

/** A question of a cell to the user. */
interface Prompt {
  id: number;
  cell: Cell;
  prompt: string;
  password: boolean;
  /** The id of the input_request, once it was sent. */
  request?: string;
}

interface ProtocolOptions {
  codec: Codec;
  sockets: Sockets;
  engine: Engine;
  history: History;
  versions: { kernel: string; typescript: string; node: string };
  /** How long to wait, after a cell failed, for queued requests that must be aborted too. */
  graceMs?: number;
}

/** Cells remembered so that their late output can be attributed to them. */
const rememberedCells = 500;
/** Output within this time is sent as one message: Jupyter drops what exceeds 1,000 messages a second. */
const streamMs = 15;
const streamBytes = 1 << 18;
/** If an interrupt finds more unsent output than this, the cell is taken to print without end. */
const floodBytes = 1 << 16;

type Handler = (message: Message) => Promise<object | null> | object | null;

/**
 * The Jupyter messaging protocol: takes requests in order and answers them.
 *
 * It knows neither sockets nor TypeScript.
 */
export class Protocol {
  readonly #o: ProtocolOptions;
  readonly #queue: Cell[] = [];
  readonly #cells = new Map<number, Cell>();
  readonly #comms = new Map<string, string>();
  /** Settled when the last comm message was handled. */
  #lastComm: Promise<unknown> = Promise.resolve();
  #running: Cell | null = null;
  #last: Cell | null = null;
  #count = 0;
  #serial = 0;
  #pending: { cell: Cell | null; name: "stdout" | "stderr"; text: string } | null = null;
  /** Only the first has been sent; the others wait for its answer. */
  readonly #prompts: Prompt[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** Settled when all output until now was sent or dropped. */
  #lastOutput: Promise<void> = Promise.resolve();

  readonly handlers: Record<string, Handler> = {
    kernel_info_request: () => replies.kernelInfo(this.#o.versions),
    // Only a request without code comes here; `receive` puts the others into the queue.
    execute_request: ({ content }) => ({ code: codeOf(content) }),
    complete_request: ({ content }) => this.#complete(content),
    inspect_request: ({ content }) => this.#inspect(content),
    is_complete_request: ({ content }) =>
      this.#o.engine.ask({ ask: "isComplete", code: codeOf(content) }) as Promise<Completeness>,
    history_request: ({ content }) => replies.history(this.#o.history.find(historyRequest(content))),
    comm_info_request: ({ content }) => replies.commInfo(this.#commsOf(content.target_name)),
    comm_open: (message) => this.#comm("comm_open", message),
    comm_msg: (message) => this.#comm("comm_msg", message),
    comm_close: (message) => this.#comm("comm_close", message),
    interrupt_request: () => {
      if (this.#running && this.#o.engine.unsent() > floodBytes) this.#running.dropped ??= 0;
      this.#o.engine.interrupt();
      return replies.ok();
    },
    shutdown_request: ({ content }) => replies.shutdown(content.restart === true),
  };

  constructor(options: ProtocolOptions) {
    this.#o = options;
    this.#publish("status", replies.status("starting"));
  }

  /** Takes the frames of one message; an invalid message is logged and dropped. */
  async receive(channel: Channel, frames: Buffer[]): Promise<void> {
    try {
      const message = this.#o.codec.decode(frames);
      const type = message.header.msg_type;
      if (channel === "stdin") this.#answerInput(message);
      else if (type === "execute_request" && typeof message.content.code === "string")
        this.#enqueue(channel, message);
      else await this.#handle(channel, message, type);
    } catch (error) {
      log(`A message on ${channel} was dropped. ${(error as Error).message}`);
    }
  }

  /** Output of a cell, batched for a moment. */
  stream(cellId: number | null, name: "stdout" | "stderr", text: string): void {
    const cell = this.#cellOf(cellId);
    if (this.#isUnwanted(cell, text.length)) return;
    if (this.#pending && (this.#pending.cell !== cell || this.#pending.name !== name)) this.#flush();
    if (this.#pending) this.#pending.text += text;
    else {
      this.#pending = { cell, name, text };
      this.#timer = setTimeout(() => this.#flush(), streamMs);
    }
    if (this.#pending.text.length > streamBytes) this.#flush();
  }

  /** A message of a cell to every client; `size` is what the engine counted for it. */
  publish(cellId: number | null, message: Outgoing, size = 0): void {
    const cell = this.#cellOf(cellId);
    const parent = message.parent ?? cell?.message.header;
    if (message.type.startsWith("comm_")) {
      // State, not output: whatever becomes of a cell's output, both ends must agree.
      this.#track(message);
      this.#flush();
      this.#emit(null, { ...message, parent }, size);
      return;
    }
    if (this.#isUnwanted(cell, size)) return;
    this.#flush();
    this.#emit(cell, { ...message, parent }, size);
  }

  /** Queues a question for the client that sent the cell; false when that client does not allow stdin. */
  requestInput(id: number, cellId: number, prompt: string, password: boolean): boolean {
    const cell = this.#cells.get(cellId);
    if (!cell?.allowStdin) return false;
    this.#prompts.push({ id, cell, prompt, password });
    if (this.#prompts.length === 1) this.#askNext();
    return true;
  }

  #askNext(): void {
    const [next] = this.#prompts;
    if (!next) return;
    this.#flush();
    const { identities, header } = next.cell.message;
    const content = replies.inputRequest(next.prompt, next.password);
    const outgoing = { type: "input_request", content, parent: header, id: randomUUID() };
    next.request = outgoing.id;
    void this.#o.sockets.send("stdin", this.#o.codec.encode(identities, outgoing));
  }

  async #handle(channel: Channel, message: Message, type: string): Promise<void> {
    const handler = Object.hasOwn(this.handlers, type) ? this.handlers[type] : null;
    this.#publish("status", replies.status("busy"), message.header);
    let content: object | null = null;
    if (handler)
      try {
        content = await handler(message);
      } catch (error) {
        content = replies.failed(errorOf(error));
      }
    const reply = type.replace("_request", "_reply");
    let sent: Promise<void> | undefined;
    if (content) sent = this.#reply(channel, message, reply, content);
    if (type === "shutdown_request") await this.#shutDown(message, content as object, sent);
    this.#publish("status", replies.status("idle"), message.header);
    // Clients show the last status they saw, so a side request must not make a busy kernel look idle.
    if (this.#running && this.#running.message.header !== message.header)
      this.#publish("status", replies.status("busy"), this.#running.message.header);
  }

  async #shutDown(message: Message, content: object, sent: Promise<void> | undefined): Promise<void> {
    this.#flush();
    this.#publish("shutdown_reply", content, message.header);
    await sent;
    await this.#o.engine.shutdown(message.content.restart === true);
  }

  #enqueue(channel: Channel, message: Message): void {
    const { content } = message;
    const silent = content.silent === true;
    const cell: Cell = {
      id: ++this.#serial,
      message,
      channel,
      code: codeOf(content),
      silent,
      store: !silent && content.store_history !== false,
      allowStdin: content.allow_stdin === true,
      stopOnError: content.stop_on_error !== false,
      dropped: null,
      comms: this.#lastComm,
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
      await cell.comms;
      await this.#execute(cell).catch((error) => this.#giveUp(cell, error));
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
      expressions: textsOf(content.user_expressions),
    });
    this.#forgetPrompts(cell);
    if (cell.store && outcome.resultText !== null) history.setOutput(count, outcome.resultText);
    this.#flush();
    if (cell.dropped !== null) await this.#tellWhatWasDropped(cell);
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
    void this.#reply(cell.channel, cell.message, "execute_reply", reply);
    this.#publish("status", replies.status("idle"), header);
    for (const next of aborted) this.#abort(next);
  }

  /** The kernel itself has failed: tell the client, and go on with the next cell. */
  #giveUp({ message, channel }: Cell, error: Error): void {
    log(`A cell could not be run. ${error.stack}`);
    void this.#reply(channel, message, "execute_reply", replies.failed(errorOf(error)));
    this.#publish("status", replies.status("idle"), message.header);
  }

  #abort({ message, channel }: Cell): void {
    this.#publish("status", replies.status("busy"), message.header);
    void this.#reply(channel, message, "execute_reply", replies.executeAborted());
    this.#publish("status", replies.status("idle"), message.header);
  }

  async #complete(content: Record<string, unknown>): Promise<object> {
    const code = codeOf(content);
    const position = positionOf(content, code);
    const found = (await this.#o.engine.ask({ ask: "complete", code, position })) as Completion;
    const [start, end] = [found.start, found.end].map((at) => toPoints(code, at));
    return replies.complete({ ...found, start, end });
  }

  async #inspect(content: Record<string, unknown>): Promise<object> {
    const code = codeOf(content);
    const position = positionOf(content, code);
    const detail = content.detail_level === 1 ? 1 : 0;
    const data = await this.#o.engine.ask({ ask: "inspect", code, position, detail });
    return replies.inspect(data as replies.MimeBundle | null);
  }

  /** A message to a comm that is not open, as of a page from before a restart, is answered by closing it. */
  async #comm(type: CommRequest["type"], { header, content, buffers }: Message): Promise<null> {
    const { comm_id: id, data } = content;
    if (typeof id !== "string" || id === "") {
      log(`A ${type} was dropped. Its comm_id is no text.`);
      return null;
    }
    const target = this.#comms.get(id);
    if (type === "comm_msg" && target === undefined)
      this.#publish("comm_close", replies.commClose(id), header);
    if ((target === undefined) !== (type === "comm_open")) return null;
    if (type === "comm_open") this.#comms.set(id, text(content.target_name));
    else if (type === "comm_close") this.#comms.delete(id);
    const request: CommRequest = {
      type,
      id,
      target: text(content.target_name),
      data: isObject(data) ? data : {},
      // ZeroMQ's buffers may be parts of larger ones, which would travel with them.
      buffers: buffers.map((buffer) => new Uint8Array(buffer)),
      parent: header,
    };
    const handled = this.#lastComm.then(() => this.#o.engine.comm(request));
    this.#lastComm = handled.catch((error) => log(`A ${type} was dropped. ${(error as Error).message}`));
    await this.#lastComm;
    return null;
  }

  /** Accepts an answer only from the client that was asked, and only to the current question. */
  #answerInput({ header, identities, parentId, content }: Message): void {
    const [asked] = this.#prompts;
    if (header.msg_type !== "input_reply") throw new Error(`Only input_reply is accepted there.`);
    if (!asked) throw new Error("No question is open.");
    if (!sameFrames(identities, asked.cell.message.identities)) throw new Error("Another client was asked.");
    if (typeof parentId === "string" && parentId !== asked.request)
      throw new Error("It answers another question.");
    if (typeof content.value !== "string") throw new Error("Its value is not a string.");
    this.#prompts.shift();
    this.#o.engine.input(asked.id, content.value);
    this.#askNext();
  }

  #forgetPrompts(cell: Cell): void {
    const left = this.#prompts.filter((prompt) => prompt.cell !== cell);
    this.#prompts.splice(0, this.#prompts.length, ...left);
  }

  /** Whether a cell's output is to be dropped; counts what is. */
  #isUnwanted(cell: Cell | null, size: number): boolean {
    if (!cell || (!cell.silent && cell.dropped === null)) return false;
    if (cell.dropped !== null) cell.dropped += size;
    this.#o.engine.release(size);
    return true;
  }

  async #tellWhatWasDropped(cell: Cell): Promise<void> {
    // Whether a message is dropped is decided when its turn comes.
    await this.#lastOutput;
    const size = cell.dropped ?? 0;
    if (size === 0) {
      cell.dropped = null;
      return;
    }
    const text = `Interrupted: ${Math.ceil(size / 1024)} KiB of unsent output were dropped. Further output of this cell is dropped, too.\n`;
    this.#publish("stream", replies.stream("stderr", text), cell.message.header);
  }

  #commsOf(target: unknown): Map<string, string> {
    if (!target) return this.#comms;
    return new Map([...this.#comms].filter(([, name]) => name === target));
  }

  #track({ type, content }: Outgoing): void {
    if (type === "comm_msg") return;
    const { comm_id, target_name } = typeof content === "string" ? JSON.parse(content) : content;
    if (type === "comm_open") this.#comms.set(String(comm_id), String(target_name));
    else this.#comms.delete(String(comm_id));
  }

  /** Output whose cell is unknown goes to the last cell, as in a terminal. */
  #cellOf(id: number | null): Cell | null {
    return (id === null ? null : this.#cells.get(id)) ?? this.#last;
  }

  #flush(): void {
    if (!this.#pending) return;
    clearTimeout(this.#timer);
    const { cell, name, text } = this.#pending;
    this.#pending = null;
    if (this.#isUnwanted(cell, text.length)) return;
    const content = replies.stream(name, text);
    this.#emit(cell, { type: "stream", content, parent: cell?.message.header }, text.length);
  }

  /** Sends output of a cell, unless the cell was interrupted before the message's turn came. */
  #emit(cell: Cell | null, message: Outgoing, size: number): void {
    const isWanted = () => !cell || cell.dropped === null;
    const sent = this.#o.sockets.publish(this.#o.codec.encode([message.type], message), isWanted);
    this.#lastOutput = sent.then(() => {
      if (!this.#isUnwanted(cell, size)) this.#o.engine.release(size);
    });
  }

  #publish(type: string, content: object, parent?: Header): void {
    const outgoing = { type, content: content as Record<string, unknown>, parent };
    void this.#o.sockets.publish(this.#o.codec.encode([type], outgoing));
  }

  #reply(channel: Channel, { identities, header }: Message, type: string, content: object): Promise<void> {
    const outgoing = { type, content: content as Record<string, unknown>, parent: header };
    return this.#o.sockets.send(channel, this.#o.codec.encode(identities, outgoing));
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const text = (value: unknown): string => (typeof value === "string" ? value : "");

function codeOf({ code }: Record<string, unknown>): string {
  if (typeof code !== "string") throw new TypeError("The request's code is not a string.");
  return code;
}

/** The position in UTF-16 units; the end if the request has none. */
function positionOf({ cursor_pos }: Record<string, unknown>, code: string): number {
  if (cursor_pos === undefined || cursor_pos === null) return code.length;
  if (!Number.isFinite(cursor_pos)) throw new TypeError("The request's cursor_pos is not a number.");
  return toUnits(code, cursor_pos as number);
}

function textsOf(value: unknown): Record<string, string> {
  const entries = Object.entries(typeof value === "object" && value !== null ? value : {});
  return Object.fromEntries(entries.filter(([, item]) => typeof item === "string"));
}

function historyRequest(content: Record<string, unknown>): HistoryRequest {
  const { hist_access_type, output, session, start, stop, n, pattern, unique } = content;
  const number = (value: unknown) => (Number.isFinite(value) ? (value as number) : undefined);
  return {
    hist_access_type: ["tail", "range", "search"].find((type) => type === hist_access_type) as
      | HistoryRequest["hist_access_type"]
      | undefined,
    output: output === true,
    session: number(session),
    start: number(start),
    stop: number(stop),
    n: number(n),
    pattern: typeof pattern === "string" ? pattern : undefined,
    unique: unique === true,
  };
}

function sameFrames(a: Buffer[], b: Buffer[]): boolean {
  return a.length === b.length && a.every((frame, i) => frame.equals(b[i]));
}

function errorOf(error: unknown): replies.ErrorContent {
  const e = error instanceof Error ? error : new Error(String(error));
  return { ename: e.name, evalue: e.message, traceback: (e.stack ?? e.message).split("\n") };
}
