import { spawn } from "node:child_process";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Dealer, Router, Subscriber } from "zeromq";
import { bindSockets } from "../../kernels/speakerscope/sockets.js";
import type { Codec, Connection } from "../../kernels/speakerscope/wire.js";
import { freePorts, root } from "./client.js";

const test = suite("sockets");

/** Subscribes as a page does that is loaded again and again: the old connection goes while the new one comes. */
const reloader = `
const { Subscriber } = require("zeromq");
const open = () => {
  const socket = new Subscriber({ linger: 0, receiveTimeout: 2000 });
  socket.connect(process.argv[1]);
  socket.subscribe();
  return socket;
};
(async () => {
  const seen = { reloads: 0, lost: 0, unwelcomed: 0 };
  let socket = open();
  await socket.receive();
  for (const end = Date.now() + 3000; Date.now() < end; seen.reloads++) {
    const next = open();
    socket.close();
    const first = await next.receive().catch(() => null);
    if (first === null) seen.lost++;
    else if (!first.at(-1).toString().includes("iopub_welcome")) seen.unwelcomed++;
    socket = next;
  }
  console.log(JSON.stringify(seen));
  process.exit(0);
})();
`;

async function localConnection(): Promise<Connection> {
  const [shell_port, iopub_port, stdin_port, control_port, hb_port] = await freePorts(5);
  const ports = { shell_port, iopub_port, stdin_port, control_port, hb_port };
  return { transport: "tcp", ip: "127.0.0.1", ...ports, key: "", signature_scheme: "hmac-sha256" };
}

const plainCodec = {
  encode: (prefix: Buffer[], message: object) => [...prefix, JSON.stringify(message)],
} as unknown as Codec;

test("a socket that breaks is bound anew at its address", async () => {
  const connection = await localConnection();
  const received: string[] = [];
  const sockets = await bindSockets(connection, plainCodec, (channel, frames) =>
    received.push(`${channel} ${frames.at(-1)}`),
  );
  const { receive } = Router.prototype;
  let failures = 3;
  Object.defineProperty(Router.prototype, "receive", {
    configurable: true,
    value(this: Router) {
      return failures-- > 0
        ? Promise.reject(Object.assign(new Error("broken"), { code: "ENOTSOCK" }))
        : receive.call(this);
    },
  });
  const client = new Dealer({ linger: 0, reconnectInterval: 20 });
  client.connect(`tcp://127.0.0.1:${connection.shell_port}`);
  try {
    for (let i = 0; received.filter((text) => text.startsWith("shell")).length < 4; i++) {
      await client.send(String(i));
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.ok(i < 1000, "it hears nothing any more");
    }
    assert.ok(failures <= 0, `${failures} failures are left`);
  } finally {
    delete (Router.prototype as { receive?: unknown }).receive;
    client.close();
    sockets.close();
  }
});

test("a receiver that throws does not end the loop", async () => {
  const connection = await localConnection();
  let heard = 0;
  const sockets = await bindSockets(connection, plainCodec, () => {
    heard++;
    throw new Error("no");
  });
  const client = new Dealer({ linger: 0 });
  client.connect(`tcp://127.0.0.1:${connection.control_port}`);
  for (let i = 0; heard < 3; i++) {
    await client.send("x");
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.ok(i < 1000);
  }
  client.close();
  sockets.close();
});

test("closing while clients subscribe and unsubscribe throws nothing", async () => {
  const strays: unknown[] = [];
  const note = (error: unknown) => strays.push(error);
  process.on("unhandledRejection", note).on("uncaughtException", note);
  for (let round = 0; round < 15; round++) {
    const connection = await localConnection();
    const sockets = await bindSockets(connection, plainCodec, () => {});
    const clients = Array.from({ length: 4 }, () => {
      const socket = new Subscriber({ linger: 0 });
      socket.connect(`tcp://127.0.0.1:${connection.iopub_port}`);
      return socket;
    });
    const toggle = setInterval(() => {
      for (const socket of clients) {
        socket.subscribe("a", "b", "c");
        socket.unsubscribe("a", "b", "c");
      }
    }, 1);
    await new Promise((resolve) => setTimeout(resolve, 30 + round * 3));
    void sockets.publish(["a", "x"]);
    sockets.close();
    await sockets.publish(["a", "late"]);
    await sockets.send("shell", ["nobody", "late"]);
    clearInterval(toggle);
    for (const socket of clients) socket.close();
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
  process.off("unhandledRejection", note).off("uncaughtException", note);
  assert.equal(strays, []);
});

test("who subscribes while another leaves, and much is sent, is welcomed and misses nothing", async () => {
  const connection = await localConnection();
  const sockets = await bindSockets(connection, plainCodec, () => {});
  const address = `tcp://127.0.0.1:${connection.iopub_port}`;
  const child = spawn(process.execPath, ["--eval", reloader, address], { cwd: root });
  let out = "";
  child.stdout.on("data", (text) => {
    out += text;
  });
  const ended = new Promise<null>((resolve) => child.on("close", () => resolve(null)));
  for (let status: unknown; status !== null; ) {
    for (let i = 0; i < 20; i++) void sockets.publish(["", "x".repeat(200)]);
    status = await Promise.race([ended, new Promise((resolve) => setImmediate(resolve))]);
  }
  sockets.close();
  const { reloads, lost, unwelcomed } = JSON.parse(out);
  assert.ok(reloads > 10, `${reloads} reloads`);
  assert.equal({ lost, unwelcomed }, { lost: 0, unwelcomed: 0 }, `of ${reloads}`);
});

test.run();
