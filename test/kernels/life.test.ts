import { spawn } from "node:child_process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Client, isAlive, launcher, sleep } from "./client.js";

/** Starts a kernel whose cell has a child process and a timer that would hold the event loop. */
async function startBusy(): Promise<{ client: Client; child: number }> {
  const client = await Client.start();
  const { stdout } = await client.run(
    "import { spawn } from 'node:child_process'; const child = spawn('sleep', ['1000']); setInterval(() => {}, 1000); console.log(child.pid)",
  );
  return { client, child: Number(stdout) };
}

test("shutdown is answered on the control channel and broadcast, and leaves no process", async () => {
  const { client, child } = await startBusy();
  assert.equal(await client.ask("control", "shutdown_request", { restart: false }), {
    status: "ok",
    restart: false,
  });
  await client.until(() => client.iopub.some((m) => m.type === "shutdown_reply"));
  assert.is(await client.exited(), 0, client.log);
  assert.not.match(client.log, /Error|terminate/);
  await client.until(() => !isAlive(child));
  await client.close();
});

test("a restart is told so, also while a cell is busy, and leaves no process", async () => {
  const { client, child } = await startBusy();
  const id = await client.sendCell("console.log('x'); for (;;);");
  await client.until(() => client.iopub.some((m) => m.parent === id && m.type === "stream"));
  assert.is((await client.ask("control", "shutdown_request", { restart: true })).restart, true);
  await client.exited();
  await client.until(() => !isAlive(child));
  await client.close();
});

test("process.exit in a cell ends the kernel cleanly", async () => {
  const { client, child } = await startBusy();
  await client.sendCell("process.exit(7)");
  assert.is(await client.exited(), 7, client.log);
  assert.not.match(client.log, /terminate/);
  await client.until(() => !isAlive(child));
  await client.close();
});

test("a kernel killed with -9 takes its children along", async () => {
  const { client, child } = await startBusy();
  client.process.kill("SIGKILL");
  await client.exited();
  await client.until(() => !isAlive(child));
  await client.close();
});

test("a kernel whose Jupyter was killed with -9 ends with its children, busy or not", async () => {
  // A process between us and the kernel plays Jupyter: it starts the kernel in a session of its own and prints its id.
  const script = `const { spawn } = require("node:child_process");
const kernel = spawn(process.execPath, ["--no-force-async-hooks-checks", ${JSON.stringify(launcher)}, process.argv[1]], { detached: true, stdio: "ignore" });
require("node:fs").writeSync(2, "kernel " + kernel.pid + "\\n"); setInterval(() => {}, 1000);`;
  const client = await Client.start({ argv: [process.execPath, "-e", script] });
  const kernel = Number((await client.until(() => /kernel (\d+)/.exec(client.log)))[1]);
  const { stdout } = await client.run(
    "import { spawn } from 'node:child_process'; console.log(spawn('sleep', ['1000']).pid)",
  );
  await client.sendCell("for (;;);");
  await sleep(200);
  client.process.kill("SIGKILL");
  await client.until(() => !isAlive(kernel) && !isAlive(Number(stdout)));
  await client.close();
});

test("a kernel that leads no process group finds its children all the same", async () => {
  const script = `const { spawn } = require("node:child_process");
const kernel = spawn(process.execPath, ["--no-force-async-hooks-checks", ${JSON.stringify(launcher)}, process.argv[1]], { stdio: "ignore" });
require("node:fs").writeSync(2, "kernel " + kernel.pid + "\\n"); setInterval(() => {}, 1000);`;
  const client = await Client.start({ argv: [process.execPath, "-e", script] });
  const kernel = Number((await client.until(() => /kernel (\d+)/.exec(client.log)))[1]);
  const { stdout } = await client.run(
    "import { spawn } from 'node:child_process'; console.log(spawn('sleep', ['1000']).pid)",
  );
  process.kill(kernel, "SIGKILL");
  await client.until(() => !isAlive(Number(stdout)));
  await client.close();
});

test("without a connection file the command says what is missing", async () => {
  const child = spawn(process.execPath, [launcher], { stdio: ["ignore", "ignore", "pipe"] });
  let text = "";
  child.stderr.on("data", (d) => {
    text += d;
  });
  assert.is(await new Promise((done) => child.on("close", done)), 2);
  assert.match(text, "missing connection file");
});

test.run();
