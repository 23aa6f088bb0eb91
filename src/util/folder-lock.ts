import { randomBytes } from "node:crypto";
import { constants, readFileSync, unlinkSync } from "node:fs";
import {
  copyFile,
  type FileHandle,
  link,
  lstat,
  open,
  readdir,
  readFile,
  rename,
  stat,
  unlink,
  writeFile,
} from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { conflict, invalid, reasonOf, throwIfAborted } from "../errors.js";
import { makeFolder } from "./make-folder.js";
import { namePath } from "./name-path.js";
import { isRunning, type ProcessMark, thisProcess } from "./this-process.js";

/** Milliseconds without a renewal after which the lock of another host counts as left behind. */
const deadAfter = 300_000;

export interface LockOptions {
  /** What the holder is doing, for messages: `extracting embeddings`. */
  purpose: string;
  /** The name of the lock file; by default `lockName`, that of the whole folder. */
  name?: string;
  /** How often the lock is renewed, in milliseconds; 30000 by default. */
  renewMs?: number;
  /** A lock of another host that was not renewed for this many milliseconds is dead; 300000 (5 minutes) by default. */
  deadAfterMs?: number;
  /** Called once when this process waits to see whether the holder on another host is alive. */
  onWait?: (line: string) => void;
  abortSignal?: AbortSignal;
}

export interface FolderLock {
  /** @throws `conflict` where the lock is no longer ours: the folder was deleted, or this process slept and another took it over */
  check(): void;
  release(): Promise<void>;
}

/** The content of a lock file. */
interface LockRecord extends ProcessMark {
  /** Tells this lock from every other. */
  id: string;
  purpose: string;
  host: string;
  since: string;
  renewed: string;
}

/** The name of the lock file in the folder that it guards as a whole. */
export const lockName = "speakerscope.lock";

/**
 * Keeps other processes, on this machine and on others that share the file system, from working in a folder.
 *
 * The lock is a file that names its holder and is renewed while the holder lives. That of a dead process of this machine
 * is taken over at once; that of another machine once it has not been renewed for five minutes, going by the clock of the
 * file system. Until then it is watched, so that a job that a cluster starts again on another node goes on by itself: as
 * soon as the lock is renewed, its process lives. When several processes want a dead lock, one gets it.
 *
 * @throws `conflict` that names the process that holds the folder; `invalid` where the folder cannot be made
 */
export async function lockFolder(folder: string, options: LockOptions): Promise<FolderLock> {
  const { purpose, name = lockName, renewMs = 30_000 } = options;
  placeFolder(folder);
  const path = join(folder, name);
  const id = randomBytes(8).toString("hex");
  const since = new Date().toISOString();
  const own: LockRecord = { id, purpose, host: hostname(), ...thisProcess(), since, renewed: since };
  const file = await take(path, own, options);
  // Litter is no reason to give up the lock.
  await removeDrafts(folder, name, own).catch(() => {});
  // The lock is written in place and never replaced: if another process has taken it over, because this one
  // slept, its file is not touched.
  const timer = setInterval(() => {
    own.renewed = new Date().toISOString();
    file.write(contents(own), 0, "utf8").catch(() => {});
  }, renewMs);
  timer.unref();
  const isOurs = () => {
    try {
      return parse(readFileSync(path, "utf8"))?.id === id;
    } catch {
      return false;
    }
  };
  const atExit = () => {
    try {
      if (isOurs()) unlinkSync(path);
    } catch {
      // A lock that remains is one of a dead process.
    }
  };
  process.once("exit", atExit);
  let released: Promise<void> | undefined;
  const release = async () => {
    clearInterval(timer);
    process.off("exit", atExit);
    await file.close();
    if ((await read(path))?.record?.id === id) await remove(path);
  };
  return {
    check() {
      if (!isOurs())
        throw conflict(
          `The lock ${path} was taken away while this process was ${purpose}: somebody deleted the folder, or another process took it over. Run this again.`,
          { path },
        );
    },
    release() {
      released ??= release();
      return released;
    },
  };
}

function placeFolder(folder: string): void {
  try {
    makeFolder(folder);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    // As under /proc, where nobody makes folders.
    if (code === "ENOENT")
      throw invalid(`The folder ${folder} cannot be made (${reasonOf(cause)}). Give another folder.`, {
        path: folder,
        cause,
      });
    if (code !== "EEXIST" && code !== "ENOTDIR") throw cause;
    throw invalid(
      `The folder ${folder} cannot be made, because a file is in its place. Give another folder.`,
      {
        path: folder,
        cause,
      },
    );
  }
}

/** Whether a living process holds the lock of a folder; that of another machine counts for five minutes after a renewal. */
export async function isLocked(folder: string): Promise<boolean> {
  const lock = await read(join(folder, lockName));
  if (lock === undefined) return false;
  const renewed = Date.now() - lock.mtimeMs <= deadAfter;
  return isHeld(lock.record, { machine: thisProcess().machine }, renewed);
}

/** Deletes what processes that were killed while they waited for the lock have left. */
async function removeDrafts(folder: string, name: string, own: LockRecord): Promise<void> {
  for (const draftName of await readdir(folder)) {
    if (!draftName.startsWith(`${name}.`)) continue;
    const path = join(folder, draftName);
    const draft = await read(path);
    // Who waits on another machine writes its draft anew all the time.
    if (draft !== undefined && !isHeld(draft.record, own, Date.now() - draft.mtimeMs <= deadAfter))
      await remove(path);
  }
}

/** Makes the lock file, with the record in it from the first moment, and opens it. */
async function take(path: string, own: LockRecord, options: LockOptions): Promise<FileHandle> {
  const draft = `${path}.${own.id}`;
  try {
    await writeFile(draft, contents(own), { flag: "wx" });
    await claim(path, draft, own, options);
  } catch (error) {
    const { path: known } = error as { path?: unknown };
    throw namePath(known === draft ? Object.assign(error as Error, { path }) : error, path);
  } finally {
    await remove(draft);
  }
  return open(path, "r+");
}

/**
 * Gives our draft the name `path`, which only one process can.
 *
 * A dead lock must not simply be deleted: by then it may be the fresh one of a process that was faster. So whoever wants
 * to replace the dead lock with the id X first claims, in the same way, the file named after X; whoever has that, and
 * still finds X in place, is the only one who may replace it.
 */
async function claim(path: string, draft: string, own: LockRecord, options: LockOptions): Promise<void> {
  const { deadAfterMs = deadAfter, onWait, abortSignal } = options;
  let seen: LockFile | undefined;
  for (;;) {
    if (await linked(draft, path)) return;
    const other = await read(path);
    if (other === undefined) continue;
    // Our draft is written now, so its time is what the clock of the file system says.
    await writeFile(draft, contents(own));
    const silentMs = (await stat(draft)).mtimeMs - other.mtimeMs;
    if (isHeld(other.record, own, silentMs <= deadAfterMs)) {
      const renewed = seen !== undefined && seen.mtimeMs !== other.mtimeMs;
      if (other.record?.machine === own.machine || renewed) throw held(path, other.record, own);
      if (seen === undefined) onWait?.(waiting(path, other.record));
      seen = other;
      throwIfAborted("Waiting for the lock", abortSignal);
      await sleep(Math.min(1000, deadAfterMs / 10));
      continue;
    }
    const successor = `${path}.after-${other.record?.id ?? "unreadable"}`;
    await claim(successor, draft, own, options);
    const now = await read(path);
    if (now !== undefined && now.record?.id === other.record?.id) return rename(successor, path);
    await remove(successor);
  }
}

/** Whether the draft got the name; false when another file has it. */
async function linked(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "EEXIST") throw error;
      // Some network file systems have no hard links.
      return copyFile(draft, path, constants.COPYFILE_EXCL);
    });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** A lock that cannot be read was cut short by a full disk or comes from elsewhere: only its age counts. */
function isHeld(record: LockRecord | undefined, own: Pick<LockRecord, "machine">, renewed: boolean): boolean {
  if (record === undefined || record.machine !== own.machine) return renewed;
  // Where nobody can see when a process started, another one may have got the id of a dead one.
  return isRunning(record) && (record.started !== "" || renewed);
}

function held(path: string, record: LockRecord | undefined, own: LockRecord): Error {
  const holder =
    record === undefined
      ? `Another process holds ${path}.`
      : `Process ${record.pid} on ${record.host} has been ${record.purpose} in this folder since ${record.since} (${path}).`;
  const expiry =
    record?.machine === own.machine
      ? ""
      : " If that process is gone, its lock expires five minutes after it was last renewed" +
        `${record === undefined ? "" : `, which was at ${record.renewed}`}.`;
  return conflict(`${holder} Wait until it has ended, or use another folder.${expiry}`, {
    path,
    got: record,
  });
}

const waiting = (path: string, record: LockRecord | undefined): string =>
  `Waiting for ${record === undefined ? "another process" : `process ${record.pid} on ${record.host}`}, which holds ${path}, ` +
  "to show that it lives; five minutes after its last sign of life this run goes on";

const contents = (record: LockRecord) => `${JSON.stringify(record)}\n`;

function parse(text: string): LockRecord | undefined {
  try {
    const { id, purpose, host, machine, pid, started, since, renewed } = JSON.parse(text) as LockRecord;
    const texts = [id, purpose, host, machine, started, since, renewed];
    if (!texts.every((value) => typeof value === "string") || !Number.isInteger(pid)) return undefined;
    return /^[0-9a-f]+$/.test(id) ? { id, purpose, host, machine, pid, started, since, renewed } : undefined;
  } catch {
    return undefined;
  }
}

interface LockFile {
  record: LockRecord | undefined;
  mtimeMs: number;
}

async function read(path: string): Promise<LockFile | undefined> {
  try {
    const stats = await lstat(path);
    // A link that leads nowhere can be neither read nor replaced, and a pipe keeps its reader waiting.
    if (!stats.isFile())
      throw invalid(
        `${path} is in the place of a lock, and is no file. Remove it, if nobody needs it, or use another folder.`,
        { path },
      );
    const { mtimeMs } = stats;
    return { record: parse(await readFile(path, "utf8")), mtimeMs };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function remove(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
