import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Client, isAlive, sleep } from "./client.js";

const test = suite("interrupt");
let client: Client;

test.before(async () => {
  client = await Client.start();
  await client.run("let kept = 'kept'");
});
test.after(() => client.close());

/** Runs a cell, interrupts it when it says that it is at the place, and looks whether the kernel goes on. */
async function interruptAt(code: string): Promise<{ text: string; stderr: string }> {
  const id = await client.sendCell(`kept = 'kept'; console.log('here'); ${code}`);
  await client.until(() => client.iopub.some((m) => m.parent === id && m.type === "stream"));
  await sleep(100);
  await client.interrupt();
  const { reply, stderr } = await client.finished(id);
  assert.equal([reply.status, reply.ename], ["error", "KernelInterrupted"]);
  assert.is(await client.value("await new Promise(r => setTimeout(r, 20)); kept"), "'kept'");
  return { text: reply.traceback.join("\n"), stderr };
}

const forever = "for (;;);";
const places: Record<string, string> = {
  "a promise that never comes": "await new Promise(() => {})",
  "a promise as the last expression": "new Promise(() => {})",
  "a long timer": "await new Promise((r) => setTimeout(r, 60_000))",
  "a busy loop": forever,
  "a busy loop after an await": `await 0; ${forever}`,
  "a busy loop in a timer": `await new Promise(() => setTimeout(() => { ${forever} }, 5))`,
  "a busy loop in an immediate": `await new Promise(() => setImmediate(() => { ${forever} }))`,
  "a busy loop in a microtask": `await Promise.resolve().then(() => { ${forever} })`,
  "a busy loop in an event":
    "new (await import('node:events')).EventEmitter().on('x', () => { for (;;); }).emit('x')",
  "a regular expression that backtracks": '/(a+)+$/.test("a".repeat(40) + "b")',
  "Atomics.wait": "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)",
  "Atomics.wait after an await": "await 0; Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)",
  "a loop that catches everything": "for (;;) { try { for (;;); } catch {} finally {} }",
  "printing without end": "for (let i = 0; ; i++) if (i % 100000 === 0) console.log(i)",
  "a display method that loops": "({ [Symbol.for('Jupyter.display')]() { for (;;); } })",
};

for (const [name, code] of Object.entries(places))
  test(`ends ${name} and keeps the state`, async () => {
    await interruptAt(code);
  });

test("ends a shell command with its children", async () => {
  const id = await client.sendCell("!echo pid $$; sleep 300 & sleep 301");
  await client.until(() => client.iopub.some((m) => m.parent === id && m.type === "stream"));
  const printed = client.iopub.find((m) => m.parent === id && m.type === "stream")?.content.text;
  await client.interrupt();
  await client.finished(id);
  await client.until(() => !isAlive(Number(/pid (\d+)/.exec(printed ?? "")?.[1])));
  assert.is(await client.value("kept"), "'kept'");
});

test("ends the processes that the cell started, as a terminal would", async () => {
  const id = await client.sendCell(
    "import { fork, spawn } from 'node:child_process'; const child = spawn('sleep', ['300']); console.log(child.pid); await new Promise(() => {})",
  );
  await client.until(() => client.iopub.some((m) => m.parent === id && m.type === "stream"));
  const pid = Number(client.iopub.find((m) => m.parent === id && m.type === "stream")?.content.text);
  assert.ok(isAlive(pid));
  await client.interrupt();
  await client.finished(id);
  await client.until(() => !isAlive(pid));
});

test("aborts cellSignal, so that a job can put things in order first", async () => {
  await interruptAt(`const { cellSignal } = await import("speakerscope/kernel");
var sawAbort = false;
cellSignal().addEventListener("abort", () => { sawAbort = true; });
await new Promise(() => {});`);
  assert.is(await client.value("sawAbort"), "true");
});

test("an interrupt while the compiler works does not harm it", async () => {
  const wide = Array.from({ length: 3000 }, (_, i) => `const wide${i} = { a: ${i}, b: [${i}] };`).join("\n");
  const id = await client.sendCell(wide);
  await sleep(30);
  await client.interrupt();
  assert.is((await client.finished(id)).reply.ename, "KernelInterrupted");
  assert.is(await client.value("const after = [kept]; after.length"), "1");
});

test("an interrupt of a kernel that does nothing changes nothing", async () => {
  await client.interrupt();
  await client.interrupt();
  assert.is(await client.value("kept"), "'kept'");
});

test("an interrupt aborts what waits behind the cell", async () => {
  const first = await client.sendCell("await new Promise(() => {})");
  const second = await client.sendCell("console.log('second')");
  await sleep(200);
  await client.interrupt();
  assert.is((await client.finished(first)).reply.ename, "KernelInterrupted");
  assert.is((await client.finished(second)).reply.status, "aborted");
});

test("a prompt that waits is ended", async () => {
  const id = await client.sendCell("prompt('?')", { allow_stdin: true });
  await client.inputRequest();
  await client.interrupt();
  assert.is((await client.finished(id)).reply.ename, "KernelInterrupted");
  assert.is(await client.value("kept"), "'kept'");
});

test("a native call ends when it returns, and the kernel says that it waits for it", async () => {
  // Three seconds inside one native call; what it waits for does not heed the signal.
  const { stderr } = await interruptAt(
    `(await import("node:child_process")).execSync("trap '' INT; sleep 3")`,
  );
  assert.match(stderr, "native call");
});

test("SIGINT counts as an interrupt", async () => {
  const id = await client.sendCell("console.log('x'); await new Promise(() => {})");
  await client.until(() => client.iopub.some((m) => m.parent === id && m.type === "stream"));
  client.process.kill("SIGINT");
  assert.is((await client.finished(id)).reply.ename, "KernelInterrupted");
  assert.is(await client.value("kept"), "'kept'");
});

test("20 interrupts at random moments leave the kernel alive", async () => {
  await client.run("let steps = 0");
  const codes = [
    "await new Promise((r) => setTimeout(r, 5000)); steps++",
    "for (;;) steps++",
    "await 0; for (;;) steps++",
    "await new Promise(() => setInterval(() => { const t = Date.now(); while (Date.now() - t < 40); }, 1))",
    "const fresh = Array.from({ length: 200 }, (_, i) => ({ i })); for (;;) fresh.sort((a, b) => b.i - a.i)",
  ];
  for (let i = 0; i < 20; i++) {
    const id = await client.sendCell(codes[i % codes.length]);
    await sleep(Math.random() * 250);
    await client.interrupt();
    const { reply } = await client.finished(id);
    assert.ok(["error", "ok"].includes(reply.status));
  }
  assert.is(await client.value("typeof steps + kept"), "'numberkept'");
});

test.run();
