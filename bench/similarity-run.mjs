// One similarity job in a process of its own: `node bench/similarity-run.mjs JOB FILE [BACKEND]`; prints CPU-seconds, wall
// and peak memory of the whole process, loading included.
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { usage } from "./usage.mjs";

const require = createRequire(import.meta.url);
const [job, path, backend] = process.argv.slice(2);
const { readVectors } = require("../dist/src/store/read-vectors.js");
const { similarity } = require("../dist/src/similarity/similarity.js");
const { compareVectors } = require("../dist/src/comparison/compare-vectors.js");

const compare = async (options) =>
  similarity((await readVectors(path)).rows, { matrix: false, backend, ...options });
const jobs = {
  statistics: () => compare({}),
  "top-20": () => compare({ topK: 20 }),
  stage: async () => {
    const folder = mkdtempSync(join(tmpdir(), "similarity-bench-"));
    const { result } = await compareVectors(path, folder, { threshold: 0.8, backend });
    rmSync(folder, { recursive: true });
    return result;
  },
};
const { statistics } = await jobs[job]();
console.log(
  JSON.stringify({
    ...usage(),
    mean: statistics.mean,
    std: statistics.std,
  }),
);
