import { execFileSync, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** Marks the processes that a kernel started, when they cannot be told by their process group. */
export const marker = "SPEAKERSCOPE_KERNEL";

interface ProcessRow {
  pid: number;
  parent: number;
  group: number;
}

/** The processes below `root` without those in `except`, children before grandchildren. */
export function descendants(root: number, except: readonly number[] = []): number[] {
  const rows = processTable();
  const found = [root];
  for (const at of found)
    found.push(...rows.filter((row) => row.parent === at && !except.includes(row.pid)).map(({ pid }) => pid));
  return found.slice(1);
}

/** Whether this process leads a group of its own, as Jupyter starts kernels. */
export function leadsGroup(): boolean {
  return processTable().some(({ pid, group }) => pid === process.pid && group === pid);
}

/**
 * Leaves a shell behind that ends what the kernel started when the kernel is gone, however it went: its standard input
 * closes then. It has a group of its own. Gives its process id, or null where there is no such shell.
 */
export function spawnReaper(): number | null {
  if (process.platform === "win32") return null;
  const [script, subject] = leadsGroup()
    ? ['read -r _; kill -s KILL -- "-$1"', String(process.pid)]
    : [
        `read -r _; grep -lsz "^${marker}=$1\\$" /proc/[0-9]*/environ | while read -r f; do p=\${f#/proc/}; kill -s KILL "\${p%/environ}"; done`,
        process.env[marker] ?? "",
      ];
  const { [marker]: _, ...env } = process.env;
  const child = spawn("/bin/sh", ["-c", script, "speakerscope-reaper", subject], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
    env,
  });
  child.on("error", () => {});
  child.unref();
  return child.pid ?? null;
}

function processTable(): ProcessRow[] {
  if (process.platform === "linux")
    return readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? statOf(name) : []));
  if (process.platform === "win32") return [];
  return execFileSync("ps", ["-A", "-o", "pid=,ppid=,pgid="], { encoding: "utf8" })
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .map(([pid, parent, group]) => ({ pid, parent, group }));
}

function statOf(name: string): ProcessRow[] {
  try {
    // The second field is the command in parentheses and may hold anything, parentheses too.
    const stat = readFileSync(`/proc/${name}/stat`, "latin1");
    const [, parent, group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return [{ pid: Number(name), parent: Number(parent), group: Number(group) }];
  } catch {
    return []; // ended meanwhile
  }
}
