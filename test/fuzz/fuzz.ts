import { fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface FuzzOptions {
  seed?: number;
  /** Mutants, from `first` on. */
  count: number;
  first?: number;
  /** A mutant that takes longer hangs. */
  maxSecondsEach?: number;
  /** Of a whole process that reads one mutant after the other. */
  maxBytes?: number;
  onProgress?: (done: number) => void;
}

export interface Finding {
  index: number;
  what: string;
}

/**
 * Reads mutants of sound files in a process of its own, so that one that crashes, hangs or takes all memory is a
 * finding too, and the rest goes on behind it.
 */
export async function fuzz(options: FuzzOptions): Promise<Finding[]> {
  const { count, first = 0 } = options;
  const findings: Finding[] = [];
  for (let at = first; at < first + count; ) {
    const { next, died } = await runFrom(at, options, findings);
    if (died !== undefined) findings.push({ index: next, what: died });
    at = died === undefined ? next : next + 1;
  }
  return findings;
}

function runFrom(
  start: number,
  options: FuzzOptions,
  findings: Finding[],
): Promise<{ next: number; died?: string }> {
  const { seed = 1, count, first = 0, maxSecondsEach = 30, maxBytes = 2e9, onProgress } = options;
  const end = first + count;
  const child = fork(join(__dirname, "worker.ts"), [String(seed), String(start), String(end)], {
    execArgv: ["--import", "tsx"],
    // Only what is decoded here.
    env: { ...process.env, FFMPEG: "/nonexistent/ffmpeg" },
  });
  let next = start;
  let died: string | undefined;
  let since = Date.now();
  const kill = (reason: string) => {
    died ??= reason;
    child.kill("SIGKILL");
  };
  const watch = setInterval(() => {
    if (Date.now() - since > 1000 * maxSecondsEach) kill(`took more than ${maxSecondsEach} s`);
    if (memoryOf(child.pid) > maxBytes) kill(`took more than ${maxBytes} bytes of memory`);
  }, 100);
  child.on("message", ({ done, what }: { done: number; what?: string }) => {
    if (what !== undefined) findings.push({ index: done, what });
    next = done + 1;
    since = Date.now();
    onProgress?.(next - first);
  });
  return new Promise((resolve) => {
    child.on("exit", (code, signal) => {
      clearInterval(watch);
      if (next < end) died ??= `ended the process (${signal ?? code})`;
      resolve(died === undefined ? { next } : { next, died });
    });
  });
}

/** Resident bytes; 0 where the system does not tell. */
function memoryOf(pid: number | undefined): number {
  try {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
    return pages * 4096;
  } catch {
    return 0;
  }
}
