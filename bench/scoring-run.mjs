// AS-norm in a process of its own: `node bench/scoring-run.mjs FOLDER`; prints CPU-seconds, wall and peak memory of the whole
// process, loading included, and the first scores.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { usage } from "./usage.mjs";

const require = createRequire(import.meta.url);
const { readVectors } = require("../dist/src/store/read-vectors.js");
const { scoreTrials } = require("../dist/src/scoring/score-trials.js");
const { readNpy } = require("../dist/src/format/npy.js");

const [folder, topN] = process.argv.slice(2);
const { rows } = await readVectors(join(folder, "embeddings.npy"));
const cohort = (await readVectors(join(folder, "cohort.npy"))).rows;
const { data } = readNpy(readFileSync(join(folder, "trials.npy")));
const embeddings = Array.from({ length: rows.rows }, (_, i) => ({
  key: String(i),
  embedding: rows.data.subarray(i * rows.columns, (i + 1) * rows.columns),
}));
const trials = Array.from({ length: data.length / 2 }, (_, t) => ({
  enroll: embeddings[data[2 * t]].key,
  test: embeddings[data[2 * t + 1]].key,
}));
const scored = await scoreTrials(trials, embeddings, { cohort, topN: Number(topN) });
console.log(
  JSON.stringify({
    ...usage(),
    first: scored.slice(0, 5).map(({ score }) => score),
  }),
);
