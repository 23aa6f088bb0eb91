import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Dealer, Subscriber } from "zeromq";
import { Client, launcher, sleep } from "./client.js";

const test = suite("hostile");
let client: Client;

test.before(async () => {
  client = await Client.start();
});
test.after(() => client.close());

/** Park and Miller's generator: the same bytes for the same seed. */
function createRandom(seed: number) {
  const next = () => {
    seed = (seed * 48271) % 2147483647;
    return seed / 2147483647;
  };
  const below = (n: number) => Math.floor(next() * n);
  return { below, pick: <T>(list: readonly T[]): T => list[below(list.length)] };
}

async function assertAlive(text = "still"): Promise<void> {
  assert.is(await client.heartbeat(), "ping", client.log);
  assert.is((await client.ask("control", "kernel_info_request", {})).status, "ok");
  const { stdout, reply } = await client.run(`console.log("${text}")`);
  assert.equal([reply.status, stdout], ["ok", `${text}\n`], client.log);
}

const greeting = (version: number, mechanism: string) =>
  Buffer.concat([
    Buffer.from("ff00000000000000017f", "hex"),
    Buffer.from([version, 0]),
    Buffer.from(mechanism.padEnd(20, "\0")),
    Buffer.alloc(32),
  ]);

/** What comes to an open port: scanners, browsers, old and broken peers. */
const openings: Record<string, Buffer> = {
  "a message of the first ZMTP": Buffer.from("0100050070696e67", "hex"),
  "an empty message of the first ZMTP": Buffer.from("01000100", "hex"),
  "a subscription of the first ZMTP": Buffer.from("0100020001", "hex"),
  HTTP: Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
  "a TLS hello": Buffer.from("16030100c8010000c40303", "hex"),
  "a SSH banner": Buffer.from("SSH-2.0-OpenSSH_9.6\r\n"),
  "half a greeting": greeting(3, "NULL").subarray(0, 20),
  "a greeting and no handshake": greeting(3, "NULL"),
  "a greeting of ZMTP 9": greeting(9, "NULL"),
  "a greeting of ZMTP 2": Buffer.from("ff00000000000000017f0100", "hex"),
  "an unknown mechanism": greeting(3, "NONSENSE"),
  "a handshake that is none": Buffer.concat([greeting(3, "NULL"), Buffer.from("0405READYjunk")]),
  "a frame of nine exabytes": Buffer.concat([greeting(3, "NULL"), Buffer.from("067fffffffffffffff", "hex")]),
  "a message of nine exabytes": Buffer.concat([
    greeting(3, "NULL"),
    Buffer.from("041905READY0b536f636b65742d5479706500000006444541", "latin1"),
    Buffer.from("027fffffffffffffff", "hex"),
  ]),
  zeros: Buffer.alloc(4096),
  ones: Buffer.alloc(4096, 0xff),
};

/** Sends bytes to a port and hangs up, softly or hard. */
function throwAt(port: number, bytes: Buffer, isHard: boolean): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(bytes, () => {
        if (isHard) setTimeout(() => socket.resetAndDestroy(), 5);
        else setTimeout(() => socket.end(), 20);
      });
      setTimeout(() => socket.destroy(), 200);
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve());
  });
}

const ports = ["hb_port", "shell_port", "control_port", "stdin_port", "iopub_port"] as const;

for (const name of ports)
  test(`bytes that are no ZMTP leave ${name} alive`, async () => {
    const random = createRandom(ports.indexOf(name) + 1);
    const port = client.connection[name];
    for (const [i, bytes] of Object.values(openings).entries()) {
      await throwAt(port, bytes, i % 2 === 0);
      await throwAt(port, bytes, i % 2 === 1);
    }
    for (let i = 0; i < 10; i++)
      await Promise.all(
        Array.from({ length: 20 }, () => {
          const prefix = random.pick([Buffer.alloc(0), greeting(3, "NULL"), Buffer.from([1, 0])]);
          const junk = Buffer.from(Array.from({ length: random.below(60) }, () => random.below(256)));
          return throwAt(port, Buffer.concat([prefix, junk]), random.below(2) === 0);
        }),
      );
    await assertAlive();
    const watcher = await client.subscribe();
    await client.until(() => watcher.types.includes("iopub_welcome"));
    watcher.close();
  });

test("2,000 signed messages that are malformed leave the kernel alive", async () => {
  const random = createRandom(11);
  const odd: unknown[] = [
    ...[
      null,
      0,
      -1,
      1e308,
      2 ** 53,
      "3",
      "yes",
      "",
      true,
      false,
      [],
      {},
      [[]],
      { a: null },
      "\u0000",
      "\ud800",
    ],
    ...["*".repeat(50), ["x"], { __proto__: 1 }, { toString: 1 }, "execute_request", -0.5],
  ];
  const known = [
    ...["execute_request", "complete_request", "inspect_request", "is_complete_request", "history_request"],
    ...["comm_info_request", "comm_open", "comm_msg", "comm_close", "kernel_info_request", "input_reply"],
    ...["interrupt_request", "nonsense_request", "toString", "__proto__"],
  ];
  const fields = [
    ...["code", "silent", "store_history", "user_expressions", "allow_stdin", "stop_on_error", "cursor_pos"],
    ...["detail_level", "hist_access_type", "output", "session", "start", "stop", "n", "pattern", "unique"],
    ...["comm_id", "target_name", "data", "value"],
  ];
  const object = (names: readonly string[], count: number): Record<string, unknown> =>
    Object.fromEntries(Array.from({ length: count }, () => [random.pick(names), random.pick(odd)]));
  for (let i = 0; i < 2000; i++) {
    const header: Record<string, unknown> = {
      msg_id: `fuzz-${i}`,
      msg_type: random.pick(known),
      session: "s",
      username: "u",
      date: new Date().toISOString(),
      version: "5.4",
    };
    // One in three has a header that is one; the others have a field too odd or none at all.
    if (random.below(3) === 0) delete header[random.pick(Object.keys(header))];
    else if (random.below(2) === 0) header[random.pick(Object.keys(header))] = random.pick(odd);
    const part = () => (random.below(3) === 0 ? random.pick(odd) : object(fields, random.below(8)));
    const parts = [random.below(8) === 0 ? random.pick(odd) : header, part(), part(), part()];
    const texts = parts.map((value) => (random.below(40) === 0 ? "{not JSON" : JSON.stringify(value)));
    const extra = random.below(10) === 0 ? ["buffer"] : [];
    const frames = [...client.sign(texts), ...extra];
    if (random.below(20) === 0) frames.splice(random.below(frames.length), 1);
    await client.sendFrames(random.pick(["shell", "control", "stdin"] as const), frames);
  }
  await assertAlive("after the flood of nonsense");
  assert.match(client.log, /was dropped/);
});

test("a request whose fields are of the wrong type is answered with an error", async () => {
  for (const [type, content] of [
    ["execute_request", { code: 5 }],
    ["execute_request", {}],
    ["complete_request", { code: null, cursor_pos: 0 }],
    ["complete_request", { code: "a", cursor_pos: "0" }],
    ["inspect_request", { code: [], cursor_pos: 0 }],
    ["is_complete_request", {}],
  ] as const) {
    const reply = await client.ask("shell", type, content);
    assert.equal([type, reply.status, reply.ename], [type, "error", "TypeError"]);
  }
  const { reply } = await client.run("1", { user_expressions: null, silent: "yes", allow_stdin: 1 });
  assert.is(reply.status, "ok");
});

test("a request is answered on the channel on which it was asked", async () => {
  const reply = await client.ask("control", "execute_request", { code: "1" });
  assert.is(reply.status, "ok");
});

test("a message that was overheard cannot be sent again", async () => {
  await client.run("let ran = 0");
  const { id, frames } = client.frames("execute_request", { code: "ran++" });
  await client.sendFrames("shell", frames);
  await client.finished(id);
  await client.sendFrames("shell", frames);
  assert.is(await client.value("ran"), "1");
});

test("a second client with the same identity gets its answers", async () => {
  const open = () => {
    const socket = new Dealer({ routingId: "twin", linger: 0, receiveTimeout: 20_000 });
    socket.connect(`tcp://127.0.0.1:${client.connection.shell_port}`);
    return socket;
  };
  const ask = async (socket: Dealer) => {
    const { id, frames } = client.frames("kernel_info_request", {});
    await socket.send(frames);
    const reply = await socket.receive();
    assert.is(JSON.parse(String(reply[3])).msg_id, id);
  };
  const first = open();
  await ask(first);
  const second = open();
  // The first one would come back and take over again.
  first.close();
  await ask(second);
  second.close();
});

test("a client that does not read keeps nobody waiting", async () => {
  const frozen = new Subscriber({ linger: 0, receiveHighWaterMark: 1 });
  frozen.connect(`tcp://127.0.0.1:${client.connection.iopub_port}`);
  frozen.subscribe();
  await frozen.receive();
  const { stdout, reply } = await client.run("for (let i = 0; i < 60; i++) console.log('z'.repeat(1 << 20))");
  assert.is(reply.status, "ok");
  assert.is(stdout.length, 60 * ((1 << 20) + 1));
  frozen.close();
});

/** What a cell does to the globals; each group in a kernel of its own, where it stays. */
const replaced: Record<string, string>[] = [
  {
    "setImmediate replaced": "globalThis.setImmediate = (() => 0) as any; 1",
    "console replaced": "(globalThis as any).console = {}; 1",
    "process.exit replaced": "process.exit = (() => {}) as any; 1",
  },
  {
    "all timers replaced":
      "for (const name of ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask']) (globalThis as any)[name] = () => 0; 1",
    "process.nextTick replaced": "process.nextTick = (() => {}) as any; 1",
  },
  {
    "Promise replaced": "(globalThis as any).Promise = class {}; 1",
  },
  {
    "the methods of Promise replaced":
      "const P = Promise.prototype as any; const keptThen = P.then; P.then = P.catch = () => {}; setTimeout(() => { P.then = keptThen }, 200); 1",
  },
  {
    "methods of promises replaced":
      "Promise.prototype.then = Promise.prototype.finally = (() => { throw new Error('mine') }) as any; 1",
  },
  {
    "JSON's methods replaced": "JSON.stringify = JSON.parse = (() => { throw 1 }) as any; 1",
    "JSON replaced": "(globalThis as any).JSON = { stringify() { throw 1 }, parse() { throw 1 } }; 1",
  },
  {
    "methods of Array replaced":
      "for (const name of ['map', 'filter', 'forEach', 'includes', 'find', 'flatMap', 'entries', 'some', 'every', 'reduce', 'at']) (Array.prototype as any)[name] = () => { throw new Error('mine') }; 1",
    "methods of Map and Set replaced":
      "for (const C of [Map, Set]) for (const name of ['get', 'set', 'has', 'add', 'delete', 'keys', 'forEach']) (C.prototype as any)[name] = () => { throw new Error('mine') }; 1",
  },
  {
    "iteration replaced": "(Array.prototype as any)[Symbol.iterator] = () => { throw new Error('mine') }; 1",
  },
  {
    "Map, Set and Object replaced":
      "for (const name of ['Map', 'Set', 'Object', 'Symbol', 'Error']) (globalThis as any)[name] = undefined; 1",
  },
  {
    "Atomics and AbortController replaced":
      "(globalThis as any).Atomics = (globalThis as any).AbortController = undefined; 1",
    "the streams' write replaced":
      "process.stdout.write = process.stderr.write = (() => { throw new Error('mine') }) as any; 1",
    "the listeners of the process removed":
      "process.removeAllListeners(); process.removeAllListeners('uncaughtException'); for (const l of process.listeners('unhandledRejection')) process.off('unhandledRejection', l); 1",
  },
];

for (const group of replaced)
  test(`cells run and are interrupted with ${Object.keys(group).join(", and ")}`, async () => {
    const other = await Client.start();
    try {
      for (const [what, code] of Object.entries(group))
        assert.is((await other.run(code)).reply.status, "ok", `${what}\n${other.log}`);
      assert.is(await other.value("const fresh: number = 2; fresh + 1"), "3", other.log);
      writeFileSync(join(other.folder, "beside.ts"), "export const beside: number = 4;\n");
      const imports = 'import { sep } from "node:path"; sep.length + (await import("./beside")).beside';
      // The file's own code cannot do without `Object`.
      if (!("Map, Set and Object replaced" in group)) assert.is(await other.value(imports), "5", other.log);
      const { matches } = await other.ask("shell", "complete_request", { code: "fre", cursor_pos: 3 });
      assert.equal(matches, ["fresh"], other.log);
      if (["setImmediate", "Promise", "JSON"].some((name) => `${name} replaced` in group))
        assert.is((await other.run("!echo shell")).stdout, "shell\n", other.log);
      assert.is((await other.run("let unknown: string = 5")).reply.ename, "TypeScriptError", other.log);
      const failed = await other.run("throw 7");
      assert.is(failed.reply.status, "error", other.log);
      const id = await other.sendCell("for (;;);");
      await other.until(() => other.iopub.some((m) => m.parent === id && m.type === "execute_input"));
      await sleep(100);
      await other.interrupt();
      assert.is((await other.finished(id)).reply.ename, "KernelInterrupted", other.log);
      assert.is(await other.value("fresh"), "2", other.log);
      await other.ask("control", "shutdown_request", { restart: false });
      await other.exited();
    } finally {
      await other.close();
    }
  });

test("what a cell throws after its listeners were removed does not end the kernel", async () => {
  await client.run("process.removeAllListeners(); setTimeout(() => { throw new Error('late') }, 300)");
  await client.until(() => client.iopub.some((m) => m.type === "stream" && /late/.test(m.content.text)));
  await client.run("process.removeAllListeners(); void Promise.reject(new Error('lost'))");
  client.process.kill("SIGINT");
  await assertAlive();
});

test("a kernel whose port is taken says so and ends", async () => {
  const { connection } = client;
  const second = await Client.start({ argv: [process.execPath, launcher], ready: false, connection });
  try {
    assert.is(await second.exited(), 1);
    await second.until(() => /cannot be bound \(EADDRINUSE\)/.test(second.log));
  } finally {
    await second.close();
  }
});

test.run();
