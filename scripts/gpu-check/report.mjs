import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { round } from "./watched-process.mjs";

/**
 * The file of measurements: an entry per step, on disk as soon as the step is over.
 *
 * A step gets its time limit in milliseconds, cut to what is left of the total, and returns its result as an object: with
 * `failed`, a sentence, where the result is not as it should be, or `skipped`, a sentence, where there was nothing to do.
 */
export function openReport(out, minutes) {
  const start = performance.now();
  const report = { version: 1, started: new Date().toISOString(), minutes, complete: false, steps: [] };
  mkdirSync(dirname(out), { recursive: true });
  save();

  async function step(name, seconds, run) {
    const begin = performance.now();
    const left = minutes * 60 - (begin - start) / 1000;
    const given =
      left < 3
        ? { skipped: `The ${minutes} minutes were over.` }
        : await Promise.resolve()
            .then(() => run(Math.min(seconds, left) * 1000))
            .catch((error) => ({ failed: String(error?.stack ?? error) }));
    const { failed, skipped, ...result } = given;
    const status = failed ? "failed" : skipped ? "skipped" : "ok";
    const reason = failed ?? skipped;
    const took = round((performance.now() - begin) / 1000);
    report.steps.push({ step: name, status, ...(reason ? { reason } : {}), seconds: took, ...result });
    save();
    console.log(
      `${status.padEnd(7)} ${took.toFixed(1).padStart(6)} s  ${name}${reason ? `: ${reason}` : ""}`,
    );
  }

  /** Whether no step failed. */
  function finish() {
    report.complete = true;
    save();
    const failures = report.steps.filter(({ status }) => status === "failed").length;
    console.log(`${report.steps.length} steps, ${failures} failed: ${out}`);
    return failures === 0;
  }

  function save() {
    writeFileSync(`${out}.tmp`, `${JSON.stringify(report, null, 2)}\n`);
    renameSync(`${out}.tmp`, out);
  }
  return { step, finish };
}
