// One similarity job in a process of its own: `node bench/similarity-run.mjs JOB FILE`; prints CPU-seconds, wall and peak.

import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const require = createRequire(import.meta.url);
const dist = (name) => require(`../dist/src/similarity/${name}.js`);
const [job, path, backendName] = process.argv.slice(2);
const { readVectors } = dist("read-vectors");
const { similarity } = dist("similarity");
const { compareFiles } = dist("compare-files");
const { backend } = dist("backend");

const { rows } = await readVectors(path);
const { tf } = await backend({ similarityBackend: backendName });
// Loading and the first operation are no part of the job.
tf.matMul(tf.ones([64, 8]), tf.ones([64, 8]), false, true).dispose();

const jobs = {
  // Nothing but the n x n matrix product, tile by tile; nobody looks at it.
  bare: async () => {
    const size = 1024;
    const { data, rows: n, columns: d } = rows;
    const blocks = [];
    for (let from = 0; from < n; from += size) {
      const to = Math.min(n, from + size);
      blocks.push(tf.tensor2d(data.subarray(from * d, to * d), [to - from, d]));
    }
    for (const a of blocks) for (const b of blocks) tf.matMul(a, b, false, true).dispose();
  },
  statistics: () => similarity(rows, { matrix: false, backend: backendName }),
  "top-20": () => similarity(rows, { matrix: false, topK: 20, backend: backendName }),
  stage: async () => {
    const folder = mkdtempSync(join(tmpdir(), "similarity-bench-"));
    await compareFiles(path, folder, { threshold: 0.8, backend: backendName });
    rmSync(folder, { recursive: true });
  },
};
const [cpu, wall] = [process.cpuUsage(), performance.now()];
const result = await jobs[job]();
const { user, system } = process.cpuUsage(cpu);
const statistics = result?.statistics;
console.log(
  JSON.stringify({
    cpu: (user + system) / 1e6,
    wall: (performance.now() - wall) / 1e3,
    peak: process.resourceUsage().maxRSS / 1024,
    mean: statistics?.mean,
    std: statistics?.std,
  }),
);
