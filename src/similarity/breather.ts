import { throwIfAborted } from "../errors.js";

/** What lets the process answer (progress, an interrupt) now and then when it is called between parts of a long job. */
export function breather(abortSignal?: AbortSignal): () => Promise<void> {
  let last = 0;
  return async () => {
    if (performance.now() - last < 50) return;
    await new Promise((resolve) => setImmediate(resolve));
    throwIfAborted("Comparing", abortSignal);
    last = performance.now();
  };
}
