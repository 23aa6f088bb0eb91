import { type ChildProcess, fork } from "node:child_process";
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
  let left = job.indices;
  let end = job.logEnd;
  let done = 0;
  let failed = 0;
  let died: { current: number | undefined } | undefined;
  for (;;) {
    const exit = await runOnce({ ...job, indices: left, logEnd: end }, events, { done, failed }, abortSignal);
    const log = await readLog<Stored>(rankLogPath(job.folder, job.rank)).catch(() => ({
      records: [],
      end: 0,
    }));
    const stored = new Map(log.records.map(({ meta }) => [meta.file, meta]));
    const isStored = (index: number) => {
      const { file, size, mtimeMs } = utterances[index]!;
      const meta = stored.get(file);
      return meta !== undefined && meta.size === size && meta.mtimeMs === mtimeMs;
    };
    end = log.end;
    done = job.indices.filter(isStored).length;
    failed = job.indices.filter(
      (index) => isStored(index) && isFailure(stored.get(utterances[index]!.file)!),
    ).length;
    left = job.indices.filter((index) => !isStored(index));
    if (left.length === 0 || exit.stopped) return { done, failed };
    const what = `${left.length} of ${job.indices.length} files of rank ${job.rank}`;
    if (exit.error !== undefined)
      return { done, failed, error: missing("extract", what, { want: `a job that can run: ${exit.error}` }) };
    const { current } = exit;
    const name = current === undefined ? "before its first file" : `at ${utterances[current]!.path}`;
    if (died === undefined) {
      events.onLog(`Rank ${job.rank}: Died (${exit.cause}) ${name}; starting again for ${left.length} files`);
      died = { current };
      continue;
    }
    if (current === undefined || current !== died.current)
      return {
        done,
        failed,
        error: missing("extract", what, {
          got: `a process that died twice (${exit.cause}), the second time ${name}`,
          want: "the same command again, for what is missing",
        }),
      };
    events.onLog(`Rank ${job.rank}: Died twice (${exit.cause}) ${name}; leaving that file out`);
    const { file, size, mtimeMs } = utterances[current]!;
    const writer = openLog(rankLogPath(job.folder, job.rank), end);
    if (end === 0) writer.append({ identity: job.identity, device: job.device } satisfies StoredIdentity);
    writer.append({
      file,
      size,
      mtimeMs,
      stage: "model",
      reason: `the process died twice on it (${exit.cause})`,
    });
    writer.close();
    end = (await readLog(rankLogPath(job.folder, job.rank))).end;
    left = left.filter((index) => index !== current);
    died = undefined;
    if (left.length === 0) return { done: done + 1, failed: failed + 1 };
  }
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
  events: RankEvents,
  before: { done: number; failed: number },
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
  const stop = () => {
    tell({ type: "stop" });
    killTimer ??= setTimeout(() => child.kill("SIGKILL"), patienceMs);
  };
  return new Promise((resolve, reject) => {
    child.on("message", (message: RankMessage) => {
      if (message.type === "started") events.onStarted(message.device);
      else if (message.type === "current") current = message.index;
      else if (message.type === "progress" || message.type === "finished")
        events.onProgress(before.done + message.done, before.failed + message.failed);
      else if (message.type === "error") error = message.message;
    });
    child.on("error", (cause) =>
      reject(invalid("extract", `process of rank ${job.rank}`, { cause, want: cause.message })),
    );
    child.on("close", (code, signal) => {
      clearTimeout(killTimer);
      abortSignal?.removeEventListener("abort", stop);
      const last = stderr.trim().split("\n").at(-1);
      resolve({
        stopped: abortSignal?.aborted ?? false,
        error,
        cause: `${signal ?? `exit ${code}`}${last ? `: ${last}` : ""}`,
        current,
      });
    });
    if (abortSignal?.aborted) stop();
    abortSignal?.addEventListener("abort", stop);
    tell({ type: "job", job });
  });
}
