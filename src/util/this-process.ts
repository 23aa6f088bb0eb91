import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { isAlive } from "../shared/is-alive.js";

/** What tells a process from every other, also on file systems that several machines share. */
export interface ProcessMark {
  /** Boot and process namespace: two containers may share a host name, and process ids mean nothing across them. */
  machine: string;
  pid: number;
  /** When the process started, so that a new process with an old id is not taken for it; "" where that cannot be seen. */
  started: string;
}

let own: ProcessMark | undefined;

/** The mark of this process. */
export function thisProcess(): ProcessMark {
  own ??= { machine: thisMachine(), pid: process.pid, started: processStart(process.pid) ?? "" };
  return own;
}

/** Whether a process of this machine still runs, as far as can be seen. */
export function isRunning({ pid, started }: Pick<ProcessMark, "pid" | "started">): boolean {
  const start = processStart(pid);
  return start !== undefined && (start === "" || start === started);
}

function thisMachine(): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    // Not Linux: the host name has to do.
    return hostname();
  }
}

/** When a process of this machine started, in the kernel's ticks; "" where that cannot be seen, undefined when it is gone. */
function processStart(pid: number): string | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name of the program, in parentheses, may hold spaces and parentheses itself.
    const [state, ...fields] = status.slice(status.lastIndexOf(")") + 2).split(" ");
    return state === "Z" || state === "X" ? undefined : fields[18];
  } catch {
    // No /proc, or one that hides the processes of other users.
  }
  return isAlive(pid) ? "" : undefined;
}
