import { type ChildProcess, fork } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { invalid, missing, type ScopeError } from "../errors.js";
import { quantity } from "../shared/text.js";
import { isFailure, rankLogPath, type Stored, type StoredIdentity } from "../store/extraction.js";
import { openLog, scanLog } from "../store/record-log.js";
import type { Utterance } from "../types.js";
import type { ParentMessage, RankJob, RankMessage } from "./rank-messages.js";

export interface RankEvents {
  onStarted(device: string): void;
  onProgress(done: number, failed: number): void;
  onLog(line: string): void;
}

export interface RankResult {
  done: number;
  failed: number;
  /** It was told to stop, by the abort signal or by SIGINT, before its share was done. */
  stopped: boolean;
  /** Files of the rank's share that are not stored, and why; undefined when all are. */
  error?: ScopeError;
}

/** How long a rank may take over the file in hand after it was told to stop. */
const patienceMs = 1500;

/** Files that a rank is given at a time: enough to keep it busy, and few enough to send in a moment. */
const handful = 500;

/** A rank's files and how it is watched; the process itself gets the job, and its files a handful at a time. */
export interface RankShare {
  /** Indices into the corpus list, ascending. */
  indices: Int32Array;
  /** How long one file may take. */
  fileTimeoutMs: number;
  /** How long a rank may take to start: it loads the model then. */
  startTimeoutMs: number;
}

/**
 * Runs one rank to its end in a process of its own.
 *
 * A process that dies is started again once for what is left. Files that it had in hand together, as a batch, are then
 * done one by one, so that the guilty one is found. When the process dies again on the same file, that file is logged as a
 * failure and the rank goes on; when it dies again on another one, the rank gives up.
 */
export async function superviseRank(
  job: RankJob,
  share: RankShare,
  utterances: readonly Utterance[],
  events: RankEvents,
  abortSignal: AbortSignal | undefined,
): Promise<RankResult> {
  const { indices } = share;
  let state: State = { left: indices, end: job.logEnd, done: 0, failed: 0 };
  /** Files that the process had in hand when it died; they are done one by one. */
  const suspects = new Set<number>();
  let died = false;
  for (;;) {
    const exit = await runOnce(job, share, state, suspects, utterances, events, abortSignal);
    state = await stateOf(job, indices, utterances);
    const { left, done, failed, end } = state;
    if (left.length === 0 || exit.stopped) return { done, failed, stopped: left.length > 0 };
    const { current, cause } = exit;
    const name = describe(current, utterances);
    const guilty = current.length === 1 && suspects.has(current[0]!) ? current[0] : undefined;
    // Every file of the batch on which it died has been done one by one since.
    if (suspects.size > 1 && guilty === undefined && !left.some((index) => suspects.has(index))) died = false;
    if (exit.error === undefined && !died) {
      events.onLog(
        `Rank ${job.rank}: Died (${cause}) ${name}; starting again for ${quantity(left.length, "file")}`,
      );
      died = true;
      suspects.clear();
      for (const index of current) suspects.add(index);
      continue;
    }
    if (exit.error !== undefined || guilty === undefined) {
      const counts = `${left.length} of ${quantity(indices.length, "file")}`;
      const why = exit.error ?? `Its process died twice (${cause}), the second time ${name}.`;
      return {
        done,
        failed,
        stopped: false,
        error: missing(
          `Rank ${job.rank} left ${counts} undone. ${sentence(why)} What is done is kept. Once the cause is removed, the same command goes on.`,
          { got: exit.error ?? cause },
        ),
      };
    }
    events.onLog(`Rank ${job.rank}: Died twice (${cause}) ${name}; leaving that file out`);
    logFailure(job, end, utterances[guilty]!, `the process died twice on it (${cause})`);
    state = await stateOf(job, indices, utterances);
    // What is left of its batch is still done one by one.
    died = false;
    if (state.left.length === 0) return { done: state.done, failed: state.failed, stopped: false };
  }
}

/** A rank does not need the other fields of the source. */
const withoutFields = ({ fields: _fields, ...utterance }: Utterance): Utterance => utterance;

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

function describe(current: readonly number[], utterances: readonly Utterance[]): string {
  if (current.length === 0) return "before its first file";
  const first = utterances[current[0]!]!.path;
  return current.length === 1 ? `at ${first}` : `at a batch of ${current.length} files from ${first} on`;
}

/** How far a rank is with its files. */
interface State {
  /** Indices of the files that are not in the log yet. */
  left: Int32Array;
  /** Where the log ends. */
  end: number;
  done: number;
  failed: number;
}

/** Reads from the rank's log what this run has done: a file that is tried again has an older record too. */
async function stateOf(job: RankJob, indices: Int32Array, utterances: readonly Utterance[]): Promise<State> {
  const path = rankLogPath(job.folder, job.rank);
  if (!existsSync(path)) return { left: indices, end: 0, done: 0, failed: 0 };
  const failures = new Map<string, boolean>();
  const { end } = await scanLog<Stored>(path, ({ meta, vectorOffset }) => {
    if (vectorOffset > job.logEnd) failures.set(meta.file, isFailure(meta));
  });
  const left = indices.filter((index) => !failures.has(utterances[index]!.file));
  const failed = indices.filter((index) => failures.get(utterances[index]!.file));
  return { left, end, done: indices.length - left.length, failed: failed.length };
}

function logFailure(job: RankJob, end: number, { file, size, mtimeMs }: Utterance, reason: string): void {
  const log = openLog(rankLogPath(job.folder, job.rank), end);
  if (end === 0) log.append({ identity: job.identity, device: job.model.device } satisfies StoredIdentity);
  log.append({
    ...{ file, size, mtimeMs, stage: "process", reason },
    ...{ decided: false, at: Date.now() },
  } satisfies Stored);
  log.close();
}

interface Exit {
  stopped: boolean;
  /** A fault of the job that the rank told of. */
  error?: string;
  /** What the process died of. */
  cause: string;
  /** The files it had in hand. */
  current: readonly number[];
}

function runOnce(
  job: RankJob,
  { fileTimeoutMs, startTimeoutMs }: RankShare,
  state: State,
  suspects: ReadonlySet<number>,
  utterances: readonly Utterance[],
  events: RankEvents,
  abortSignal: AbortSignal | undefined,
): Promise<Exit> {
  const child: ChildProcess = fork(join(__dirname, "rank-process.js"), [], {
    serialization: "advanced",
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    execArgv: [],
  });
  const tell = (message: ParentMessage) => {
    if (child.connected) child.send(message, () => {});
  };
  let stderr = "";
  child.stderr?.on("data", (data: Buffer) => {
    stderr = (stderr + data.toString()).slice(-2000);
  });
  let current: readonly number[] = [];
  let given = 0;
  const give = () => {
    const items = Array.from(state.left.subarray(given, given + handful), (index) => ({
      index,
      utterance: withoutFields(utterances[index]!),
      alone: suspects.has(index),
    }));
    given += items.length;
    tell({ type: "items", items });
  };
  let error: string | undefined;
  let stopped = false;
  let killTimer: NodeJS.Timeout | undefined;
  let watchdog: NodeJS.Timeout | undefined;
  let hung = false;
  let patience = startTimeoutMs;
  const watch = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => {
      hung = true;
      child.kill("SIGKILL");
    }, patience);
  };
  const stop = () => {
    tell({ type: "stop" });
    killTimer ??= setTimeout(() => child.kill("SIGKILL"), patienceMs);
  };
  return new Promise((resolve, reject) => {
    child.on("message", (message: RankMessage) => {
      if (message.type === "started") events.onStarted(message.device);
      else if (message.type === "more") give();
      else if (message.type === "current") {
        current = message.indices;
        patience = fileTimeoutMs;
        watch();
      } else if (message.type === "progress" || message.type === "finished")
        events.onProgress(state.done + message.done, state.failed + message.failed);
      else if (message.type === "stopped") stopped = true;
      else if (message.type === "error") error = message.message;
    });
    child.on("error", (cause) =>
      reject(invalid(`The process of rank ${job.rank} could not be started (${cause.message}).`, { cause })),
    );
    child.on("close", (code, signal) => {
      clearTimeout(killTimer);
      clearTimeout(watchdog);
      abortSignal?.removeEventListener("abort", stop);
      const lines = stderr.trim().split("\n");
      const last = lines.findLast((line) => line.includes("Error")) ?? lines.at(-1);
      resolve({
        stopped: stopped || (abortSignal?.aborted ?? false),
        error,
        cause: hung
          ? `no answer for ${patience / 1000} s`
          : `${signal ?? `exit ${code}`}${last ? `: ${last}` : ""}`,
        current,
      });
    });
    if (abortSignal?.aborted) stop();
    abortSignal?.addEventListener("abort", stop);
    watch();
    tell({ type: "job", job: { ...job, logEnd: state.end } });
  });
}
