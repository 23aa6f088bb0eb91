import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { extract, type Model, merge, scan } from "speakerscope";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { embedEach } from "../../src/extract/embed-file.js";
import { speakerscope } from "../cli.js";
import { put, temporaryFolder, tinyCorpus, tinyModel, voice, wav } from "../tiny.js";

function setUp(count = 12) {
  const folder = temporaryFolder();
  const modelPath = tinyModel(folder);
  const corpus = tinyCorpus(
    join(folder, "corpus"),
    Object.fromEntries(
      Array.from({ length: count }, (_, i) => [`d/s${i % 3}/u${String(i).padStart(3, "0")}.wav`, i]),
    ),
  );
  return { folder, modelPath, corpus };
}

const failed = async (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error) => error,
  );

/** A small file system of its own, or undefined where there may be none. */
function mount(path: string, options: string): boolean {
  mkdirSync(path, { recursive: true });
  if (spawnSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", path]).status !== 0) return false;
  // Before the folder that it lies in is removed.
  process.prependListener("exit", () => spawnSync("umount", ["-l", path]));
  return true;
}

test("files that vanish, shrink or cannot be read during the run are failures with a reason, tried again later", async () => {
  const { corpus, modelPath, folder } = setUp();
  const list = await scan(corpus);
  rmSync(join(corpus, "d/s0/u000.wav"));
  truncateSync(join(corpus, "d/s0/u003.wav"), 1000);
  rmSync(join(corpus, "d/s1/u001.wav"));
  mkdirSync(join(corpus, "d/s1/u001.wav"));
  const outputDir = join(folder, "out");
  const { failures, embedded } = await extract(list, { outputDir, modelPath, device: "cpu", numRanks: 2 });
  assert.is(embedded, 9);
  assert.equal(
    failures.map(({ utteranceId, stage }) => [utteranceId, stage]),
    [
      ["u000", "read"],
      ["u003", "read"],
      ["u001", "read"],
    ],
  );
  assert.match(failures[0]!.reason, /no such file/);
  assert.match(failures[1]!.reason, /changed during the run: \d+ bytes when listed, 1000 when read/);
  rmSync(join(corpus, "d/s1/u001.wav"), { recursive: true });
  tinyCorpus(corpus, { "d/s0/u000.wav": 0, "d/s0/u003.wav": 3, "d/s1/u001.wav": 1 });
  const again = await extract(corpus, { outputDir, modelPath, device: "cpu" });
  assert.equal([again.embedded, again.resumed, again.failures.length], [12, 9, 0]);
});

test("a file that crashes or hangs the process costs itself alone", async () => {
  const { folder, modelPath, corpus } = setUp();
  const marked = (mark: string, seed: number) => {
    const bytes = Buffer.from(wav([voice(seed)]));
    bytes.write(mark, 60, "latin1");
    return bytes;
  };
  put(join(corpus, "d/s0/crash.wav"), marked("CRASH", 50));
  put(join(corpus, "d/s1/hang.wav"), marked("HANG!", 51));
  // What a broken native decoder would do, in its place.
  const preload = put(
    join(folder, "preload.cjs"),
    `const Module = require("node:module");
     const load = Module._load;
     Module._load = function (request, ...rest) {
       const loaded = load.call(this, request, ...rest);
       if (!request.endsWith("load-segments.js")) return loaded;
       return { ...loaded, loadSegments(bytes, options) {
         const head = Buffer.from(bytes.buffer, bytes.byteOffset, 80).toString("latin1");
         if (head.includes("CRASH")) process.kill(process.pid, "SIGSEGV");
         if (head.includes("HANG!")) for (;;);
         return loaded.loadSegments(bytes, options);
       } };
     };`,
  );
  const run = (env: NodeJS.ProcessEnv) =>
    speakerscope(
      [
        "extract",
        "--data_root",
        "corpus",
        "--model_path",
        modelPath,
        "--device",
        "cpu",
        "--num_ranks",
        "1",
        "--file_timeout",
        "3",
      ],
      { cwd: folder, env },
    );
  const broken = run({ NODE_OPTIONS: `--require ${preload}` });
  assert.is(broken.status, 0, broken.stdout + broken.stderr);
  assert.match(broken.stdout, /Died \(SIGSEGV\) at .*crash\.wav; starting again/);
  assert.match(broken.stdout, /Died twice \(no answer for 3 s\) at .*hang\.wav; leaving that file out/);
  assert.match(broken.stdout, /Embedded 12 of 14 files/);
  assert.match(broken.stdout, /2 files were not embedded \(process 2\)/);
  const mended = run({});
  assert.match(mended.stdout, /Embedded 14 of 14 files/);
});

test("no space left ends the job with that reason; what was stored stays, and the same command goes on", () => {
  const { folder, modelPath } = setUp(60);
  const output = join(folder, "small");
  if (!mount(output, "size=24k"))
    return console.log("SKIPPED no space left: mounting a small file system needs root");
  const args = [
    "extract",
    "--data_root",
    "corpus",
    "--model_path",
    modelPath,
    "--device",
    "cpu",
    "--num_ranks",
    "1",
    "--output_dir",
    "small",
    "--save_individual",
  ];
  const full = speakerscope(args, { cwd: folder });
  assert.is(full.status, 1);
  assert.match(full.stderr, /no space left on device[^']*'[^']*small\//i);
  assert.is(spawnSync("mount", ["-o", "remount,size=8m", output]).status, 0);
  const again = speakerscope(args, { cwd: folder });
  assert.is(again.status, 0, again.stderr);
  assert.match(again.stdout, /Embedded 60 of 60 files/);
});

test("an output folder that cannot be written is named", async () => {
  const { folder, modelPath, corpus } = setUp();
  put(join(folder, "taken"), "a file");
  const error = await failed(extract(corpus, { outputDir: join(folder, "taken"), modelPath, device: "cpu" }));
  assert.match(error?.message, /taken/);
  const closed = join(folder, "closed");
  if (!mount(closed, "ro")) return console.log("SKIPPED read-only output: mounting a file system needs root");
  const { status, stderr } = speakerscope(
    [
      "extract",
      "--data_root",
      "corpus",
      "--model_path",
      modelPath,
      "--device",
      "cpu",
      "--output_dir",
      "closed",
    ],
    { cwd: folder },
  );
  assert.is(status, 1);
  assert.match(stderr, /read-only.*closed/i);
});

test("a batch that is too large for the device is halved, and only what fails alone fails", async () => {
  const sizes: number[] = [];
  const model = {
    sampleRate: 16000,
    minSamples: 400,
    features: (samples: Float32Array) => ({ data: samples.slice(0, 4), rows: 1, columns: 4 }),
    run: async (features: { data: Float32Array }[]) => {
      sizes.push(features.length);
      if (features.length > 2) throw new Error("out of memory");
      if (features.some(({ data }) => data[0] === 7)) throw new Error("bad input");
      return features.map(({ data }) => data);
    },
  } as unknown as Model;
  const features = Array.from({ length: 8 }, (_, i) => ({
    data: new Float32Array(4).fill(i),
    rows: 1,
    columns: 4,
  }));
  const results = await embedEach(features, model, 8);
  assert.equal(sizes.slice(0, 3), [8, 4, 2]);
  assert.equal(
    results.map((result) => (result instanceof Float32Array ? result[0] : result)),
    [0, 1, 2, 3, 4, 5, 6, { stage: "model", reason: "bad input", decided: false }],
  );
});

test("names in a corpus list cannot lead a write out of the folder", async () => {
  const { folder, modelPath, corpus } = setUp(3);
  const list = await scan(corpus);
  list.utterances[0]!.speakerId = "../../../escaped";
  const options = { modelPath, device: "cpu", numRanks: 1, saveIndividual: true };
  const outputDir = join(folder, "deep/er/out");
  assert.is(await failed(extract(list, { ...options, outputDir })), undefined);
  const speakers = readdirSync(join(outputDir, "embeddings_individual/utterances/d"));
  assert.ok(
    speakers.some((name) => name.startsWith(".._.._.._escaped~")),
    String(speakers),
  );
  list.utterances[0]!.speakerId = "..";
  const other = join(folder, "deep/er/other");
  assert.match((await failed(extract(list, { ...options, outputDir: other })))?.message, /leads out of/);
  const merged = await failed(merge(other, { outputDir: join(folder, "deep/er/final"), partial: true }));
  assert.match(merged?.message ?? "", /holds no embedding/);
});

test.run();
