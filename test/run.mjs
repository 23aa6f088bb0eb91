// Runs every test file in its own process: uvu exits 0 when `test.run()` was forgotten and when a `before` hook
// throws, so each file must say "Passed:" with as many passed as there are, and at least one.
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const wanted = process.argv.slice(2);
const files = readdirSync(here, { recursive: true })
  .map(String)
  .filter((f) => f.endsWith(".test.ts") && !f.includes("node_modules"))
  .filter((f) => wanted.length === 0 || wanted.some((w) => f.includes(w)))
  .sort();
if (files.length === 0) {
  console.log(`no test file matches ${wanted.join(" ")}`);
  process.exit(1);
}
const compiled = compile();
process.on("exit", () => rmSync(compiled, { recursive: true, force: true }));
// The longest start first, or one of them would keep a single lane busy at the end.
const LONGEST = [
  "notebooks/execute",
  "notebooks/browser",
  "extract/extract",
  "examples",
  "kernels/notebook",
  "readme",
  "extract/sources",
  "gpu-check",
  "kernels/flood",
  "kernels/hostile",
  "lint",
  "cli/errors",
  "audio/ffmpeg",
  "similarity/setup-tensorflow",
  "extract/kill",
  "runtime/webgpu",
  "comparison/row-blocks",
  "pipeline/reference",
  "extract/machine",
  "cluster/cluster",
  "install",
  "kernels/language",
  "kernels/life",
  "kernels/messages",
  "kernels/extraction",
];
files.sort((a, b) => rankOf(a) - rankOf(b));
let passed = 0;
let failed = 0;
const slow = [];
let reapedCpu = cpuOfChildren();

// Two files for each core: most of them wait for a process now and then.
const queue = [...files];
await Promise.all(Array.from({ length: 2 * availableParallelism() }, runQueue));
console.log("the slowest files, in wall and CPU seconds:");
for (const { wall, cpu, file } of slow.sort((a, b) => b.wall - a.wall).slice(0, 12))
  console.log(`  ${wall.toFixed(1).padStart(6)} ${cpu.toFixed(1).padStart(6)}  ${file}`);
const totalCpu = slow.reduce((sum, { cpu }) => sum + cpu, 0);
console.log(`${(performance.now() / 1000).toFixed(0)} s, ${totalCpu.toFixed(0)} CPU-s in all`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);

/** Every .ts file as JavaScript, in a temporary folder; types are checked by lint.test.ts. */
function compile() {
  const root = join(here, "..");
  const outdir = mkdtempSync(join(tmpdir(), "speakerscope-tests-"));
  const sources = ["src", "kernels", "test"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true })
      .map((path) => join(folder, String(path)))
      .filter((path) => /(?<!\.d)\.ts$/.test(path) && !path.includes("node_modules")),
  );
  buildSync({
    absWorkingDir: root,
    entryPoints: sources,
    outdir,
    outbase: root,
    format: "cjs",
    platform: "node",
    target: "node20",
    sourcemap: "inline",
    sourcesContent: false,
  });
  return outdir;
}

async function runQueue() {
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) await runFile(file);
}

function rankOf(file) {
  const rank = LONGEST.findIndex((name) => file.startsWith(`${name}.`));
  return rank < 0 ? LONGEST.length : rank;
}

/** CPU seconds of all children that have ended, and of what these waited for; 0 where there is no /proc. */
function cpuOfChildren() {
  try {
    const stat = readFileSync("/proc/self/stat", "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // cutime and cstime, in ticks: Linux reports 100 a second on every architecture.
    return (Number(fields[13]) + Number(fields[14])) / 100;
  } catch {
    return 0;
  }
}

function runFile(file) {
  return new Promise((resolve) => {
    const start = performance.now();
    const child = spawn(
      process.execPath,
      ["--enable-source-maps", "--require", join(here, "compiled.cjs"), join(here, file)],
      {
        stdio: ["ignore", "pipe", "pipe"],
        env: {
          ...process.env,
          SPEAKERSCOPE_COMPILED_TESTS: compiled,
          FORCE_COLOR: "0",
          NO_COLOR: "1",
          TF_CPP_MIN_LOG_LEVEL: "3",
          ORT_DISABLE_TELEMETRY: "1",
        },
      },
    );
    let out = "";
    let leak;
    child.stdout.on("data", (d) => {
      out += d;
      // Its tests are over: what keeps the process now is a leak, and no reason to wait.
      if (/^ *Total:/m.test(out)) leak ??= setTimeout(() => child.kill("SIGKILL"), 30_000);
    });
    child.stderr.on("data", (d) => (out += d));
    const timer = setTimeout(() => child.kill("SIGKILL"), 10 * 60_000);
    // The kernel adds a child's CPU time when it is reaped, which is just before this event.
    let cpu = 0;
    child.on("exit", () => {
      const now = cpuOfChildren();
      cpu = now - reapedCpu;
      reapedCpu = now;
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      clearTimeout(leak);
      const total = Number(/Total:\s+(\d+)/.exec(out)?.[1] ?? 0);
      const ok = Number(/Passed:\s+(\d+)/.exec(out)?.[1] ?? 0);
      const skipped = Number(/Skipped:\s+(\d+)/.exec(out)?.[1] ?? 0);
      const good = code === 0 && total >= 1 && ok === total;
      passed += ok;
      failed += good ? 0 : Math.max(1, total - ok);
      const seconds = (performance.now() - start) / 1000;
      slow.push({ wall: seconds, cpu, file });
      const name = relative(process.cwd(), join(here, file));
      const skips = skipped ? `, ${skipped} skipped` : "";
      console.log(
        `${good ? "ok  " : "FAIL"} ${name}  ${ok}/${total}${skips}  ${seconds.toFixed(1)} s, ${cpu.toFixed(1)} CPU-s`,
      );
      // A test that cannot run says so on a line that begins with SKIPPED: it is shown even when the rest passes.
      for (const line of out.split("\n").filter((l) => l.startsWith("SKIPPED"))) console.log(`     ${line}`);
      if (!good) console.log(`     exit ${code ?? signal}\n${out.replace(/^/gm, "     | ")}`);
      resolve();
    });
  });
}
