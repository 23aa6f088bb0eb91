import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { extract, extractionStatus } from "speakerscope";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { statusLines } from "../../src/cli/status.js";
import { rankLogPath, writeCorpusList } from "../../src/store/extraction.js";
import { openLog } from "../../src/store/record-log.js";
import type { Utterance } from "../../src/types.js";
import { lockFolder } from "../../src/util/folder-lock.js";
import { put, temporaryFolder, tinyCorpus, tinyModel } from "../tiny.js";

const utterance = (index: number): Utterance => ({
  key: `d_s_${index}`,
  speakerKey: "d_s",
  dataset: "d",
  speakerId: "s",
  utteranceId: String(index),
  file: `d/s/${index}.wav`,
  path: `corpus/d/s/${index}.wav`,
  size: 100,
  mtimeMs: 1,
});

/** An extraction of 100 files on two ranks, as its logs would stand at some moment; times in ms. */
async function halfDone(times: Record<number, number[]>): Promise<string> {
  const folder = temporaryFolder();
  const utterances = Array.from({ length: 100 }, (_, index) => utterance(index));
  await writeCorpusList(folder, { root: "corpus", utterances, failures: [] });
  for (const [rank, stored] of Object.entries(times)) {
    const path = rankLogPath(folder, Number(rank));
    mkdirSync(join(path, ".."), { recursive: true });
    const log = openLog(path, 0);
    log.append({ identity: { version: 1 }, device: "cpu" });
    for (const [index, at] of stored.entries()) {
      const { file, size, mtimeMs } = utterance(Number(rank) * 50 + index);
      if (index === 3) log.append({ file, size, mtimeMs, stage: "decode", reason: "broken", at });
      else log.append({ file, size, mtimeMs, seconds: 1, at }, new Float32Array(4));
    }
    log.close();
  }
  return folder;
}

const everyMs = (step: number, count: number, from = 1_000_000) =>
  Array.from({ length: count }, (_, i) => from + i * step);

test("what is done, failed and left is counted, in all and by rank", async () => {
  const status = await extractionStatus(await halfDone({ 0: everyMs(100, 20), 1: everyMs(50, 40) }));
  assert.equal([status.total, status.embedded, status.failed, status.left], [100, 58, 2, 40]);
  assert.equal([...status.failedByStage], [["decode", 2]]);
  assert.equal(
    status.ranks.map(({ name, device, embedded, failed }) => [name, device, embedded, failed]),
    [
      ["rank_00", "cpu", 19, 1],
      ["rank_01", "cpu", 39, 1],
    ],
  );
});

test("the rate is files over time, without the pauses between runs", async () => {
  const paused = [...everyMs(10_000, 10, 0), ...everyMs(250, 30, 3_600_000)];
  const status = await extractionStatus(await halfDone({ 0: everyMs(100, 20), 1: paused }));
  assert.equal(
    status.ranks.map(({ rate }) => rate),
    [10, 4],
  );
});

test("the lines say what is going on", async () => {
  const folder = await halfDone({ 0: everyMs(100, 20), 1: everyMs(50, 40) });
  const lock = await lockFolder(folder, { purpose: "extracting embeddings" });
  const status = await extractionStatus(folder);
  await lock.release();
  const at = status.ranks[0]!.lastAt;
  const running = statusLines(folder, status, at + 1000).join("\n");
  assert.match(running, /60 of 100 files done, 40 left/);
  assert.match(running, /failed: 2 \(decode 2\)/);
  assert.match(running, /rank_01 on cpu: 39 embedded, 1 failed, 20\.0 files\/s, last file 1 s ago/);
  assert.match(running, /2 ranks at work, 30\.0 files\/s together, about 1 s left/);
  const silent = statusLines(folder, status, at + 3_600_000).join("\n");
  assert.match(silent, /is running, but has stored nothing in the last minute/);
  assert.match(silent, /last file 1 h 0 min ago/);
});

test("an extraction that was stopped a moment ago is not at work", async () => {
  const folder = await halfDone({ 0: everyMs(100, 20) });
  const status = await extractionStatus(folder);
  const lines = statusLines(folder, status, status.ranks[0]!.lastAt + 500).join("\n");
  assert.match(lines, /no rank is at work: `speakerscope extract` goes on from here/);
  assert.not.match(lines, /about .* left/);
});

test("shards stand side by side, and those that have not begun are named", async () => {
  const folder = temporaryFolder();
  const names = Array.from({ length: 9 }, (_, i) => [`d/s${i % 3}/u${i}.wav`, i]);
  const corpus = tinyCorpus(join(folder, "corpus"), Object.fromEntries(names));
  // Their paths put two files into shard 1, the others and the broken one into 0 and 2.
  put(join(corpus, "d", "s0", "bad.wav"), "RIFF");
  const outputDir = join(folder, "ranks");
  const options = { outputDir, modelPath: tinyModel(folder), device: "cpu", numRanks: 1 };
  for (const index of [0, 2]) await extract(corpus, { ...options, shard: { index, count: 3 } });
  const before = snapshot(outputDir);
  const status = await extractionStatus(outputDir);
  assert.equal(status.absentShards, [1]);
  assert.equal(
    status.ranks.map(({ name }) => name),
    ["shard_00000_of_00003/rank_00", "shard_00002_of_00003/rank_00"],
  );
  assert.equal([status.total, status.embedded, status.failed, status.left], [8, 7, 1, 0]);
  assert.match(statusLines(outputDir, status, Date.now()).join("\n"), /not begun, files not counted: 1/);
  assert.equal(snapshot(outputDir), before, "nothing is written");
});

test("a torn log is told of, and no extraction is an error", async () => {
  const folder = await halfDone({ 0: everyMs(100, 5) });
  appendFileSync(rankLogPath(folder, 0), readFileSync(rankLogPath(folder, 0)).subarray(0, 30));
  const status = await extractionStatus(folder);
  assert.is(status.ranks[0]!.damagedBytes, 30);
  assert.match(statusLines(folder, status, Date.now()).join("\n"), /30 bytes of its log are torn or damaged/);
  rmSync(join(folder, "corpus.jsonl"));
  const error = await extractionStatus(folder).then(
    () => undefined,
    (e: Error) => e,
  );
  assert.match(error?.message ?? "", /holds no extraction.*speakerscope extract/);
});

function snapshot(folder: string): string[] {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .sort()
    .map((name) => `${name} ${statSync(join(folder, name)).mtimeMs} ${statSync(join(folder, name)).size}`);
}

test.run();
