import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Client } from "./client.js";

const test = suite("belonging");
let client: Client;

test.before(async () => {
  client = await Client.start();
});
test.after(() => client.close());

const wait = (ms: number) => `await new Promise((r) => setTimeout(r, ${ms}));`;

/** Runs a cell that prints "first" later, and one while it does; where did it appear? */
async function printsUnderItsCell(code: string): Promise<void> {
  const first = await client.sendCell(code);
  assert.is((await client.finished(first)).reply.status, "ok");
  const second = await client.sendCell(
    `console.log("second begins"); while (!(globalThis as any).printed) ${wait(20)} ${wait(100)} console.log("second ends")`,
  );
  const text = (id: string) =>
    client.iopub
      .filter((m) => m.type === "stream" && m.parent === id)
      .map((m) => m.content.text)
      .join("");
  await client.until(() => /second ends/.test(text(second)));
  assert.is(text(second), "second begins\nsecond ends\n", code);
  await client.until(() => text(first).includes("first\n"));
  await client.run("(globalThis as any).printed = false");
}

const done = "(globalThis as any).printed = true";
const print = `console.log("first"); ${done}`;

const sources: Record<string, string> = {
  "a timer": `setTimeout(() => { ${print} }, 300); 1`,
  "an interval": `const i1 = setInterval(() => { clearInterval(i1); ${print} }, 300); 1`,
  "an immediate after a timer": `setTimeout(() => setImmediate(() => { ${print} }), 300); 1`,
  "what follows a promise": `void (async () => { ${wait(300)} await 0; await null; ${print} })(); 1`,
  "node:timers/promises": `void (async () => { const { setTimeout: later } = await import("node:timers/promises"); await later(300); await 0; ${print} })(); 1`,
  "a promisified timer": `void (async () => { await require("node:util").promisify(setTimeout)(300); ${print} })(); 1`,
  "the callback of a child process": `require("node:child_process").exec("sleep 0.3; echo first", (_: unknown, text: string) => { process.stdout.write(text); ${done} }); 1`,
  "the stream of a child process": `require("node:child_process").spawn("sh", ["-c", "sleep 0.3; echo first"]).stdout.on("data", (d: Buffer) => { process.stdout.write(d); ${done} }); 1`,
  "a child process that inherits": `const c1 = require("node:child_process").spawn("sh", ["-c", "sleep 0.3; echo first"], { stdio: "inherit" }); c1.on("close", () => { ${done} }); 1`,
  "a worker": `const w1 = new (require("node:worker_threads").Worker)('setTimeout(() => console.log("first"), 300)', { eval: true }); w1.on("exit", () => setTimeout(() => { ${done} }, 100)); 1`,
  "a message of a worker": `const w2 = new (require("node:worker_threads").Worker)('setTimeout(() => require("node:worker_threads").parentPort.postMessage("first"), 300)', { eval: true }); w2.on("message", (m: string) => { console.log(m); ${done} }); 1`,
  "stderr, too": `setTimeout(() => { console.error("first"); ${done} }, 300); 1`,
};

for (const [name, code] of Object.entries(sources))
  test(`${name} of a cell prints under that cell while another runs`, () => printsUnderItsCell(code));

test("progress bars stay under their cells while a job of an earlier cell draws its own", async () => {
  const bars = `const { progress } = await import("speakerscope/kernel");
const draw = async (name: string, ms: number) => {
  const began = Date.now();
  for (let n = 1; Date.now() - began < ms; n++) {
    const bars = Array.from({ length: 6 }, (_, i) => progress(\`\${name} \${n} \${i}\`));
    for (let k = 0; k < 40; k++) { for (const bar of bars) bar({ done: k, total: 40 }); ${wait(5)} }
  }
};`;
  const first = await client.sendCell(`${bars} void draw("early", 1500).then(() => { ${done} }); 1`);
  await client.finished(first);
  const second = await client.sendCell(
    `${bars} await draw("late", 800); while (!(globalThis as any).printed) ${wait(20)}`,
  );
  await client.finished(second);
  const drawn = client.iopub.filter((m) => m.type.endsWith("display_data"));
  for (const [cell, name] of [
    [first, "early"],
    [second, "late"],
  ]) {
    const own = drawn.filter((m) => m.content.data["text/plain"].startsWith(name));
    assert.ok(own.length > 0);
    assert.ok(own.every((m) => m.parent === cell));
  }
  await client.run("(globalThis as any).printed = false");
});

test("an exception of an earlier cell's timer is printed under that cell and leaves the running one alone", async () => {
  const first = await client.sendCell(`setTimeout(() => { ${done}; throw new Error("late fault") }, 300); 1`);
  await client.finished(first);
  const { reply, stderr } = await client.run(
    `while (!(globalThis as any).printed) ${wait(20)} ${wait(100)} "alive"`,
  );
  assert.is(reply.status, "ok");
  assert.is(stderr, "");
  await client.until(() =>
    client.iopub.some((m) => m.parent === first && /late fault/.test(m.content.text ?? "")),
  );
  await client.run("(globalThis as any).printed = false");
});

test("a display of an earlier cell is shown under that cell", async () => {
  const first = await client.sendCell(
    `import { display } from "speakerscope/kernel"; setTimeout(() => { display.text("late"); ${done} }, 300); 1`,
  );
  await client.finished(first);
  const { messages } = await client.run(`while (!(globalThis as any).printed) ${wait(20)} 2`);
  assert.equal(
    messages.map((m) => m.type),
    ["execute_result"],
  );
  await client.until(() => client.iopub.some((m) => m.type === "display_data" && m.parent === first));
});

test("an interrupted callback of an earlier cell leaves later output where it belongs", async () => {
  await client.run("setTimeout(() => { for (;;); }, 200); 1");
  const id = await client.sendCell("console.log('here'); await new Promise(() => {})");
  await client.until(() => client.iopub.some((m) => m.parent === id && m.type === "stream"));
  await new Promise((resolve) => setTimeout(resolve, 400));
  await client.interrupt();
  await client.finished(id);
  assert.is((await client.run("console.log('mine')")).stdout, "mine\n");
  assert.is((await client.run(`${wait(50)} console.log('mine')`)).stdout, "mine\n");
});

const inherited: Record<string, [code: string, stdout: string, stderr: string]> = {
  spawnSync: [`cp.spawnSync("sh", ["-c", "echo out; echo err >&2"], { stdio: "inherit" })`, "out\n", "err\n"],
  "spawnSync into the other stream": [
    `cp.spawnSync("sh", ["-c", "echo out; echo err >&2"], { stdio: ["ignore", 2, process.stdout] })`,
    "err\n",
    "out\n",
  ],
  execSync: [`cp.execSync("echo out; echo err >&2", { stdio: "inherit" })`, "out\n", "err\n"],
  "execSync as it comes": [`cp.execSync("echo err >&2")`, "", "err\n"],
  execFileSync: [
    `cp.execFileSync("sh", ["-c", "echo out; echo err >&2"], { stdio: [0, 1, 2] })`,
    "out\n",
    "err\n",
  ],
  spawn: [
    `await new Promise((r) => cp.spawn("sh", ["-c", "echo out; echo err >&2"], { stdio: "inherit" }).on("close", r))`,
    "out\n",
    "err\n",
  ],
  "a module of its own": [
    `const own: string = "data:text/javascript,import { spawnSync } from 'node:child_process'; spawnSync('echo', ['out'], { stdio: 'inherit' })"; await import(own)`,
    "out\n",
    "",
  ],
};

for (const [name, [code, stdout, stderr]] of Object.entries(inherited))
  test(`inherited output goes into the cell: ${name}`, async () => {
    const run = await client.run(`import * as cp from "node:child_process"; ${code};`);
    assert.equal([run.reply.status, run.stdout, run.stderr], ["ok", stdout, stderr], run.reply.evalue);
  });

test("what is not inherited is given back as ever", async () => {
  const value = (code: string) => client.value(`import * as cp from "node:child_process"; ${code}`);
  assert.is(await value(`String(cp.execSync("echo a"))`), "'a\\n'");
  assert.is(await value(`cp.execFileSync("echo", ["b"], { encoding: "utf8" })`), "'b\\n'");
  assert.is(await value(`cp.spawnSync("echo", ["c"]).stdout.toString()`), "'c\\n'");
  assert.is(
    await value(
      `const r = cp.spawnSync("sh", ["-c", "echo d; echo e >&2"], { stdio: ["ignore", "pipe", "inherit"], encoding: "utf8" }); [r.stdout, r.stderr]`,
    ),
    "[ 'd\\n', null ]",
  );
  assert.is(
    await value(
      `try { cp.execSync("exit 3", { stdio: "inherit" }); 0 } catch (e) { console.log((e as any).status) }; 1`,
    ),
    "1",
  );
});

test.run();
