import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeSync,
} from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { createGlob } from "./glob.js";
import type { HistoryEntry } from "./replies.js";

interface Row {
  session: number;
  line: number;
  input: string;
  output?: string;
}

export interface HistoryRequest {
  hist_access_type?: "tail" | "range" | "search";
  output?: boolean;
  session?: number;
  start?: number;
  stop?: number;
  n?: number;
  pattern?: string;
  unique?: boolean;
}

/** Cells that are kept over restarts. */
const keptRows = 5000;
const keptBytes = 8 << 20;

/** Where the cells of earlier sessions are kept; SPEAKERSCOPE_HISTORY names another file, or `none`. */
export function historyPath(env: NodeJS.ProcessEnv = process.env): string | null {
  if (env.SPEAKERSCOPE_HISTORY === "none") return null;
  if (env.SPEAKERSCOPE_HISTORY) return env.SPEAKERSCOPE_HISTORY;
  return join(env.XDG_DATA_HOME || join(homedir(), ".local", "share"), "speakerscope", "history.jsonl");
}

/** The cells that were run, kept across restarts. Without a readable and writable file there is only this session's history. */
export class History {
  /** The second in which the session began, so that kernels need no shared counter. */
  readonly session: number;
  readonly #path: string | null;
  #earlier: Row[] | null = null;
  readonly #rows: Row[] = [];

  constructor(path: string | null, session = Math.floor(Date.now() / 1000)) {
    this.#path = path;
    this.session = session;
  }

  add(line: number, input: string): void {
    const kept = withoutSecrets(input);
    if (kept === null) return;
    const row: Row = { session: this.session, line, input: kept };
    this.#rows.push(row);
    if (this.#path === null) return;
    this.#load();
    try {
      makePrivateFolder(dirname(this.#path));
      withFile(this.#path, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND, (file) =>
        writeSync(file, `${JSON.stringify(row)}\n`),
      );
    } catch {
      // A full disk or a read-only home must not fail a cell.
    }
  }

  /** Remembers what a cell of this session evaluated to. */
  setOutput(line: number, output: string): void {
    const row = this.#rows.findLast((r) => r.line === line);
    if (row) row.output = output;
  }

  find(request: HistoryRequest): HistoryEntry[] {
    const entries = this.#select(request);
    return entries.map(({ session, line, input, output }) => [
      session,
      line,
      request.output ? [input, output ?? null] : input,
    ]);
  }

  #select({ hist_access_type, n, session, start, stop, pattern, unique }: HistoryRequest): Row[] {
    const all = [...this.#load(), ...this.#rows];
    if (hist_access_type === "range") {
      const number = this.#resolveSession(all, session ?? 0);
      return all.filter((r) => r.session === number && r.line >= (start ?? 1) && r.line < (stop ?? Infinity));
    }
    if (hist_access_type === "search") {
      const matches = createGlob(pattern ?? "*");
      let found = all.filter((r) => matches(r.input));
      if (unique) {
        const last = new Map(found.map((r) => [r.input, r]));
        found = found.filter((r) => last.get(r.input) === r);
      }
      return n === undefined || n === null ? found : lastOf(found, n);
    }
    return lastOf(all, n ?? all.length);
  }

  /** 0 is the running session, -1 the one before it, as in IPython. */
  #resolveSession(all: Row[], session: number): number {
    if (session > 0) return session;
    const earlier = [...new Set(all.map((r) => r.session).filter((s) => s !== this.session))];
    return session === 0 ? this.session : (earlier.at(session) ?? Number.NaN);
  }

  #load(): Row[] {
    if (this.#earlier) return this.#earlier;
    this.#earlier = [];
    if (this.#path === null || !existsSync(this.#path)) return this.#earlier;
    try {
      const text = withFile(this.#path, constants.O_RDONLY, (file) => readFileSync(file, "utf8"));
      this.#earlier = text.split("\n").flatMap(parseRow).slice(-keptRows);
      const rows = this.#earlier.map((r) => `${JSON.stringify(r)}\n`).join("");
      if (text.length > keptBytes)
        withFile(this.#path, constants.O_WRONLY | constants.O_TRUNC, (file) => writeSync(file, rows));
    } catch {
      // As above: without the file there are only this session's cells.
    }
    return this.#earlier;
  }
}

/** Opens a regular file that only the user may read. Anything else, such as a pipe, might block for ever. */
function withFile<T>(path: string, flags: number, work: (file: number) => T): T {
  const file = openSync(path, flags | constants.O_NONBLOCK, 0o600);
  try {
    const status = fstatSync(file);
    if (!status.isFile()) throw new Error(`${path} is not a regular file.`);
    if (status.mode & 0o077) chmodSync(path, 0o600);
    return work(file);
  } finally {
    closeSync(file);
  }
}

/** One folder at a time: under /proc, Node.js's recursive mkdir never returns. */
function makePrivateFolder(folder: string): void {
  if (existsSync(folder)) {
    // A folder of another name may be shared with others.
    if (basename(folder) === "speakerscope") chmodSync(folder, 0o700);
    return;
  }
  if (dirname(folder) !== folder && !existsSync(dirname(folder))) makePrivateFolder(dirname(folder));
  mkdirSync(folder, { mode: 0o700 });
}

/**
 * The part of a cell that may be stored. Lines that set environment variables are left out, because that is where people type
 * keys; a cell that assigns to `process.env` is left out as a whole.
 */
function withoutSecrets(input: string): string | null {
  if (/\bprocess\s*\.\s*env\b[^\n]*?[^=!<>]=(?![=>])|\bassign\s*\(\s*process\s*\.\s*env\b/.test(input))
    return null;
  const lines = input.split("\n");
  const kept = lines.filter((line) => !/^%(?:set_)?env\s+[^=\s]+\s*[=\s]\s*\S/.test(line));
  return kept.length === lines.length ? input : kept.join("\n").trim() || null;
}

const lastOf = <T>(rows: T[], n: number): T[] => (n <= 0 ? [] : rows.slice(-n));

/** Skips half a line, which a kernel that was killed while writing may leave. */
function parseRow(line: string): Row[] {
  try {
    const row = JSON.parse(line);
    return typeof row.input === "string" ? [row] : [];
  } catch {
    return [];
  }
}
