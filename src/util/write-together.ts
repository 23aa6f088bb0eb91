import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  lstatSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, extname, join, relative, resolve, sep } from "node:path";
import { conflict, interrupted } from "../errors.js";
import { lockFolder, lockName } from "./folder-lock.js";
import { inside } from "./inside.js";
import { checkWritable, makeFolder } from "./make-folder.js";
import { namePath } from "./name-path.js";
import { statsOf } from "./stats-of.js";
import { syncFolder, syncName } from "./sync-folder.js";
import { guardTemporary, isTemporary, removeLeftovers, temporaryIn } from "./temporary.js";
import { isDevice, refuseFolder } from "./write-file.js";

/** In a folder while files in it are exchanged for others, and says which: a process that is killed then leaves it there. */
const unfinishedName = "speakerscope.unfinished";

export interface TogetherOptions {
  /** What this process is doing in the folder, for messages: `clustering`. */
  purpose: string;
  /**
   * The file that the others lie beside, where the folder is not the result's own: then other results may be written into it at the
   * same time.
   */
  main?: string;
  /** Told once where this process waits to see whether the holder of the folder on another host is alive. */
  onWait?: (line: string) => void;
  abortSignal?: AbortSignal;
}

export interface Together {
  /** Where a file is written until it gets its place in the folder, `path`, with all others. */
  at(path: string): string;
  /**
   * Puts the files in their places, in the order in which these were asked for.
   *
   * The old files go before the first new one comes: whatever happens in between, files of two results never lie side by side.
   *
   * @param old files of an earlier result; what is not there does no harm. A new file that is not among them replaces the old one.
   * @param before what else is to be moved out of the way, at the same time
   */
  commit(old: Iterable<string>, before?: () => void): void;
}

/**
 * Writes files that belong together into a folder, so that they are of one run.
 *
 * The folder is locked meanwhile, as it is in an extraction. The files are written beside their places, and put there when all
 * are complete: on any error the folder is as it was, and on a kill too, but for the moment in which the files are exchanged. Whoever
 * is killed in that moment leaves a part of the new files; in a folder of its own also a mark, by which `refuseUnfinished` knows it.
 *
 * @throws `conflict` that names the process that holds the folder, `invalid` where nothing can be written there
 */
export async function writeTogether<T>(
  folder: string,
  { purpose, main, onWait, abortSignal }: TogetherOptions,
  write: (files: Together) => Promise<T>,
): Promise<T> {
  checkWritable(folder);
  const absent = absentFolders(folder);
  const name = main === undefined ? undefined : `speakerscope-${shortHash(basename(main))}.lock`;
  const lock = await lockFolder(folder, { purpose, name, onWait, abortSignal });
  removeLeftovers(folder);
  const staging = temporaryIn(folder);
  const guard = guardTemporary(staging);
  const places = new Map<string, string>();
  try {
    return await write({
      at(path) {
        if (isDevice(path)) return path;
        const own = inside(staging, relative(folder, path));
        places.set(own, path);
        return own;
      },
      commit(old, before) {
        if (abortSignal?.aborted)
          throw interrupted(
            `${sentenceCase(purpose)} was stopped on request. Nothing in ${folder} has changed.`,
            {
              cause: abortSignal.reason,
            },
          );
        lock.check();
        const moves = [...places].filter(([own]) => isThere(own));
        for (const [own, path] of moves) if (!lstatSync(own).isDirectory()) refuseFolder(path);
        const gone = [...old];
        const touched = [...moves.map(([, path]) => path), ...gone];
        // What can be known beforehand must not come up when half of the files are exchanged.
        for (const parent of new Set(touched.map((path) => dirname(path)))) checkWritable(parent);
        const names = [...new Set(touched.map((path) => topOf(folder, path)))];
        const mark = main === undefined ? putMark(folder, { purpose, names }) : undefined;
        for (const path of gone) removeOld(path);
        before?.();
        for (const [own, path] of moves) move(own, path);
        syncNames([folder, ...moves.map(([, path]) => dirname(path))]);
        mark?.remove();
      },
    });
  } catch (error) {
    throw withPlaces(error, staging, folder);
  } finally {
    rmSync(staging, { recursive: true, force: true });
    guard.release();
    await lock.release();
    removeEmpty(absent);
  }
}

/**
 * As `writeTogether`, of a result that goes by one path: a folder of its own, or a file that others may lie beside. Into a device or
 * a pipe everything is written at once.
 *
 * @param isFolder default: as `isFolderPath` tells
 */
export async function writeTogetherAt<T>(
  path: string,
  { isFolder = isFolderPath(path), ...options }: Omit<TogetherOptions, "main"> & { isFolder?: boolean },
  write: (files: Together) => Promise<T>,
): Promise<T> {
  if (isDevice(path)) return write({ at: (path) => path, commit: () => {} });
  return isFolder
    ? writeTogether(path, options, write)
    : writeTogether(dirname(path), { ...options, main: path }, write);
}

/** Whether a path is that of a folder; where nothing is there yet, its ending tells. */
export const isFolderPath = (path: string): boolean =>
  statsOf(path)?.isDirectory() ?? extname(path.replace(/\.gz$/, "")) === "";

/**
 * @param path a folder, or a file in one
 * @throws `conflict` where a process was killed while it exchanged what is there, or is at it
 */
export function refuseUnfinished(path: string): void {
  const place = resolve(path);
  refuseMarked(place);
  refuseMarked(dirname(place), basename(place));
}

function refuseMarked(folder: string, name?: string): void {
  const mark = join(folder, unfinishedName);
  if (!existsSync(mark)) return;
  const { purpose, at, names } = parsedMark(mark);
  if (name !== undefined && names?.includes(name) === false) return;
  throw conflict(
    `The files in ${folder} are not complete: a process that was ${purpose} put them there (${at}), and was killed or has not ended. Run that again; if they are whole all the same, delete ${mark}.`,
    { path: folder },
  );
}

interface Mark {
  purpose: string;
  /** What of the folder is exchanged, files and folders in it. */
  names?: string[];
}

/** One that cannot be read, as after a power failure, is about all files. */
function parsedMark(path: string): Mark & { at: string } {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return { purpose: "writing", at: path };
  }
}

function putMark(folder: string, { purpose, names }: Required<Mark>): { remove(): void } {
  const path = join(folder, unfinishedName);
  const before = existsSync(path) ? parsedMark(path) : undefined;
  // What another command was killed at is no more whole than it was.
  const others = before?.names?.filter((name) => !names.includes(name)) ?? [];
  writeMark(path, { purpose, names: [...names, ...others], at: new Date().toISOString() });
  return {
    remove() {
      const left = others.filter((name) => isThere(join(folder, name)));
      if (before === undefined || left.length === 0) rmSync(path);
      else writeMark(path, { ...before, names: left });
    },
  };
}

/** At once: a mark that is cut off would be about all files of the folder. */
function writeMark(path: string, mark: Mark & { at: string }): void {
  const draft = temporaryIn(dirname(path));
  try {
    writeFileSync(draft, `${JSON.stringify(mark)}\n`);
    syncName(draft);
    renameSync(draft, path);
    syncName(dirname(path));
  } catch (error) {
    rmSync(draft, { force: true });
    throw namePath(error, path);
  }
}

/** Whether a process was killed while it exchanged files of the folder. */
export const isUnfinished = (folder: string): boolean => existsSync(join(folder, unfinishedName));

const topOf = (folder: string, path: string) => relative(folder, path).split(sep)[0]!;

/** Whether a name in a folder is a mark of a process that works in it, and no part of a result. */
export const isWorkMark = (name: string): boolean =>
  name.startsWith(lockName) || name === unfinishedName || isTemporary(name);

/** Of a link, whether it is there itself. */
const isThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

function removeOld(path: string): void {
  if (!statsOf(dirname(path))?.isDirectory()) return;
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats?.isFile() || stats?.isSymbolicLink()) rmSync(path);
}

function move(from: string, to: string): void {
  try {
    makeFolder(dirname(to));
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw namePath(error, to);
    // A part of the folder is on another disk.
    const beside = temporaryIn(dirname(to));
    copyFileSync(from, beside);
    renameSync(beside, to);
  }
}

/** More folders than these take longer one by one than the whole disk at once. */
const mostNames = 16;

/** Flushes names, and what is in a file, to disk. */
function syncNames(paths: readonly string[]): void {
  const names = new Set(paths);
  if (names.size > mostNames) syncFolder(paths[0]!);
  else for (const path of names) syncName(path);
}

/** The folders down to a path that are not there. */
function absentFolders(folder: string): string[] {
  const absent: string[] = [];
  for (let path = resolve(folder); !existsSync(path); path = dirname(path)) absent.unshift(path);
  return absent;
}

/** Folders that were made for files which then were not written go again. */
function removeEmpty(folders: readonly string[]): void {
  for (const path of folders.toReversed())
    try {
      rmdirSync(path);
    } catch {
      return;
    }
}

/** An error that says where a file was to be in the end. */
function withPlaces(error: unknown, staging: string, folder: string): unknown {
  if (!(error instanceof Error) || !error.message.includes(staging)) return error;
  error.message = error.message.replaceAll(staging, folder);
  const { path } = error as { path?: unknown };
  return typeof path === "string" ? Object.assign(error, { path: path.replace(staging, folder) }) : error;
}

const sentenceCase = (text: string) => text[0]!.toUpperCase() + text.slice(1);

const shortHash = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 8);
