import { type ChildProcess, spawn } from "node:child_process";
import { createHmac, randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { Dealer, Request, Subscriber } from "zeromq";
import type { Connection } from "../../kernels/speakerscope/wire.js";

export const root = resolve(__dirname, "../..");
export const launcher = join(root, "dist/kernels/speakerscope/launch.js");

/** Content of messages and replies: the fields that tests look at, each in the messages that have it. */
export interface Content {
  status: string;
  execution_state: string;
  execution_count: number;
  code: string;
  name: string;
  text: string;
  data: Record<string, string>;
  ename: string;
  evalue: string;
  traceback: string[];
  transient: { display_id: string };
  prompt: string;
  restart: boolean;
  user_expressions: Record<string, { status: string; evalue: string }>;
  payload: { source: string; text: string }[];
  history: [number, number, string][];
  comms: Record<string, unknown>;
  matches: string[];
  cursor_start: number;
  cursor_end: number;
  metadata: { _jupyter_types_experimental: { type: string }[] };
  found: boolean;
}

export interface Incoming {
  type: string;
  content: Content;
  parent: string | undefined;
  metadata: Record<string, unknown>;
  buffers: Buffer[];
}

export interface CellRun {
  reply: Content;
  /** What came on IOPub, without status and execute_input. */
  messages: Incoming[];
  /** All of IOPub, in order. */
  all: Incoming[];
  stdout: string;
  stderr: string;
}

type Channel = "shell" | "control" | "stdin";

/** Time in which a busy machine answers. */
const patience = 240_000;

/** A client that speaks raw ZeroMQ with a kernel that it spawned; independent of the kernel's own codec. */
export class Client {
  readonly process: ChildProcess;
  readonly connection: Connection;
  readonly folder: string;
  log = "";
  readonly iopub: Incoming[] = [];
  readonly #replies: Record<Channel, Incoming[]> = { shell: [], control: [], stdin: [] };
  readonly #waiting = new Set<() => void>();
  readonly #sockets: Record<Channel, Dealer>;
  readonly #subscriber: Subscriber;
  readonly #session = randomUUID();
  readonly #sending: Record<string, Promise<void>> = {};

  private constructor(child: ChildProcess, connection: Connection, folder: string) {
    this.process = child;
    this.connection = connection;
    this.folder = folder;
    child.stderr?.on("data", (d) => {
      this.log += d;
    });
    const routingId = `client-${randomUUID()}`;
    const dealer = (port: number) => {
      const socket = new Dealer({ routingId, linger: 0 });
      socket.connect(`tcp://127.0.0.1:${port}`);
      return socket;
    };
    this.#sockets = {
      shell: dealer(connection.shell_port),
      control: dealer(connection.control_port),
      stdin: dealer(connection.stdin_port),
    };
    this.#subscriber = new Subscriber({ linger: 0, receiveHighWaterMark: 0 });
    this.#subscriber.connect(`tcp://127.0.0.1:${connection.iopub_port}`);
    this.#subscriber.subscribe();
    for (const channel of ["shell", "control", "stdin"] as const)
      void this.#read(this.#sockets[channel], (message) => this.#replies[channel].push(message));
    void this.#read(this.#subscriber, (message) => this.iopub.push(message));
  }

  /** Starts a kernel and waits until both replies and broadcasts arrive. */
  static async start(
    options: {
      env?: NodeJS.ProcessEnv;
      cwd?: string;
      argv?: string[];
      ready?: boolean;
      connection?: Connection;
    } = {},
  ): Promise<Client> {
    const folder = mkdtempSync(join(tmpdir(), "speakerscope-kernel-"));
    const ports = await freePorts(5);
    const [shell_port, iopub_port, stdin_port, control_port, hb_port] = ports;
    const connection = options.connection ?? {
      transport: "tcp",
      ip: "127.0.0.1",
      shell_port,
      iopub_port,
      stdin_port,
      control_port,
      hb_port,
      key: randomUUID(),
      signature_scheme: "hmac-sha256",
    };
    const file = join(folder, "connection.json");
    writeFileSync(file, JSON.stringify(connection));
    const argv = options.argv ?? [process.execPath, "--no-force-async-hooks-checks", launcher];
    const child = spawn(argv[0], [...argv.slice(1), file], {
      cwd: options.cwd ?? folder,
      detached: true,
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, SPEAKERSCOPE_HISTORY: "none", NO_COLOR: "1", ...options.env },
    });
    const client = new Client(child, connection, folder);
    if (options.ready !== false) {
      const isTaken = () => /cannot be bound \(EADDRINUSE\)/.test(client.log);
      await client.until(() => isTaken() || client.iopub.find((m) => m.type === "iopub_welcome"));
      // The ports were free when they were looked for; another test may have been quicker.
      if (isTaken()) {
        await client.close();
        return Client.start(options);
      }
      await client.ask("shell", "kernel_info_request", {});
    }
    return client;
  }

  frames(
    type: string,
    content: object,
    { key = this.connection.key } = {},
  ): { id: string; frames: string[] } {
    const id = randomUUID();
    const date = new Date().toISOString();
    const header = {
      msg_id: id,
      msg_type: type,
      session: this.#session,
      username: "test",
      date,
      version: "5.4",
    };
    const parts = [header, {}, {}, content].map((part) => JSON.stringify(part));
    return { id, frames: this.sign(parts, key) };
  }

  /** The frames of a message whose parts are given as text. */
  sign(parts: string[], key = this.connection.key): string[] {
    const signature = createHmac("sha256", key).update(parts.join("")).digest("hex");
    return ["<IDS|MSG>", signature, ...parts];
  }

  async sendFrames(channel: Channel, frames: (string | Buffer)[]): Promise<void> {
    const before = this.#sending[channel] ?? Promise.resolve();
    this.#sending[channel] = before.then(() => this.#sockets[channel].send(frames));
    await this.#sending[channel];
  }

  async send(channel: Channel, type: string, content: object): Promise<string> {
    const { id, frames } = this.frames(type, content);
    await this.sendFrames(channel, frames);
    return id;
  }

  /** Sends a request and gives its reply. */
  async ask(channel: Channel, type: string, content: object): Promise<Content> {
    return this.reply(channel, await this.send(channel, type, content));
  }

  async reply(channel: Channel, id: string): Promise<Content> {
    const found = await this.until(() => this.#replies[channel].find((m) => m.parent === id));
    return found.content;
  }

  sendCell(code: string, options: object = {}): Promise<string> {
    return this.send("shell", "execute_request", { code, allow_stdin: false, ...options });
  }

  async run(code: string, options: object = {}): Promise<CellRun> {
    return this.finished(await this.sendCell(code, options));
  }

  /** Waits for reply and idle of a cell that was sent. */
  async finished(id: string): Promise<CellRun> {
    const reply = await this.reply("shell", id);
    await this.until(() => this.iopub.some((m) => m.parent === id && m.content.execution_state === "idle"));
    const all = this.iopub.filter((m) => m.parent === id);
    const text = (name: string) =>
      all
        .filter((m) => m.type === "stream" && m.content.name === name)
        .map((m) => m.content.text)
        .join("");
    return {
      reply,
      all,
      messages: all.filter((m) => m.type !== "status" && m.type !== "execute_input"),
      stdout: text("stdout"),
      stderr: text("stderr"),
    };
  }

  /** The text/plain of the last expression. */
  async value(code: string): Promise<string | undefined> {
    const { reply, messages } = await this.run(code);
    if (reply.status !== "ok") throw new Error(reply.traceback?.join("\n") ?? reply.status);
    return messages.find((m) => m.type === "execute_result")?.content.data["text/plain"];
  }

  interrupt(): Promise<Content> {
    return this.ask("control", "interrupt_request", {});
  }

  async inputRequest(): Promise<Incoming> {
    return this.until(() => this.#replies.stdin.shift());
  }

  /** Resolves with the first truthy value of a look at what has arrived. */
  async until<T>(
    look: () => T | undefined | false | null | Promise<T | undefined | false | null>,
    ms = patience,
  ): Promise<T> {
    const deadline = Date.now() + ms;
    for (;;) {
      const found = await look();
      if (found) return found;
      if (Date.now() > deadline) throw new Error(`nothing came in ${ms} ms\n${this.log}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, Math.min(250, Math.max(1, deadline - Date.now())));
        const waiting = this.#waiting;
        function done() {
          clearTimeout(timer);
          waiting.delete(done);
          resolve();
        }
        waiting.add(done);
      });
    }
  }

  async heartbeat(): Promise<string> {
    const socket = new Request({ linger: 0 });
    socket.connect(`tcp://127.0.0.1:${this.connection.hb_port}`);
    await socket.send("ping");
    const [frame] = await socket.receive();
    socket.close();
    return frame.toString();
  }

  /** A second subscriber on IOPub: the types of what it sees. */
  async subscribe(): Promise<{ types: string[]; close(): void }> {
    const socket = new Subscriber({ linger: 0 });
    const types: string[] = [];
    void this.#read(socket, (message) => types.push(message.type));
    socket.connect(`tcp://127.0.0.1:${this.connection.iopub_port}`);
    socket.subscribe();
    return { types, close: () => socket.close() };
  }

  exited(): Promise<number | null> {
    if (this.process.exitCode !== null || this.process.signalCode !== null)
      return Promise.resolve(this.process.exitCode);
    return new Promise((done) => this.process.once("exit", (code) => done(code)));
  }

  async close(): Promise<void> {
    for (const socket of Object.values(this.#sockets)) socket.close();
    this.#subscriber.close();
    if (this.process.exitCode === null) this.process.kill("SIGKILL");
    await this.exited();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #read(socket: Dealer | Subscriber, take: (message: Incoming) => void): Promise<void> {
    try {
      for await (const frames of socket) {
        take(parse(frames as Buffer[]));
        for (const wake of [...this.#waiting]) wake();
      }
    } catch (error) {
      // A socket that is closed between two messages of a flood says so.
      if (!socket.closed) throw error;
    }
  }
}

function parse(frames: Buffer[]): Incoming {
  const at = frames.findIndex((f) => f.toString() === "<IDS|MSG>");
  const [, header, parent, metadata, content, ...buffers] = frames.slice(at + 1);
  return {
    type: JSON.parse(header.toString()).msg_type,
    parent: JSON.parse(parent.toString()).msg_id,
    metadata: JSON.parse(metadata.toString()),
    content: JSON.parse(content.toString()),
    buffers,
  };
}

export async function freePorts(n: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: n },
      () =>
        new Promise<ReturnType<typeof createServer>>((done) => {
          const server = createServer().listen(0, "127.0.0.1", () => done(server));
        }),
    ),
  );
  return Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((done) => {
          const { port } = server.address() as { port: number };
          server.close(() => done(port));
        }),
    ),
  );
}

/** True while a process with this id runs (a zombie does not). */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2)[0] !== "Z";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" && process.platform !== "linux";
  }
}

export const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A folder for a notebook and the files beside it; `write` takes a name below it and gives the path. */
export function notebookFolder(name: string): { folder: string; write(name: string, text: string): string } {
  const folder = mkdtempSync(join(tmpdir(), `speakerscope-${name}-`));
  return {
    folder,
    write(file, text) {
      const path = join(folder, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
      return path;
    },
  };
}
