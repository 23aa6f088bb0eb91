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
 * So a subscription counts only when it is accepted here, in the same turn as its greeting.
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
  // No send of it waits: a greeting goes out in the turn in which its subscription is accepted.
  const iopub = new Broadcast({ ...unlimited, sendTimeout: 0 });
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
  const senders = {
    shell: inTurn(routers.shell),
    control: inTurn(routers.control),
    stdin: inTurn(routers.stdin),
  };
  const publish = inTurn(iopub);
  for (const channel of ["shell", "control", "stdin"] as const)
    void (async () => {
      for await (const frames of routers[channel]) receive(channel, frames as Buffer[]);
    })();
  void (async () => {
    for await (const beat of heartbeat) await heartbeat.send(beat);
  })();
  const greetNext = (): void => {
    if (iopub.closed) return;
    const greet = ([frame]: Buffer[]) => {
      iopub.answer(frame, (topic) => {
        const content = welcome(topic.toString());
        return codec.encode([topic], { type: "iopub_welcome", content });
      });
      // In a turn of its own: were it received right away, what waits to be sent would come between it and its answer.
      setImmediate(greetNext);
    };
    const failed = (error: unknown) => {
      if (!iopub.closed) throw error;
    };
    iopub.receive().then(greet, failed);
  };
  greetNext();
  const all = [...Object.values(routers), iopub, heartbeat];
  return {
    send: (channel, frames) => senders[channel](frames),
    publish,
    close: () => {
      for (const socket of all) socket.close();
    },
  };
}

/**
 * An XPUB whose subscriptions are answered by hand. An answer is about the connection that was heard last, and lost when
 * anything that is sent in between finds that another one has closed: so it must follow at once.
 */
class Broadcast extends XPublisher {
  answer(frame: Buffer, greeting: (topic: Buffer) => Frames): void {
    const topic = frame.subarray(1);
    if (frame[0] === 1) {
      this.setStringOption(zmqSubscribe, topic);
      this.send(greeting(topic)).catch(() => {});
    } else if (frame[0] === 0) this.setStringOption(zmqUnsubscribe, topic);
  }
}

/** zeromq.js refuses a second send while one is under way. */
function inTurn(socket: { send(frames: Frames): Promise<void> }) {
  let last = Promise.resolve();
  return (frames: Frames): Promise<void> => {
    // A client that went away is not the kernel's trouble.
    last = last.then(() => socket.send(frames)).catch(() => {});
    return last;
  };
}
