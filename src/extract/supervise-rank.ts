import { type ChildProcess, fork } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { invalid, missing, type ScopeError } from "../errors.js";
import { isFailure, rankLogPath, type Stored, type StoredIdentity } from "../store/extraction.js";
import { openLog, readLog } from "../store/record-log.js";
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
  /** Files of the rank's share that are not stored, and why; undefined when all are. */
  error?: ScopeError;
}

/** How long a rank may take over the file in hand after it was told to stop. */
const patienceMs = 1500;

/**
 * Runs one rank to its end in a process of its own.
 *
 * A process that dies is started again once for what is left. When it dies again on the same file, that file is
 * logged as a failure and the rank goes on; when it dies again on another one, the rank gives up.
 */
export async function superviseRank(
  job: RankJob,
  utterances: readonly Utterance[],
  events: RankEvents,
  abortSignal: AbortSignal | undefined,
): Promise<RankResult> {
  let share: Share = { left: job.indices, end: job.logEnd, done: 0, failed: 0 };
  let died: { current: number | undefined } | undefined;
  for (;;) {
    const exit = await runOnce(job, share, events, abortSignal);
    share = await shareOf(job, utterances);
    const { left, done, failed, end } = share;
    if (left.length === 0 || exit.stopped) return { done, failed };
    const { current, cause } = exit;
    const name = current === undefined ? "before its first file" : `at ${utterances[current]!.path}`;
    if (exit.error === undefined && died === undefined) {
      events.onLog(`Rank ${job.rank}: Died (${cause}) ${name}; starting again for ${left.length} files`);
      died = { current };
      continue;
    }
    if (exit.error !== undefined || current === undefined || current !== died?.current)
      return {
        done,
        failed,
        error: missing("extract", `${left.length} of ${job.indices.length} files of rank ${job.rank}`, {
          got: exit.error ?? `a process that died twice (${cause}), the second time ${name}`,
          want: "the same command again, for what is missing",
        }),
      };
    events.onLog(`Rank ${job.rank}: Died twice (${cause}) ${name}; leaving that file out`);
    logFailure(job, end, utterances[current]!, `the process died twice on it (${cause})`);
    share = await shareOf(job, utterances);
    died = undefined;
    if (share.left.length === 0) return { done: share.done, failed: share.failed };
  }
}

/** How far a rank is with its files. */
interface Share {
  /** Indices of the files that are not in the log yet. */
  left: Int32Array;
  /** Where the log ends. */
  end: number;
  done: number;
  failed: number;
}

/** Reads from the rank's log what this run has done: a file that is tried again has an older record too. */
async function shareOf(job: RankJob, utterances: readonly Utterance[]): Promise<Share> {
  const path = rankLogPath(job.folder, job.rank);
  if (!existsSync(path)) return { left: job.indices, end: 0, done: 0, failed: 0 };
  const { records, end } = await readLog<Stored>(path);
  const stored = new Map<string, Stored>();
  for (const { meta, vectorOffset } of records) if (vectorOffset > job.logEnd) stored.set(meta.file, meta);
  const left = job.indices.filter((index) => !stored.has(utterances[index]!.file));
  const failed = job.indices.filter((index) => {
    const meta = stored.get(utterances[index]!.file);
    return meta !== undefined && isFailure(meta);
  });
  return { left, end, done: job.indices.length - left.length, failed: failed.length };
}

function logFailure(job: RankJob, end: number, { file, size, mtimeMs }: Utterance, reason: string): void {
  const log = openLog(rankLogPath(job.folder, job.rank), end);
  if (end === 0) log.append({ identity: job.identity, device: job.device } satisfies StoredIdentity);
  log.append({ file, size, mtimeMs, stage: "process", reason } satisfies Stored);
  log.close();
}

interface Exit {
  stopped: boolean;
  /** A fault of the job that the rank told of. */
  error?: string;
  /** What the process died of. */
  cause: string;
  /** The file it worked on. */
  current: number | undefined;
}

function runOnce(
  job: RankJob,
  share: Share,
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
  let current: number | undefined;
  let error: string | undefined;
  let killTimer: NodeJS.Timeout | undefined;
  let watchdog: NodeJS.Timeout | undefined;
  let hung = false;
  const watch = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => {
      hung = true;
      child.kill("SIGKILL");
    }, job.fileTimeoutMs);
  };
  const stop = () => {
    tell({ type: "stop" });
    killTimer ??= setTimeout(() => child.kill("SIGKILL"), patienceMs);
  };
  return new Promise((resolve, reject) => {
    child.on("message", (message: RankMessage) => {
      if (message.type === "started") events.onStarted(message.device);
      else if (message.type === "current") {
        current = message.index;
        watch();
      } else if (message.type === "progress" || message.type === "finished")
        events.onProgress(share.done + message.done, share.failed + message.failed);
      else if (message.type === "error") error = message.message;
    });
    child.on("error", (cause) =>
      reject(invalid("extract", `process of rank ${job.rank}`, { cause, want: cause.message })),
    );
    child.on("close", (code, signal) => {
      clearTimeout(killTimer);
      clearTimeout(watchdog);
      abortSignal?.removeEventListener("abort", stop);
      const lines = stderr.trim().split("\n");
      const last = lines.findLast((line) => line.includes("Error")) ?? lines.at(-1);
      resolve({
        stopped: abortSignal?.aborted ?? false,
        error,
        cause: hung
          ? `no answer for ${job.fileTimeoutMs / 1000} s`
          : `${signal ?? `exit ${code}`}${last ? `: ${last}` : ""}`,
        current,
      });
    });
    if (abortSignal?.aborted) stop();
    abortSignal?.addEventListener("abort", stop);
    tell({ type: "job", job: { ...job, indices: share.left, logEnd: share.end } });
  });
}
