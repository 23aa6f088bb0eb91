import { chmodSync, renameSync } from "node:fs";
import { join } from "node:path";
import { type ExtractOptions, extract } from "speakerscope";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { put, temporaryFolder, tinyCorpus, tinyModel, voice, wav } from "../tiny.js";

// What a broken device does, in place of the model of a rank. A file is known by a sample that no voice has.
const preload = put(
  join(temporaryFolder(), "preload.cjs"),
  `const Module = require("node:module");
   const load = Module._load;
   const fault = process.env.TEST_FAULT;
   Module._load = function (request, ...rest) {
     const loaded = load.call(this, request, ...rest);
     if (!request.endsWith("embed/open-model.js") || !process.argv[1].endsWith("rank-process.js")) return loaded;
     return { ...loaded, async openModel(options) {
       if (fault === "stopped") process.kill(process.pid, "SIGSTOP");
       const model = await loaded.openModel(options);
       let runs = 0;
       return { ...model,
         device: fault.startsWith("batch") ? "cuda:0" : model.device,
         features(samples) {
           return Object.assign(model.features(samples), { marked: Math.abs(samples[100] - 0.5) < 0.001 });
         },
         async run(batch) {
           if (fault === "sticky" && ++runs > 3) throw new Error("CUDA error 700: an illegal memory access");
           const marked = batch.some(({ marked }) => marked);
           if (fault === "batch" && marked) process.kill(process.pid, "SIGKILL");
           if (fault === "batch-size" && batch.length > 1) process.kill(process.pid, "SIGKILL");
           if (fault === "refuse" && marked) throw new Error("Failed to allocate memory for requested buffer");
           if (fault === "nan" && marked) return batch.map(() => new Float32Array(8).fill(NaN));
           return model.run(batch);
         } };
     } };
   };`,
);

function setUp(count = 8) {
  const folder = temporaryFolder();
  const modelPath = tinyModel(folder);
  const names = Array.from({ length: count }, (_, i) => `d/s${i % 2}/u${i}.wav`);
  const corpus = tinyCorpus(join(folder, "corpus"), Object.fromEntries(names.map((name, i) => [name, i])));
  const logs: string[] = [];
  const run = async (env: NodeJS.ProcessEnv, options: ExtractOptions = {}) => {
    const before = { ...process.env };
    Object.assign(process.env, env);
    if (env.TEST_FAULT !== undefined) process.env.NODE_OPTIONS = `--require ${preload}`;
    try {
      const outputDir = join(folder, "out");
      const onLog = (line: string) => logs.push(line);
      return await extract(corpus, { outputDir, modelPath, device: "cpu", numRanks: 1, onLog, ...options });
    } finally {
      process.env = before;
    }
  };
  const mark = (name: string) => {
    const samples = voice(77);
    samples[100] = 0.5;
    put(join(corpus, name), wav([samples]));
  };
  return { folder, corpus, run, mark, logs };
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error) => error,
  );

test("a device that fails for good ends the rank with its error; the files are no failures and are done by the next run", async () => {
  const { run } = setUp();
  const error = await failure(run({ TEST_FAULT: "sticky" }));
  assert.is(error?.tag, "missing");
  assert.match(
    error.message,
    /^Rank 0 left 5 of 8 files undone\. Not even a test signal can be embedded on cpu: CUDA error 700/,
  );
  assert.match(
    error.message,
    /What is done is kept\. Once the cause is removed, the same command goes on\.$/,
  );
  const { embedded, resumed, failures } = await run({});
  assert.equal([embedded, resumed, failures.length], [8, 3, 0]);
});

test("what the model refuses on a device that works is tried again by the next run; no numbers for these bytes are final", async () => {
  const { run, mark, logs } = setUp(3);
  mark("d/s0/odd.wav");
  const refused = await run({ TEST_FAULT: "refuse" });
  assert.equal(
    refused.failures.map(({ stage, reason }) => [stage, reason]),
    [["model", "Failed to allocate memory for requested buffer"]],
  );
  assert.ok(logs.some((line) => /1 failure is not due to the files' own bytes/.test(line)));
  const nan = await run({ TEST_FAULT: "nan" });
  assert.match(nan.failures[0]!.reason, /NaN/);
  assert.equal([nan.resumed, nan.embedded], [3, 3]);
  assert.is((await run({})).resumed, 4, "its bytes decided it");
  assert.equal((await run({}, { retryFailed: true })).embedded, 4);
});

test("a file that kills the process amid a batch is found and costs itself alone", async () => {
  const { run, mark, logs } = setUp(10);
  mark("d/s0/u4.wav");
  mark("d/s1/u7.wav");
  const { embedded, failures } = await run({ TEST_FAULT: "batch" }, { batchSize: 6 });
  assert.is(embedded, 8);
  assert.equal(
    failures.map(({ utteranceId, stage }) => [utteranceId, stage]),
    [
      ["u4", "process"],
      ["u7", "process"],
    ],
  );
  assert.ok(
    logs.some((line) =>
      /Died \(SIGKILL\) at a batch of 6 files from .*u0\.wav on; starting again/.test(line),
    ),
  );
  assert.is((await run({})).embedded, 10, "what crashed is tried again");
});

test("a batch that is too much for the process is done one by one, and so is the next", async () => {
  const { run } = setUp(8);
  const { embedded, failures } = await run({ TEST_FAULT: "batch-size" }, { batchSize: 4 });
  assert.equal([embedded, failures.length], [8, 0]);
});

test("an extraction on CUDA without --bucket hints at it", async () => {
  const { run, logs } = setUp(1);
  // Whether there is a GPU does not matter: the hint comes before the rank starts.
  const onGpu = (options: ExtractOptions) =>
    failure(run({ CUDA_VISIBLE_DEVICES: "0" }, { device: "cuda", ...options }));
  await onGpu({ bucket: 50 });
  assert.not(logs.some((line) => line.startsWith("Hint: ")));
  await onGpu({ overwrite: true });
  assert.ok(logs.some((line) => line.startsWith("Hint: with --bucket 50")));
});

test("a rank that stops before its first file is not waited for for ever", async () => {
  const { run, logs } = setUp(2);
  const error = await failure(run({ TEST_FAULT: "stopped" }, { startTimeoutMs: 1500 }));
  assert.match(error?.message, /died twice \(no answer for 1\.5 s\), the second time before its first file/);
  assert.ok(
    logs.some((line) => /Died \(no answer for 1\.5 s\) before its first file; starting again/.test(line)),
  );
});

test("a file that only FFmpeg decodes is tried again once there is one; broken bytes are not, unless asked for", async () => {
  const { run, corpus, folder } = setUp(2);
  put(join(corpus, "d/s0/odd.wma"), "no format of ours");
  put(join(corpus, "d/s0/torn.wav"), wav([voice(1)]).subarray(0, 20_000));
  const without = await run({ FFMPEG: join(folder, "nowhere") });
  assert.equal(
    without.failures.map(({ utteranceId, stage }) => [utteranceId, stage]),
    [
      ["odd", "decode"],
      ["torn", "decode"],
    ],
  );
  // FFmpeg answers with an AU file of big-endian floats.
  const answer = Buffer.alloc(24 + 4 * 16000);
  answer.write(".snd");
  for (const [field, value] of [24, 0xffffffff, 6, 16000, 1].entries())
    answer.writeUInt32BE(value, 4 + 4 * field);
  voice(8, { seconds: 1 }).forEach((sample, i) => void answer.writeFloatBE(sample, 24 + 4 * i));
  const fake = put(join(folder, "ffmpeg"), `#!/bin/sh\nexec cat ${put(join(folder, "answer.au"), answer)}\n`);
  chmodSync(fake, 0o755);
  const withIt = await run({ FFMPEG: fake });
  assert.equal([withIt.embedded, withIt.resumed], [3, 3]);
  assert.is((await run({})).ranks.length, 0, "all is decided");
  assert.is((await run({}, { retryFailed: true })).ranks[0]!.done, 1);
});

test("a machine without a place for temporary files, or without its corpus, is at fault, not the files", async () => {
  const { run, corpus, folder } = setUp(2);
  put(join(corpus, "d/s0/odd.wma"), "no format of ours");
  const error = await failure(run({ TMPDIR: join(folder, "nowhere") }));
  assert.match(
    error?.message,
    /Rank 0 left \d of 3 files undone\. No temporary file for FFmpeg can be made in .*nowhere/,
  );
  const list = await (await import("speakerscope")).scan(corpus);
  renameSync(corpus, `${corpus}-away`);
  const { modelPath, outputDir } = { modelPath: join(folder, "tiny.onnx"), outputDir: join(folder, "other") };
  const gone = await failure(extract(list, { outputDir, modelPath, device: "cpu", numRanks: 1 }));
  assert.match(gone?.message, /Rank 0 left 3 of 3 files undone\. The corpus .* cannot be read any more/);
  renameSync(`${corpus}-away`, corpus);
  assert.is(await failure(extract(list, { outputDir, modelPath, device: "cpu", numRanks: 1 })), undefined);
});

test("two calls for one folder do not mix: the second waits for the first, and finds all done", async () => {
  const { run, folder, corpus } = setUp(4);
  const both = await Promise.all([run({}), run({})]);
  // Either may be the first to have read its corpus.
  assert.equal(both.map(({ resumed }) => resumed).sort(), [0, 4]);
  assert.equal(
    both.map(({ embedded }) => embedded),
    [4, 4],
  );
  // Shards have folders of their own, and a lock for each.
  const options = {
    outputDir: join(folder, "shards"),
    modelPath: join(folder, "tiny.onnx"),
    device: "cpu",
    numRanks: 1,
  };
  const shards = [0, 1].map((index) => extract(corpus, { ...options, shard: { index, count: 2 } }));
  const embedded = (await Promise.all(shards)).map((result) => result.embedded);
  assert.is(embedded[0]! + embedded[1]!, 4);
});

test.run();
