import { appendFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { MultiBar, SingleBar } from "cli-progress";
import { reasonOf } from "../errors.js";
import { printable } from "../shared/printable.js";
import { quantity } from "../shared/text.js";
import type { Progress } from "../types.js";
import { makeFolder } from "../util/make-folder.js";

/** Where a command reports: progress bars in a terminal, lines elsewhere, and the same lines in a log file. */
export interface Reporter {
  /** Writes one line; control characters from names are replaced. */
  log(line: string): void;
  progress(progress: Progress): void;
  /** Removes the progress bars. */
  close(): void;
}

/** Interval of progress lines where there is no terminal. */
const lineIntervalMs = 10_000;

export function openReporter({ logFile }: { logFile?: string } = {}): Reporter {
  const display = process.stderr.isTTY ? barDisplay() : lineDisplay();
  const keep = logFile === undefined ? () => {} : logWriter(logFile, display.log);
  return {
    log(line) {
      const safe = printable(line);
      keep(safe);
      display.log(safe);
    },
    progress: (progress) => display.progress(progress),
    close: () => display.close(),
  };
}

/** Writes lines to a log file. If that fails, as on a full disk, it is reported once and the job goes on. */
function logWriter(path: string, warn: (line: string) => void): (line: string) => void {
  let isOpen = true;
  const attempt = (write: () => void) => {
    if (!isOpen) return;
    try {
      write();
    } catch (error) {
      isOpen = false;
      warn(
        printable(
          `Warning: the log file ${path} cannot be written (${reasonOf(error)}); this goes on without it.`,
        ),
      );
    }
  };
  attempt(() => {
    makeFolder(dirname(path));
    // Opening a pipe waits until somebody reads it.
    if (statSync(path, { throwIfNoEntry: false })?.isFIFO()) throw new Error("it is a pipe");
  });
  return (line) => attempt(() => appendFileSync(path, `${timestamp()} ${line}\n`));
}

const whileIn = {
  segments: "Looking for speech",
  merge: "Merging",
  checks: "Checking audio",
  similarity: "Similarity",
  audit: "Auditing",
  page: "Writing the page",
};

/** The line of a progress, such as `Rank 0: 120/1000 files, 2 failed, 9.4 files/s, 1 min 34 s left`. */
export function progressLine(progress: Progress): string {
  if (progress.stage === "scan") return `Scanning: ${quantity(progress.files, "file")}`;
  const { stage, done, total } = progress;
  if (stage !== "extract") return `${whileIn[stage]}: ${done}/${total}`;
  const rate = progress.seconds > 0 ? done / progress.seconds : 0;
  const left = rate > 0 ? `, ${duration((total - done) / rate)} left` : "";
  return `Rank ${progress.rank}: ${done}/${total} files, ${progress.failed} failed, ${rate.toFixed(1)} files/s${left}`;
}

/** `1 h 2 min`, `1 min 34 s`, `12 s`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

function lineDisplay(): Reporter {
  const said = new Map<string, number>();
  return {
    log: (line) => console.log(line),
    progress(progress) {
      const lane = progress.stage === "extract" ? `extract ${progress.rank}` : progress.stage;
      const now = Date.now();
      const last = said.get(lane);
      if (last === undefined) said.set(lane, now);
      else if (now - last >= lineIntervalMs) {
        said.set(lane, now);
        console.log(progressLine(progress));
      }
    },
    close() {},
  };
}

function barDisplay(): Reporter {
  const { MultiBar, Presets } = require("cli-progress") as typeof import("cli-progress");
  let bars: MultiBar | undefined;
  const lanes = new Map<string, SingleBar>();
  return {
    log(line) {
      if (bars === undefined) console.log(line);
      else bars.log(`${line}\n`);
    },
    progress(progress) {
      if (progress.stage === "scan") return;
      const lane = progress.stage === "extract" ? `Rank ${progress.rank}` : progress.stage;
      bars ??= new MultiBar(
        {
          format: "{lane} {bar} {value}/{total} {detail}",
          barsize: 24,
          hideCursor: true,
          clearOnComplete: false,
          fps: 5,
        },
        Presets.shades_classic,
      );
      const detail = progressLine(progress).replace(/^.*?\d+\/\d+( files)?(, )?/, "");
      let bar = lanes.get(lane);
      if (bar === undefined) {
        bar = bars.create(progress.total, progress.done, { lane, detail });
        lanes.set(lane, bar);
      }
      bar.setTotal(progress.total);
      bar.update(progress.done, { lane, detail });
    },
    close() {
      bars?.stop();
      bars = undefined;
      lanes.clear();
    },
  };
}

const timestamp = () => new Date().toISOString().slice(0, 19).replace("T", " ");
