import { throwIfAborted } from "../errors.js";

/** Returns a function to call between the parts of a long job: every 50 ms it lets timers, progress and interrupts through. */
export function breather(abortSignal?: AbortSignal, job = "Comparing"): () => Promise<void> {
  let last = 0;
  return async () => {
    if (performance.now() - last < 50) return;
    await new Promise((resolve) => setImmediate(resolve));
    throwIfAborted(job, abortSignal);
    last = performance.now();
  };
}
