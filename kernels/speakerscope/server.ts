import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { CLOSED, giveRoom, PROMPT, UNSENT } from "./flags.js";
import { History, historyPath } from "./history.js";
import { createInterrupter } from "./interrupter.js";
import {
  type CellRequest,
  type CommRequest,
  type FromMain,
  messageOverhead,
  type Outcome,
  outputSize,
  type Question,
  type ToMain,
} from "./messages.js";
import { createParentWatch, descendants } from "./processes.js";
import { type Engine, Protocol } from "./protocol.js";
import { bindSockets, type Sockets } from "./sockets.js";
import { type Connection, createCodec } from "./wire.js";

/** What the main thread passes to this one. */
export interface ServerData {
  connection: Connection;
  flags: Int32Array;
  promptPort: MessagePort;
  /** Processes that an interrupt leaves alone. */
  ownProcesses: number[];
  /** The parent process when the kernel started. */
  parent: number;
  versions: { kernel: string; typescript: string; node: string };
}

const { connection, flags, promptPort, ownProcesses, parent, versions } = workerData as ServerData;
const main = parentPort as MessagePort;

/** Time for the main thread to exit by itself. */
const farewellMs = 1000;
/** Time for the last messages to leave the sockets. */
const lingerMs = 100;
const parentPollMs = 1000;
const closingMs = 20;

interface Waiting {
  resolve: (value: never) => void;
  reject: (error: Error) => void;
}

const unacknowledged = new Map<number, ToMain>();
const cells = new Map<number, (outcome: Outcome) => void>();
const questions = new Map<number, Waiting>();
let serial = 0;
/** The prompt that blocks the main thread. */
let prompting: number | null = null;
let afterInterrupt = false;
let leaving = false;
/** The comm message that the main thread has; it gets one at a time. */
let comm: { serial: number; isStarted: boolean } | null = null;

function post(message: ToMain): number {
  unacknowledged.set(++serial, message);
  main.postMessage({ serial, ...message });
  return serial;
}

const { interrupt, unblock } = createInterrupter({
  flags,
  post: () => post({ type: "interrupt", cell: [...cells.keys()].at(-1) }),
  acknowledged: (number) => !unacknowledged.has(number),
  repeat: () => {
    for (const [number, message] of unacknowledged) main.postMessage({ serial: number, ...message });
  },
  children: () => descendants(process.pid, ownProcesses),
  stop: (pid) => signal(pid, "SIGINT"),
  tell: (text) => {
    Atomics.add(flags, UNSENT, text.length);
    protocol.stream(null, "stderr", text);
  },
});

const engine: Engine = {
  execute: (cell: CellRequest) =>
    new Promise((resolve) => {
      cells.set(cell.id, resolve);
      const number = post({ type: "execute", cell });
      if (afterInterrupt) void unblock(number);
    }),
  ask: (question: Question) =>
    new Promise((resolve, reject) => {
      questions.set(post({ type: "question", ...question }), { resolve, reject });
    }),
  comm: (message: CommRequest) =>
    new Promise((resolve, reject) => {
      comm = { serial: post({ type: "comm", comm: message }), isStarted: false };
      questions.set(comm.serial, { resolve, reject });
      if (afterInterrupt) void unblock(comm.serial);
    }),
  interrupt: () => void interrupt(),
  input(prompt, value) {
    if (prompting !== prompt) return void post({ type: "input", prompt, value });
    prompting = null;
    promptPort.postMessage(value);
    Atomics.store(flags, PROMPT, 2);
    Atomics.notify(flags, PROMPT);
  },
  release: (size) => giveRoom(flags, size),
  unsent: () => Atomics.load(flags, UNSENT),
  async shutdown() {
    if (leaving) return;
    leaving = true;
    setTimeout(die, farewellMs);
    await new Promise((resolve) => setTimeout(resolve, lingerMs));
    post({ type: "shutdown" });
  },
};

const codec = createCodec(connection);
const ready = (async () => {
  const waiting: [Parameters<Protocol["receive"]>[0], Buffer[]][] = [];
  let protocol: Protocol | null = null;
  const sockets = await bindSockets(connection, codec, (channel, frames) => {
    if (protocol) void protocol.receive(channel, frames);
    else waiting.push([channel, frames]);
  });
  protocol = new Protocol({ codec, sockets, engine, history: new History(historyPath()), versions });
  for (const [channel, frames] of waiting) void protocol.receive(channel, frames);
  return { protocol, sockets };
})();
let protocol: Protocol;
let sockets: Sockets;
ready.then(
  (bound) => {
    ({ protocol, sockets } = bound);
    main.on("message", receive);
  },
  (error) =>
    afterClosing(() => {
      throw error;
    }),
);

function receive(message: FromMain): void {
  const size = outputSize(message);
  if (size !== null) giveRoom(flags, messageOverhead);
  if (message.type === "acknowledge") noteAcknowledged(message.serial);
  else if (message.type === "stream") protocol.stream(message.cell, message.name, message.text);
  else if (message.type === "publish") protocol.publish(message.cell, message.outgoing, size ?? 0);
  else if (message.type === "prompt") ask(message);
  else if (message.type === "leave") {
    sockets.close();
    afterClosing(() => {});
  } else if (message.type === "done") {
    afterInterrupt = message.outcome.error?.ename === "KernelInterrupted";
    cells.get(message.cell)?.(message.outcome);
    cells.delete(message.cell);
  } else if (message.type === "answer") {
    const waiting = questions.get(message.serial);
    questions.delete(message.serial);
    if (message.error)
      waiting?.reject(Object.assign(new Error(message.error.evalue), { name: message.error.ename }));
    else waiting?.resolve(message.answer as never);
  }
}

function noteAcknowledged(number: number): void {
  unacknowledged.delete(number);
  if (comm === null) return;
  if (comm.serial === number) comm.isStarted = true;
  else if (comm.isStarted && questions.has(comm.serial)) {
    // The main thread does something else without having answered: an interrupt has ended the callback.
    const text = "Interrupted: a callback was ended.\n";
    Atomics.add(flags, UNSENT, text.length);
    protocol.stream(null, "stderr", text);
    questions.get(comm.serial)?.resolve(null as never);
    questions.delete(comm.serial);
  }
}

/** Pending receives end in the next turns of the event loop; a thread that exits before that crashes the process. */
function afterClosing(work: () => void): void {
  setTimeout(() => {
    Atomics.store(flags, CLOSED, 1);
    Atomics.notify(flags, CLOSED);
    work();
  }, closingMs);
}

function ask({ id, cell, prompt, password, wait }: Extract<FromMain, { type: "prompt" }>): void {
  if (wait) prompting = id;
  protocol.requestInput(id, cell, prompt, password);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended by itself.
  }
}

/** The reaper then ends the processes that the kernel started. */
function die(): void {
  process.kill(process.pid, "SIGKILL");
}

// When Jupyter is killed, its kernels get another parent, perhaps before they have finished starting.
const hasParent = createParentWatch(parent, process.env.JPY_PARENT_PID);
const watch = () => {
  if (!hasParent()) die();
};
watch();
setInterval(watch, parentPollMs);
