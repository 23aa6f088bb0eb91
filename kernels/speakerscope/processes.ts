import { execFileSync, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { isAlive } from "../../src/shared/is-alive.js";

/** Environment variable that marks the processes of a kernel. A process can leave its group, but children inherit the environment. */
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
function leadsGroup(): boolean {
  return processTable().some(({ pid, group }) => pid === process.pid && group === pid);
}

/**
 * Tells whether the process that started the kernel is still alive: its parent, and the Jupyter of JPY_PARENT_PID, which may
 * have started it through a shell.
 *
 * @param first the parent when the kernel started
 */
export function createParentWatch(first: number, jupyterPid: string | undefined): () => boolean {
  const jupyter = Number(jupyterPid) || first;
  // On another machine (srun passes the variable on) or in a container the number means nothing. If the parent is the process
  // that adopts orphans, Jupyter ended before the kernel started.
  const isKnown = isAlive(jupyter) || isReaper(first);
  return () => process.ppid === first && (!isKnown || isAlive(jupyter));
}

function isReaper(pid: number): boolean {
  if (pid === 1) return true;
  try {
    return /^(systemd|init|tini|dumb-init)$/.test(readFileSync(`/proc/${pid}/comm`, "utf8").trim());
  } catch {
    return false;
  }
}

/** Kills every process with the marker, repeatedly, because they may start others meanwhile. */
const endMarked = `for i in 1 2 3 4 5 6 7 8 9 10; do
  found=$(grep -lsz "^${marker}=$1$" /proc/[0-9]*/environ)
  [ -n "$found" ] || break
  for p in $found; do p=\${p#/proc/}; kill -s KILL "\${p%/environ}" 2>/dev/null; done
done`;

/**
 * Starts a shell that outlives the kernel and cleans up after it, however the kernel ended: the shell's standard input closes
 * then. It kills the kernel's process group and, where there is a /proc, every process with the marker, which also finds those
 * that left the group (`setsid`, `detached`).
 *
 * @returns its process id, or null on Windows
 */
export function spawnReaper(): number | null {
  if (process.platform === "win32") return null;
  const endGroup = leadsGroup() ? 'kill -s KILL -- "-$2" 2>/dev/null' : ":";
  const { [marker]: mark = "", ...env } = process.env;
  const args = [
    "-c",
    `read -r _; ${endGroup}; ${endMarked}`,
    "speakerscope-reaper",
    mark,
    String(process.pid),
  ];
  const child = spawn("/bin/sh", args, { detached: true, stdio: ["pipe", "ignore", "ignore"], env });
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
    // The second field is the command in parentheses, which may itself contain parentheses.
    const stat = readFileSync(`/proc/${name}/stat`, "latin1");
    const [, parent, group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return [{ pid: Number(name), parent: Number(parent), group: Number(group) }];
  } catch {
    return []; // ended meanwhile
  }
}
