import { createHash, randomBytes } from "node:crypto";
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { isRunning, type ProcessMark, thisProcess } from "./this-process.js";

/*
 * What is written gets its final name when it is complete. Until then its name says which process writes it, so that what a
 * killed process left is known for that by the next one that writes in the same folder.
 */

/** How long something of another machine is not touched before it counts as left behind, in milliseconds: a week. */
const deadAfter = 7 * 24 * 3600_000;

/** A path for a file or folder until it is renamed. It does not contain the final name, which may be as long as names can be. */
export function temporaryIn(folder: string): string {
  const { machine, pid, started } = thisProcess();
  return join(folder, `.${shortened(machine)}-${pid}-${started}.${randomBytes(4).toString("hex")}.tmp`);
}

/** Whether a name is one of `temporaryIn`. */
export const isTemporary = (name: string): boolean => writerOf(name) !== undefined;

/**
 * Deletes what dead processes left in a folder under names of `temporaryIn`.
 *
 * Those of this machine are asked for. Those of other machines, and of this one before it was started again, cannot be: what
 * they wrote goes once it has not been touched for a week.
 */
export function removeLeftovers(folder: string): void {
  let names: string[];
  try {
    names = readdirSync(folder).filter(isTemporary);
  } catch {
    return;
  }
  if (names.length === 0) return;
  const here = shortened(thisProcess().machine);
  for (const name of names) {
    const path = join(folder, name);
    const writer = writerOf(name)!;
    try {
      const isLeft =
        writer.machine === here ? !isRunning(writer) : Date.now() - statSync(path).mtimeMs > deadAfter;
      if (isLeft) rmSync(path, { recursive: true, force: true });
    } catch {
      // It is gone, or is not ours to delete.
    }
  }
}

const unfinished = new Set<string>();

function deleteUnfinished(): void {
  for (const path of unfinished) rmSync(path, { recursive: true, force: true });
}

/** Deletes a temporary file or folder where the process ends before `release` is called. */
export function guardTemporary(path: string): { release(): void } {
  if (unfinished.size === 0) process.once("exit", deleteUnfinished);
  unfinished.add(path);
  return {
    release() {
      unfinished.delete(path);
      if (unfinished.size === 0) process.off("exit", deleteUnfinished);
    },
  };
}

function writerOf(name: string): ProcessMark | undefined {
  const [, machine, pid, started] = /^\.([0-9a-f]{16})-(\d+)-(\d*)\.[0-9a-f]{8}\.tmp$/.exec(name) ?? [];
  return machine === undefined ? undefined : { machine, pid: Number(pid), started: started! };
}

const shortened = (machine: string) => createHash("sha256").update(machine).digest("hex").slice(0, 16);
