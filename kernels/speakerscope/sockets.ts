import { Router, XPublisher } from "zeromq";
import { log } from "./log.js";
import { welcome } from "./replies.js";
import type { Codec, Connection } from "./wire.js";

export type Channel = "shell" | "control" | "stdin";
type Frames = (Buffer | string | Uint8Array)[];

/** ZMQ_SUBSCRIBE, ZMQ_UNSUBSCRIBE and ZMQ_XPUB_NODROP of zmq.h. */
const zmqSubscribe = 6;
const zmqUnsubscribe = 7;
const zmqNoDrop = 69;

/** Messages that ZeroMQ queues for one subscriber; in a flood each of them is 256 KiB. */
const subscriberQueue = 100;
/** A subscriber that reads nothing for this long misses messages, so that the others do not wait for it. */
const stallMs = 2000;
const retryMs = 2;
/**
 * Bytes that may be sent in one burst, and per second after it. Clients queue what they have not processed; in a faster
 * flood they would show the output of the next cell a minute late.
 */
const burstBytes = 64 << 20;
const bytesPerSecond = 32 << 20;
/** A small message costs a client as much as one of this size: 4,096 of them fit in a burst, then 2,048 a second. */
const leastBytes = 16 << 10;
/** It takes a moment until the address of a closed socket can be bound again. */
const rebindMs = 50;

/** What the protocol core sends through; tests replace it by an array. */
export interface Sockets {
  send(channel: Channel, frames: Frames): Promise<void>;
  /** Resolves when ZeroMQ has taken the message, or when `isWanted` says no before its turn and it is dropped. */
  publish(frames: Frames, isWanted?: () => boolean): Promise<void>;
  close(): void;
}

/**
 * Binds the five sockets of a connection file and hands every incoming message to `receive`.
 *
 * IOPub is an XPUB: it sees subscriptions and welcomes each subscriber, so that a client knows from which message on it
 * misses nothing. ZeroMQ would accept a subscription at any time, and other messages could then arrive before the welcome.
 * So subscriptions are accepted by hand, in the same turn of the event loop in which the welcome is sent.
 */
export async function bindSockets(
  connection: Connection,
  codec: Codec,
  receive: (channel: Channel, frames: Buffer[]) => void,
): Promise<Sockets> {
  const { transport, ip } = connection;
  const address = (port: number) => `${transport}://${ip}${transport === "ipc" ? "-" : ":"}${port}`;
  // A client that reconnects under its old identity replaces the old connection; ZeroMQ would ignore it by default.
  const router = () => new Router({ sendHighWaterMark: 0, receiveHighWaterMark: 0, handover: true });
  const listen = (channel: Channel, port: number) =>
    new Endpoint(router, address(port), (frames) => receive(channel, frames));
  const routers = {
    shell: listen("shell", connection.shell_port),
    control: listen("control", connection.control_port),
    stdin: listen("stdin", connection.stdin_port),
  };
  // A REP socket would do, but a peer that does not speak ZMTP breaks its strict order of requests and replies.
  const heartbeat = new Endpoint(
    router,
    address(connection.hb_port),
    (frames) => void heartbeat.send(frames),
  );
  const iopub = new Endpoint(
    () => new Broadcast(),
    address(connection.iopub_port),
    ([frame], socket) =>
      socket.answer(frame, (topic) => {
        const content = welcome(topic.toString());
        return codec.encode([topic], { type: "iopub_welcome", content });
      }),
  );
  const all = [...Object.values(routers), iopub, heartbeat];
  try {
    await Promise.all(all.map((endpoint) => endpoint.bind()));
  } catch (error) {
    for (const endpoint of all) endpoint.close();
    throw error;
  }
  const budget = createBudget();
  let isOpen = true;
  const publish = inTurn(async (frames, isWanted) => {
    if (isOpen) await budget(frames);
    if (isOpen && isWanted()) await iopub.socket.publish(frames, isWanted);
  });
  return {
    send: (channel, frames) => routers[channel].send(frames),
    publish,
    close: () => {
      isOpen = false;
      for (const endpoint of all) endpoint.close();
    },
  };
}

/** A socket that stays bound while the kernel lives: bad messages are dropped, and a broken socket is bound again. */
class Endpoint<S extends Router | Broadcast> {
  socket: S;
  readonly send = inTurn((frames) => this.socket.send(frames));
  readonly #create: () => S;
  readonly #address: string;
  readonly #take: (frames: Buffer[], socket: S) => void;
  #closed = false;

  constructor(create: () => S, address: string, take: (frames: Buffer[], socket: S) => void) {
    this.#create = create;
    this.#address = address;
    this.#take = take;
    this.socket = create();
  }

  async bind(): Promise<void> {
    try {
      await this.socket.bind(this.#address);
    } catch (error) {
      throw new Error(`${this.#address} cannot be bound (${codeOf(error)}): is another kernel there?`);
    }
    if (!this.#closed) void this.#listen();
  }

  close(): void {
    this.#closed = true;
    this.socket.close();
  }

  async #listen(): Promise<void> {
    while (!this.#closed)
      try {
        const frames = await this.socket.receive();
        if (!this.#closed) this.#hear(frames as Buffer[]);
        // One message for each turn of the event loop: otherwise a queued message could be sent between a subscription
        // and its welcome.
        if (this.socket instanceof Broadcast) await new Promise((resolve) => setImmediate(resolve));
      } catch (error) {
        if (!this.#closed) await this.#recover(error);
      }
  }

  #hear(frames: Buffer[]): void {
    try {
      this.#take(frames, this.socket);
    } catch (error) {
      log(`What came to ${this.#address} was dropped. ${error}`);
    }
  }

  async #recover(error: unknown): Promise<void> {
    // Bytes that are not a message wake the socket, but there is nothing to read.
    if (codeOf(error) === "EAGAIN") return new Promise((resolve) => setImmediate(resolve));
    log(`The socket at ${this.#address} failed and is bound again: ${error}`);
    this.socket.close();
    while (!this.#closed)
      try {
        await new Promise((resolve) => setTimeout(resolve, rebindMs));
        this.socket = this.#create();
        await this.socket.bind(this.#address);
        return;
      } catch {
        // Still in use: try again.
        this.socket.close();
      }
  }
}

/**
 * An XPUB that accepts subscriptions by hand. ZeroMQ applies the answer to the connection it last received from, so the
 * answer must come before anything else is sent.
 */
class Broadcast extends XPublisher {
  #isStalled = false;

  constructor() {
    // Sends never block, so the welcome leaves in the turn in which its subscription is accepted.
    super({
      sendHighWaterMark: subscriberQueue,
      receiveHighWaterMark: 0,
      sendTimeout: 0,
      noDrop: true,
      manual: true,
    });
  }

  answer(frame: Buffer, greeting: (topic: Buffer) => Frames): void {
    const topic = frame.subarray(1);
    if (frame[0] === 1) {
      this.setStringOption(zmqSubscribe, topic);
      this.#sendToThoseWhoTakeIt(greeting(topic));
    } else if (frame[0] === 0) this.setStringOption(zmqUnsubscribe, topic);
  }

  /** Sends when every subscriber has room, or after `stallMs`. */
  async publish(frames: Frames, isWanted: () => boolean): Promise<void> {
    for (const began = Date.now(); isWanted(); )
      try {
        await this.send(frames);
        this.#isStalled = false;
        return;
      } catch (error) {
        if (codeOf(error) !== "EAGAIN") throw error;
        if (this.#isStalled || Date.now() - began > stallMs) return this.#leaveBehind(frames);
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
  }

  #leaveBehind(frames: Frames): void {
    if (!this.#isStalled) log("A client does not read what is broadcast. It misses what others get.");
    this.#isStalled = true;
    this.#sendToThoseWhoTakeIt(frames);
  }

  #sendToThoseWhoTakeIt(frames: Frames): void {
    // zeromq.js warns that the option takes effect at the next bind; ZeroMQ reads it at every send.
    const { emitWarning } = process;
    process.emitWarning = () => {};
    try {
      this.setBoolOption(zmqNoDrop, false);
      this.send(frames).catch(() => {});
      this.setBoolOption(zmqNoDrop, true);
    } finally {
      process.emitWarning = emitWarning;
    }
  }
}

/** Limits the rate: resolves when these frames may be sent. */
function createBudget(): (frames: Frames) => Promise<void> {
  let left = burstBytes;
  let at = Date.now();
  return async (frames) => {
    const now = Date.now();
    left = Math.min(burstBytes, left + ((now - at) * bytesPerSecond) / 1000);
    at = now;
    const owed = -left;
    const size = frames.reduce((sum, frame) => sum + frame.length, 0);
    left -= Math.max(size, leastBytes);
    if (owed > 0) await new Promise((resolve) => setTimeout(resolve, (owed * 1000) / bytesPerSecond));
  };
}

/** zeromq.js refuses a second send while one is under way. */
function inTurn(send: (frames: Frames, isWanted: () => boolean) => Promise<void>) {
  let last = Promise.resolve();
  return (frames: Frames, isWanted: () => boolean = () => true): Promise<void> => {
    // A client that has disconnected is no error.
    last = last.then(() => send(frames, isWanted)).catch(() => {});
    return last;
  };
}

const codeOf = (error: unknown): unknown => (error as NodeJS.ErrnoException | null)?.code;
