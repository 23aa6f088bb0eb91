import { Reply, Router, XPublisher } from "zeromq";
import { welcome } from "./replies.js";
import type { Codec, Connection } from "./wire.js";

export type Channel = "shell" | "control" | "stdin";
type Frames = (Buffer | string | Uint8Array)[];

/** ZMQ_SUBSCRIBE and ZMQ_UNSUBSCRIBE of zmq.h. */
const zmqSubscribe = 6;
const zmqUnsubscribe = 7;

/** Where the protocol core sends; a test puts an array behind it. */
export interface Sockets {
  send(channel: Channel, frames: Frames): Promise<void>;
  publish(frames: Frames): Promise<void>;
  close(): void;
}

/**
 * Binds the five sockets of a connection file and hands every incoming message to `receive`.
 *
 * IOPub is an XPUB: it sees who subscribes, and greets each subscriber, so that a client knows from when on it misses nothing.
 * ZeroMQ would add a subscription by itself while something else is being sent, and that would arrive before the greeting.
 * So a subscription counts only when it is accepted here, in the same turn of the queue as its greeting.
 */
export async function bindSockets(
  connection: Connection,
  codec: Codec,
  receive: (channel: Channel, frames: Buffer[]) => void,
): Promise<Sockets> {
  const unlimited = { sendHighWaterMark: 0, receiveHighWaterMark: 0 };
  const routers = {
    shell: new Router(unlimited),
    control: new Router(unlimited),
    stdin: new Router(unlimited),
  };
  const iopub = new Broadcast(unlimited);
  iopub.manual = true;
  const heartbeat = new Reply();
  const { transport, ip } = connection;
  const address = (port: number) => `${transport}://${ip}${transport === "ipc" ? "-" : ":"}${port}`;
  await Promise.all([
    routers.shell.bind(address(connection.shell_port)),
    routers.control.bind(address(connection.control_port)),
    routers.stdin.bind(address(connection.stdin_port)),
    iopub.bind(address(connection.iopub_port)),
    heartbeat.bind(address(connection.hb_port)),
  ]);
  const senders = { shell: inTurn(), control: inTurn(), stdin: inTurn() };
  const broadcast = inTurn();
  for (const channel of ["shell", "control", "stdin"] as const)
    void (async () => {
      for await (const frames of routers[channel]) receive(channel, frames as Buffer[]);
    })();
  void (async () => {
    for await (const beat of heartbeat) await heartbeat.send(beat);
  })();
  void (async () => {
    // A subscription must be accepted before the next is received: the socket remembers the last one's connection only.
    for await (const [frame] of iopub) {
      const topic = frame.subarray(1);
      await broadcast(() => {
        if (frame[0] !== 1) return iopub.forget(topic);
        iopub.accept(topic);
        const content = welcome(topic.toString());
        return iopub.send(codec.encode([topic], { type: "iopub_welcome", content }));
      });
    }
  })();
  const all = [...Object.values(routers), iopub, heartbeat];
  return {
    send: (channel, frames) => senders[channel](() => routers[channel].send(frames)),
    publish: (frames) => broadcast(() => iopub.send(frames)),
    close: () => {
      for (const socket of all) socket.close();
    },
  };
}

/** An XPUB whose subscriptions are answered by hand; each call is about the subscription that was received last. */
class Broadcast extends XPublisher {
  accept(topic: Buffer): void {
    this.setStringOption(zmqSubscribe, topic);
  }

  forget(topic: Buffer): void {
    this.setStringOption(zmqUnsubscribe, topic);
  }
}

/** zeromq.js refuses a second send on a socket while one is under way. */
function inTurn() {
  let last = Promise.resolve();
  return (step: () => void | Promise<void>): Promise<void> => {
    // A client that went away is not the kernel's trouble.
    last = last.then(step).catch(() => {});
    return last;
  };
}
