import { spawn } from "node:child_process";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { bindSockets } from "../../kernels/speakerscope/sockets.js";
import type { Codec } from "../../kernels/speakerscope/wire.js";
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

test("who subscribes while another leaves, and much is sent, is welcomed and misses nothing", async () => {
  const [shell_port, iopub_port, stdin_port, control_port, hb_port] = await freePorts(5);
  const ports = { shell_port, iopub_port, stdin_port, control_port, hb_port };
  const connection = {
    transport: "tcp",
    ip: "127.0.0.1",
    ...ports,
    key: "",
    signature_scheme: "hmac-sha256",
  };
  const codec = {
    encode: (prefix: Buffer[], message: object) => [...prefix, JSON.stringify(message)],
  } as unknown as Codec;
  const sockets = await bindSockets(connection, codec, () => {});
  const child = spawn(process.execPath, ["--eval", reloader, `tcp://127.0.0.1:${iopub_port}`], { cwd: root });
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
