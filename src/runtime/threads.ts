import { setTimeout as sleep } from "node:timers/promises";
import { Worker, workerData } from "node:worker_threads";

/*
 * ONNX Runtime's binding ends the whole process (Napi::Error, SIGABRT) when a thread is terminated amid one of its calls:
 * by `terminate`, or because the process exits. So a thread announces those calls, and whoever ends it waits for the one
 * that is running.
 */

/** Places in the gate of a thread: whether it is to end, and how many native calls are running in it. */
const [ending, running] = [0, 1];

/** How long the exit of the process waits for a call, in milliseconds; ours take some tens of them. */
const longestCall = 10_000;

/** What a thread of ours is started with. */
interface ThreadData<Data> {
  /** Int32Array (2) in shared memory. */
  callGate: Int32Array;
  data: Data;
}

/** A thread that may run ONNX Runtime. */
export interface Thread extends Worker {
  /** Terminates it as soon as no native call is running. */
  end(): Promise<void>;
}

const alive = new Map<Worker, Int32Array>();

/** Starts a thread; `threadData` is what the script at that path is given. */
export function startThread<Data>(script: string, data: Data): Thread {
  const gate = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(script, { workerData: { callGate: gate, data } satisfies ThreadData<Data> });
  if (alive.size === 0) process.on("exit", letCallsEnd);
  alive.set(worker, gate);
  worker.on("exit", () => {
    alive.delete(worker);
    if (alive.size === 0) process.off("exit", letCallsEnd);
  });
  return Object.assign(worker, {
    async end() {
      Atomics.store(gate, ending, 1);
      while (Atomics.load(gate, running) > 0) await sleep(2);
      await worker.terminate();
    },
  });
}

function letCallsEnd(): void {
  const deadline = Date.now() + longestCall;
  for (const gate of alive.values()) Atomics.store(gate, ending, 1);
  for (const gate of alive.values())
    for (let calls = Atomics.load(gate, running); calls > 0; calls = Atomics.load(gate, running))
      if (Atomics.wait(gate, running, calls, deadline - Date.now()) === "timed-out") return;
}

/** What this thread was started with. */
export const threadData = <Data>(): Data => (workerData as ThreadData<Data>).data;

const own = (workerData as Partial<ThreadData<unknown>> | null)?.callGate;

/** Runs a native call. Where the thread is about to end, the call is not made and the promise stays open. */
export async function nativeCall<Result>(call: () => Promise<Result>): Promise<Result> {
  if (!(own instanceof Int32Array)) return call();
  Atomics.add(own, running, 1);
  try {
    if (Atomics.load(own, ending) === 0) return await call();
  } finally {
    Atomics.sub(own, running, 1);
    Atomics.notify(own, running);
  }
  return new Promise(() => {});
}
