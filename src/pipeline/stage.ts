import type { Progress } from "../types.js";

/** What a stage needs besides its settings: where to report, and a way to be stopped. */
export interface StageContext {
  reporter: { log(line: string): void; progress?(progress: Progress): void };
  abortSignal?: AbortSignal;
}
