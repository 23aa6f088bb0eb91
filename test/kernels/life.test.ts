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

/** A cell that starts children which leave the kernel's group and session. */
const detach = `import { spawn, spawnSync } from 'node:child_process';
const bare = { PATH: process.env.PATH };
const pids = [
  spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' }).pid,
  spawn('sleep', ['1000'], { detached: true, stdio: 'ignore', env: bare }).pid,
  ...String(spawnSync('sh', ['-c', 'setsid sleep 1000 >/dev/null 2>&1 & echo $!'], { env: bare }).stdout).trim().split(' ').map(Number),
];
console.log(pids.join(' '))`;

for (const [how, end] of Object.entries({
  shutdown: (client: Client) => client.ask("control", "shutdown_request", { restart: false }),
  SIGKILL: async (client: Client) => client.process.kill("SIGKILL"),
}))
  test(`children that detach themselves end with the kernel: ${how}`, async () => {
    if (process.platform !== "linux") return console.log("SKIPPED detached children: no /proc here");
    const client = await Client.start();
    const pids = (await client.run(detach)).stdout.trim().split(" ").map(Number);
    assert.is(pids.filter(isAlive).length, 3);
    await end(client);
    await client.exited();
    await client.until(() => !pids.some(isAlive));
    await client.close();
  });

test("a kernel whose Jupyter ends before it has started ends as well", async () => {
  // The parent starts the kernel and is gone at once; its parent is gone, too, so that Jupyter's number stands for nobody.
  const script = `const { spawn } = require("node:child_process");
const kernel = spawn(process.execPath, [${JSON.stringify(launcher)}, process.argv[1]], {
  detached: true, stdio: "ignore", env: { ...process.env, JPY_PARENT_PID: String(process.pid) } });
require("node:fs").writeSync(2, "kernel " + kernel.pid + "\\n"); process.exit(0);`;
  const client = await Client.start({ argv: [process.execPath, "-e", script], ready: false });
  const kernel = Number((await client.until(() => /kernel (\d+)/.exec(client.log)))[1]);
  await client.until(() => !isAlive(kernel));
  await client.close();
});

test("a kernel that a shell has started for Jupyter ends with Jupyter", async () => {
  const jupyter = spawn("sleep", ["1000"]);
  const argv = [
    "/bin/sh",
    "-c",
    `"$0" "$@"; exit 3`,
    process.execPath,
    "--no-force-async-hooks-checks",
    launcher,
  ];
  const client = await Client.start({ argv, env: { JPY_PARENT_PID: String(jupyter.pid) } });
  const id = await client.sendCell("console.log('busy'); for (;;);");
  await client.until(() => client.iopub.some((m) => m.parent === id && m.type === "stream"));
  jupyter.kill("SIGKILL");
  await client.exited();
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
