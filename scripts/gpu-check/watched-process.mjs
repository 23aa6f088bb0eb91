import { execFile, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { promisify } from "node:util";

/**
 * Runs a program to its end, or kills it with all that it started when its time is up, and watches memory meanwhile.
 *
 * Memory is sampled twice a second: what all of its processes hold together, and what is in use on the GPUs.
 */
export async function watchedProcess(program, args, { env, limitMs }) {
  const before = await gpuMemoryMiB();
  const start = performance.now();
  // A process group of its own, so that ranks die with the command that started them.
  const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  const killAll = () => kill(child.pid);
  process.on("exit", killAll);
  let [stdout, stderr, timedOut] = ["", "", false];
  child.stdout.on("data", (text) => (stdout += text));
  child.stderr.on("data", (text) => (stderr += text));
  const timer = setTimeout(() => {
    timedOut = true;
    killAll();
  }, limitMs);
  const ended = new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
  const watch = watchMemory(child.pid, ended);
  try {
    const exitCode = await ended;
    const seconds = (performance.now() - start) / 1000;
    const { rss, gpu } = await watch;
    return {
      exitCode,
      timedOut,
      stdout,
      stderr,
      seconds: round(seconds),
      memoryMiB: {
        processes: Math.round(rss),
        ...(before === undefined ? {} : { gpuBefore: before, gpuPeak: Math.max(before, gpu) }),
      },
    };
  } finally {
    clearTimeout(timer);
    killAll();
    process.off("exit", killAll);
  }
}

export const round = (value) => Math.round(value * 1000) / 1000;

function kill(group) {
  try {
    process.kill(-group, "SIGKILL");
  } catch {
    // All of them are gone.
  }
}

async function watchMemory(group, ended) {
  let over = false;
  ended.then(
    () => (over = true),
    () => (over = true),
  );
  const peak = { rss: 0, gpu: 0 };
  while (!over) {
    peak.rss = Math.max(peak.rss, residentMiB(group));
    peak.gpu = Math.max(peak.gpu, (await gpuMemoryMiB()) ?? 0);
    await Promise.race([ended.catch(() => {}), new Promise((resolve) => setTimeout(resolve, 500))]);
  }
  return peak;
}

/** What the processes of a group hold in memory, together. */
function residentMiB(group) {
  let sum = 0;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      // The name, in brackets, may hold spaces; state, parent and group follow.
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      if (Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2]) !== group) continue;
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      sum += Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024;
    } catch {
      // It ended in between.
    }
  }
  return sum;
}

/** Memory that is used on all GPUs together; undefined where nvidia-smi says nothing. */
async function gpuMemoryMiB() {
  try {
    const query = ["--query-gpu=memory.used", "--format=csv,noheader,nounits"];
    const { stdout } = await promisify(execFile)("nvidia-smi", query, { timeout: 10_000 });
    return stdout
      .trim()
      .split("\n")
      .reduce((sum, line) => sum + Number(line), 0);
  } catch {
    return undefined;
  }
}
