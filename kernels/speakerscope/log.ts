import { writeSync } from "node:fs";

/** Whoever sends nonsense all the time must not fill a disk, or the pipe of a Jupyter that reads none of it. */
const linesAtOnce = 50;
const windowMs = 10_000;

let began = 0;
let lines = 0;

/** A line for whoever runs Jupyter. `process.stderr` is a cell's, in every thread. */
export function log(text: string): void {
  const now = Date.now();
  if (now - began > windowMs) {
    if (lines > linesAtOnce) write(`${lines - linesAtOnce} more lines were left out.`);
    began = now;
    lines = 0;
  }
  if (++lines <= linesAtOnce) write(text);
}

function write(text: string): void {
  try {
    writeSync(2, `speakerscope kernel: ${text}\n`);
  } catch {
    // Nobody reads it any more.
  }
}
