import { Reply, Router, XPublisher } from "zeromq";
import { welcome } from "./replies.js";
import type { Codec, Connection } from "./wire.js";

export type Channel = "shell" | "control" | "stdin";
type Frames = (Buffer | string | Uint8Array)[];

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
  const iopub = new XPublisher(unlimited);
  iopub.verbosity = "allSubs";
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
  void (async () => {
    for await (const [frame] of iopub) {
      const topic = frame.subarray(1);
      if (frame[0] === 1)
        void publish(codec.encode([topic], { type: "iopub_welcome", content: welcome(topic.toString()) }));
    }
  })();
  const all = [...Object.values(routers), iopub, heartbeat];
  return {
    send: (channel, frames) => senders[channel](frames),
    publish,
    close: () => {
      for (const socket of all) socket.close();
    },
  };
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
