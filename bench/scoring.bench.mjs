// AS-norm of a million trials among 20,000 embeddings against a cohort of 10,000, beside numpy: CPU-seconds and peak memory,
// each in a process of its own, in turn.
//   node bench/run.mjs scoring
// numpy: python3 -m venv X && X/bin/pip install numpy, then BENCH_PYTHON=X/bin/python.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const here = dirname(fileURLToPath(import.meta.url));
const { writeNpy } = require("../dist/src/format/npy.js");
const { random } = require("../dist/src/vectors/random.js");
const python = process.env.BENCH_PYTHON ?? "python3";
const [embeddings, cohort, trials, dimension] = [20_000, 10_000, 1_000_000, 192];
const folder = mkdtempSync(join(tmpdir(), "scoring-bench-"));

try {
  const next = random(1);
  const vectors = (n) =>
    Float32Array.from(
      { length: n * dimension },
      (_, i) => next() + next() + next() - 1.5 + 0.2 * Math.sin(i % dimension),
    );
  const write = (name, data, shape) => writeFileSync(join(folder, name), writeNpy(data, { shape }));
  write("embeddings.npy", vectors(embeddings), [embeddings, dimension]);
  write("cohort.npy", vectors(cohort), [cohort, dimension]);
  write(
    "trials.npy",
    Int32Array.from({ length: 2 * trials }, () => Math.floor(next() * embeddings)),
    [trials, 2],
  );
  console.log(`${trials} trials of ${embeddings} embeddings, ${cohort} in the cohort, d = ${dimension}`);
  for (const topN of [300, 1000]) {
    console.log(`\n${`top ${topN}`.padEnd(46)}    CPU s   wall s  peak MB`);
    for (const [name, command, script] of [
      ["speakerscope", process.execPath, "scoring-run.mjs"],
      ["numpy, matrix products and sorts", python, "scoring_peer.py"],
    ]) {
      const { status, stdout, stderr } = spawnSync(command, [join(here, script), folder, String(topN)], {
        encoding: "utf8",
      });
      if (status !== 0) {
        console.log(`${name.padEnd(48)}  SKIPPED ${stderr.trim().split("\n").at(-1)}`);
        continue;
      }
      const { cpu, wall, peak, first } = JSON.parse(stdout.trim().split("\n").at(-1));
      const numbers = [cpu.toFixed(2), wall.toFixed(2), peak.toFixed(0)].map((text) => text.padStart(8));
      console.log(
        `${name.padEnd(46)}${numbers.join(" ")}   first ${first.map((score) => score.toFixed(4)).join(" ")}`,
      );
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
