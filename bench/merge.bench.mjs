// Merging many utterances: generated logs of two ranks, then `merge` without and with individual files.
//   node bench/merge.bench.mjs [utterances] [speakers]
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const require = createRequire(import.meta.url);
const main = require.resolve("../dist/src/cli/main.js");
const utterances = Number(process.argv[2] ?? 100_000);
const speakers = Number(process.argv[3] ?? 5_704);
const dimension = 192;

const folder = mkdtempSync(join(tmpdir(), "merge-bench-"));
try {
  await generate();
  const size = statSync(join(folder, "ranks/rank_00/embeddings.log")).size * 2;
  console.log(`${utterances} utterances of ${speakers} speakers, ${(size / 1e9).toFixed(2)} GB of logs`);
  merge("combined files alone", ["--merge_individual", "false"]);
  if (utterances <= 200_000) merge("individual files too", []);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** An extraction as two ranks would leave it, without audio. */
async function generate() {
  const { writeCorpusList, rankLogPath } = require("../dist/src/store/extraction.js");
  const { openLog } = require("../dist/src/store/record-log.js");
  const list = Array.from({ length: utterances }, (_, i) => {
    const speaker = Math.floor((i * speakers) / utterances);
    const dataset = `set-${String(Math.floor((speaker * 8) / speakers))}`;
    const speakerId = `speaker-${String(speaker).padStart(6, "0")}`;
    const utteranceId = `utterance-${String(i).padStart(8, "0")}`;
    const speakerKey = `${dataset}_${speakerId}`;
    const file = `${dataset}/${speakerId}/${utteranceId}.wav`;
    return {
      key: `${speakerKey}_${utteranceId}`,
      speakerKey,
      dataset,
      speakerId,
      utteranceId,
      file,
      size: 123456,
      mtimeMs: 1.7e12,
    };
  });
  const ranks = join(folder, "ranks");
  await writeCorpusList(ranks, { root: "corpus", utterances: list, failures: [] });
  const logs = [0, 1].map((rank) => {
    mkdirSync(join(ranks, `rank_0${rank}`), { recursive: true });
    const log = openLog(rankLogPath(ranks, rank), 0);
    log.append({ identity: { version: 1 }, device: "cpu" });
    return log;
  });
  const vector = new Float32Array(dimension);
  list.forEach(({ file, size, mtimeMs }, i) => {
    for (let d = 0; d < dimension; d++) vector[d] = Math.sin(i * 12.9898 + d * 78.233);
    logs[Math.floor((i * 2) / utterances)].append({ file, size, mtimeMs, seconds: 7.5, at: 1.7e12 }, vector);
  });
  for (const log of logs) log.close();
}

function merge(name, options) {
  const script = `
    const { spawnSync } = require("node:child_process");
    const start = performance.now();
    const { status, stderr } = spawnSync(process.execPath, ${JSON.stringify([main, "merge", "--input_dir", "ranks", "--output_dir", "final", ...options])}, { cwd: ${JSON.stringify(folder)} });
    if (status !== 0) throw new Error(String(stderr));
    console.log(JSON.stringify({ wall: (performance.now() - start) / 1000 }));`;
  const { stdout, stderr, status } = spawnSync(
    "/usr/bin/time",
    ["-f", "%U %S %M", process.execPath, "-e", script],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(stderr);
  const [user, system, kilobytes] = stderr.trim().split("\n").at(-1).split(" ").map(Number);
  const { wall } = JSON.parse(stdout);
  console.log(
    `  ${name}: ${(user + system).toFixed(1)} CPU-s, ${wall.toFixed(1)} s, ${(kilobytes / 1e3).toFixed(0)} MB at most` +
      ` (${(((user + system) / utterances) * 1e6).toFixed(0)} us an utterance)`,
  );
}
