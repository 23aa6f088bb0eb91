import { writeSync } from "node:fs";

/** A line for whoever runs Jupyter. `process.stderr` is a cell's, in every thread. */
export function log(text: string): void {
  try {
    writeSync(2, `speakerscope kernel: ${text}\n`);
  } catch {
    // Nobody reads it any more.
  }
}
