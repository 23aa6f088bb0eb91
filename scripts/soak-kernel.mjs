// `npm run soak`: interrupts a kernel at random moments and says how long each took to end and whether the state was
// kept. node scripts/soak-kernel.mjs [COUNT [SEED]]
import { spawn } from "node:child_process";
import { createHmac, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Dealer } from "zeromq";

const count = Number(process.argv[2] ?? 200);
let seed = Number(process.argv[3] ?? 1);
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = mkdtempSync(join(tmpdir(), "speakerscope-soak-"));

const cells = {
  await: "await new Promise((r) => setTimeout(r, 20_000)); steps++",
  loop: "for (;;) steps++",
  "loop after await": "await 0; for (;;) steps++",
  timer:
    "await new Promise(() => setInterval(() => { const t = Date.now(); while (Date.now() - t < 50); }, 1))",
  microtasks: "const spin = (): Promise<void> => Promise.resolve().then(spin); await spin()",
  allocation: "for (;;) Array.from({ length: 1000 }, (_, i) => ({ i })).sort((a, b) => b.i - a.i)",
  regex: '/(a+)+$/.test("a".repeat(40) + "b")',
  "Atomics.wait": "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)",
  printing: "for (;;) { console.log(steps); await new Promise((r) => setTimeout(r, 1)) }",
  displaying:
    'import { display } from "speakerscope/kernel"; for (;;) { display({ a: 1 }); await new Promise((r) => setTimeout(r, 5)) }',
  compiling: Array.from({ length: 100 }, (_, i) => `const w${i} = { a: ${i} };`).join("\n"),
  files: 'import { readFile } from "node:fs/promises"; for (;;) await readFile(process.execPath)',
  "child process": 'import { execSync } from "node:child_process"; execSync("sleep 20")',
};

const ports = await Promise.all(
  Array.from(
    { length: 5 },
    () =>
      new Promise((done) => {
        const server = createServer().listen(0, "127.0.0.1", () => {
          const { port } = server.address();
          server.close(() => done(port));
        });
      }),
  ),
);
const [shell_port, iopub_port, stdin_port, control_port, hb_port] = ports;
const key = randomUUID();
const connection = {
  transport: "tcp",
  ip: "127.0.0.1",
  shell_port,
  iopub_port,
  stdin_port,
  control_port,
  hb_port,
  key,
  signature_scheme: "hmac-sha256",
};
writeFileSync(join(folder, "connection.json"), JSON.stringify(connection));
const launcher = join(root, "dist", "kernels", "speakerscope", "launch.js");
const kernel = spawn(
  process.execPath,
  ["--no-force-async-hooks-checks", launcher, join(folder, "connection.json")],
  {
    cwd: folder,
    detached: true,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, SPEAKERSCOPE_HISTORY: "none", NO_COLOR: "1" },
  },
);
let dead = false;
kernel.on("exit", (code, signal) => {
  dead = true;
  if (!finished) console.error(`the kernel died: ${code ?? signal}`);
});

const waiting = new Map();
const sockets = Object.fromEntries(
  [
    ["shell", shell_port],
    ["control", control_port],
  ].map(([name, port]) => {
    const socket = new Dealer({ linger: 0 });
    socket.connect(`tcp://127.0.0.1:${port}`);
    void (async () => {
      for await (const frames of socket) {
        const at = frames.findIndex((f) => f.toString() === "<IDS|MSG>");
        const [parent, , content] = frames.slice(at + 3).map((f) => JSON.parse(f.toString()));
        waiting.get(parent.msg_id)?.(content);
        waiting.delete(parent.msg_id);
      }
    })();
    return [name, socket];
  }),
);

let finished = false;
const tally = { error: 0, ok: 0, lost: 0 };
const taken = [];
await ask("shell", "execute_request", { code: "let steps = 0; const kept = { word: 'kept' };" });
for (let i = 0; i < count && !dead; i++) {
  const names = Object.keys(cells);
  const name = names[Math.floor(random() * names.length)];
  const reply = ask("shell", "execute_request", { code: cells[name] });
  await sleep(random() * 400);
  const began = performance.now();
  await ask("control", "interrupt_request", {});
  const { status, ename } = await reply;
  const ms = performance.now() - began;
  taken.push({ name, ms });
  if (status === "error" && ename !== "KernelInterrupted") console.log(`${i} ${name}: ${ename}`);
  const check = await ask("shell", "execute_request", {
    code: "",
    user_expressions: { kept: "kept.word + typeof steps" },
  });
  const kept = check.user_expressions?.kept?.data?.["text/plain"] === "'keptnumber'";
  tally[status]++;
  if (!kept) {
    tally.lost++;
    console.log(`${i} ${name}: state lost: ${JSON.stringify(check)}`);
  }
}
finished = true;
const sorted = taken.map(({ ms }) => ms).sort((a, b) => a - b);
const at = (q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]?.toFixed(0);
console.log(
  `${taken.length} interrupts: ${tally.error} interrupted, ${tally.ok} had ended before, ${tally.lost} lost the state`,
);
console.log(`time to the reply: median ${at(0.5)} ms, 90 % ${at(0.9)} ms, longest ${at(1)} ms`);
for (const { name, ms } of taken.filter(({ ms }) => ms > 1000))
  console.log(`over 1 s: ${name} ${ms.toFixed(0)} ms`);
const alive = !dead;
for (const socket of Object.values(sockets)) socket.close();
kernel.kill("SIGKILL");
rmSync(folder, { recursive: true, force: true });
process.exit(alive && tally.lost === 0 && taken.length === count ? 0 : 1);

function ask(channel, type, content) {
  const id = randomUUID();
  const header = {
    msg_id: id,
    msg_type: type,
    session: "soak",
    username: "soak",
    date: new Date().toISOString(),
    version: "5.4",
  };
  const parts = [header, {}, {}, content].map((part) => JSON.stringify(part));
  const signature = createHmac("sha256", key).update(parts.join("")).digest("hex");
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${type}: no reply in 60 s: ${content.code?.slice(0, 60)}`)),
      60_000,
    );
    waiting.set(id, (reply) => {
      clearTimeout(timer);
      resolve(reply);
    });
    void sockets[channel].send(["<IDS|MSG>", signature, ...parts]);
  });
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Park and Miller's generator: the same moments for the same seed. */
function random() {
  seed = (seed * 48271) % 2147483647;
  return seed / 2147483647;
}
