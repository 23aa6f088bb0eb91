import { readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Subscriber } from "zeromq";
import { Client, sleep } from "./client.js";

const test = suite("flood");

const floods: Record<string, string> = {
  "console.log": `for (;;) console.log("y".repeat(1000))`,
  "tiny writes": `for (;;) process.stdout.write("y")`,
  "both streams in turn": `for (;;) { console.log("y".repeat(1000)); console.error("z".repeat(1000)); }`,
  "huge lines": `for (;;) console.log("y".repeat(1 << 23))`,
  displays: `import { display } from "speakerscope/kernel"; for (;;) display.text("y".repeat(1000))`,
  "a loop that awaits": `for (;;) { console.log("y".repeat(1000)); await null; }`,
  "a loop that awaits turns": `for (;;) { console.log("y".repeat(1000)); await new Promise((r) => setImmediate(r)); }`,
  "a child process": `await new Promise((r) => require("node:child_process").spawn("yes", ["y".repeat(1000)], { stdio: "inherit" }).on("close", r))`,
};

const memory = (pid: number, field: string) =>
  Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;

for (const [name, code] of Object.entries(floods))
  test(`a flood of ${name} is interrupted and forgotten`, async () => {
    const client = await Client.start();
    try {
      const id = await client.sendCell(code);
      await client.until(() => client.iopub.some((m) => m.parent === id && /stream|display/.test(m.type)));
      // One is long enough to fill what there is to fill.
      for (let i = 0; i < (name === "console.log" ? 10 : 2); i++) {
        await sleep(500);
        // What has arrived needs not be kept.
        client.iopub.splice(0, client.iopub.length, ...client.iopub.filter((m) => m.type === "status"));
        assert.is(await client.heartbeat(), "ping");
      }
      await client.interrupt();
      const { reply } = await client.finished(id);
      assert.is(reply.ename, "KernelInterrupted");
      // Whether something was dropped depends on how fast the machine is; protocol-core.test.ts looks at what is told then.
      assert.is((await client.run("console.log('next')")).stdout, "next\n");
      if (process.platform === "linux") {
        // A kernel at rest has 180 MB.
        const peak = memory(client.process.pid as number, "VmHWM");
        assert.ok(peak < 450, `${peak} MB`);
      }
    } finally {
      await client.close();
    }
  });

test("a client that does not read costs no memory and keeps nobody waiting", async () => {
  const client = await Client.start();
  const frozen = new Subscriber({ linger: 0, receiveHighWaterMark: 1 });
  frozen.connect(`tcp://127.0.0.1:${client.connection.iopub_port}`);
  frozen.subscribe();
  try {
    await frozen.receive();
    const id = await client.sendCell(`for (let i = 0; i < 200; i++) console.log("z".repeat(1 << 20))`);
    const { reply, stdout } = await client.finished(id);
    assert.is(reply.status, "ok");
    assert.is(stdout.length, 200 * ((1 << 20) + 1));
    const watcher = await client.subscribe();
    await client.until(() => watcher.types[0] === "iopub_welcome");
    watcher.close();
    if (process.platform === "linux") {
      const peak = memory(client.process.pid as number, "VmHWM");
      assert.ok(peak < 600, `${peak} MB`);
    }
  } finally {
    frozen.close();
    await client.close();
  }
});

test("what a cell prints before it is interrupted arrives whole, when it is little", async () => {
  const client = await Client.start();
  try {
    const id = await client.sendCell(
      `import { cellSignal } from "speakerscope/kernel"; cellSignal().addEventListener("abort", () => console.log("tidied up")); console.log("begun"); await new Promise(() => {})`,
    );
    await client.until(() => client.iopub.some((m) => m.parent === id && m.type === "stream"));
    await client.interrupt();
    const { stdout, stderr } = await client.finished(id);
    assert.equal([stdout, stderr], ["begun\ntidied up\n", ""]);
  } finally {
    await client.close();
  }
});

test.run();
