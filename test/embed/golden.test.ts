import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
} from "node:fs";
import { join } from "node:path";
import { extract } from "speakerscope";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { embed } from "../../src/embed/embed.js";
import { fitModel } from "../../src/embed/inspect-model.js";
import { openModel } from "../../src/embed/open-model.js";

import { writeNpy } from "../../src/format/npy.js";
import { speakerscope } from "../cli.js";
import { put, temporaryFolder, tinyCorpus, tinyModel, voice, wav } from "../tiny.js";

// What passed is remembered here, and not in the home of who runs the tests.
process.env.XDG_CACHE_HOME = temporaryFolder();
const marks = join(process.env.XDG_CACHE_HOME, "speakerscope", "golden-vectors");

const signal = { samples: voice(3, { seconds: 2 }), sampleRate: 16000 };

/** A model that was made with these settings, with its golden vector, and a configuration that has others. */
async function withGolden(right: string, configured: string): Promise<string> {
  const folder = temporaryFolder();
  const modelPath = tinyModel(folder, { numMelBins: 80 });
  const basic = "sample_rate: 16000\nembedding_size: 8\n";
  const yaml = join(folder, "tiny.yaml");
  put(yaml, basic + right);
  put(join(folder, "clip.wav"), wav([signal.samples]));
  const model = await openModel({ modelPath });
  const [embedding] = await embed([signal], model);
  await model.close();
  put(join(folder, "clip.npy"), writeNpy(embedding!, { shape: [1, 8] }));
  put(yaml, `${basic}${configured}golden: {audio: clip.wav, embedding: clip.npy}\n`);
  return modelPath;
}

const message = (promise: Promise<unknown>) =>
  promise.then(
    () => "it was opened",
    (error: Error) => error.message,
  );

test("a model that gives its golden vector is opened", async () => {
  const modelPath = await withGolden("norm: none\n", "norm: none\n");
  await (await openModel({ modelPath })).close();
});

test("what passed is remembered, and anything that changes is checked again", async () => {
  const modelPath = await withGolden("norm: none\n", "name: remembered\nnorm: none\n");
  const known = new Set(existsSync(marks) ? readdirSync(marks) : []);
  const open = async (options = {}) => (await openModel({ modelPath, ...options })).close();
  await open();
  const [name, ...more] = readdirSync(marks).filter((one) => !known.has(one));
  assert.equal(more, []);
  const mark = join(marks, name!);
  utimesSync(mark, 1000, 1000);
  await open();
  assert.is(statSync(mark).mtimeMs, 1_000_000, "a second check would have written it anew");

  const folder = join(modelPath, "..");
  const yaml = readFileSync(join(folder, "tiny.yaml"), "utf8");
  for (const [file, content] of Object.entries({
    "clip.wav": wav([voice(8, { seconds: 2 })]),
    "clip.npy": writeNpy(new Float32Array(8).fill(1)),
    "tiny.onnx": readFileSync(tinyModel(temporaryFolder(), { numMelBins: 80, slope: 0.3 })),
    "tiny.yaml": `${yaml}frontend: {window: hamming}\n`,
  })) {
    const path = join(folder, file);
    const before = readFileSync(path);
    put(path, content);
    assert.match(await message(open()), /does not give the embedding/, file);
    put(path, before);
  }
  assert.match(await message(open({ config: { norm: "mean" } })), /does not give the embedding/);
  await open();
});

test("an extraction refuses a model that does not give its golden vector, and one of its ranks alone looks", async () => {
  const modelPath = await withGolden("norm: none\nfrontend: {window: hamming}\n", "norm: none\n");
  const corpus = tinyCorpus(join(temporaryFolder(), "corpus"), { "d/s/a.wav": 1, "d/s/b.wav": 2 });
  const outputDir = temporaryFolder();
  const lines: string[] = [];
  const onLog = (line: string) => lines.push(line);
  const text = await message(extract(corpus, { modelPath, outputDir, numRanks: 2, device: "cpu", onLog }));
  assert.match(text, /^Rank 0 left 1 of 1 file undone\. The model .* it fits with window: hamming/);
  assert.equal(lines, []);
});

test("a variant with fewer bits is held to the golden vector by its original", async () => {
  const modelPath = await withGolden("norm: none\n", "norm: none\n");
  const folder = join(modelPath, "..");
  copyFileSync(tinyModel(temporaryFolder(), { numMelBins: 80, slope: 1.69 }), join(folder, "int8.onnx"));
  const yaml = readFileSync(join(folder, "tiny.yaml"), "utf8");
  put(join(folder, "tiny.yaml"), `${yaml}variants: {int8: int8.onnx}\n`);
  await (await openModel({ modelPath, precision: "int8" })).close();
  put(join(folder, "tiny.yaml"), `${yaml.replace("norm: none", "norm: mean")}variants: {int8: int8.onnx}\n`);
  assert.match(await message(openModel({ modelPath, precision: "int8" })), /it fits with norm: none/);
});

test("a golden vector that is no embedding, or of another length than the model's, is an error that says so", async () => {
  const modelPath = await withGolden("norm: none\n", "norm: none\n");
  const clip = join(modelPath, "..", "clip.npy");
  for (const value of [0, Number.NaN, Number.POSITIVE_INFINITY]) {
    put(clip, writeNpy(new Float32Array(8).fill(value)));
    assert.match(await message(openModel({ modelPath })), /clip\.npy is zero, or holds NaN or infinity/);
  }
  put(clip, writeNpy(new Float32Array(5).fill(1)));
  assert.match(
    await message(openModel({ modelPath })),
    /clip\.npy has 5 numbers, but embeddings of .* have 8/,
  );
});

for (const [right, configured, fit] of [
  ["norm: none\nfrontend: {window: hamming}\n", "norm: none\n", "window: hamming"],
  ["norm: none\nfrontend: {scale: 32768}\n", "norm: none\n", "scale: 32768"],
  ["norm: none\n", "", "norm: none"],
  ["family: speechbrain\n", "", "family: speechbrain"],
] as const)
  test(`a model whose golden vector needs ${fit} is refused, and that is said`, async () => {
    const modelPath = await withGolden(right, configured);
    const text = await message(openModel({ modelPath }));
    assert.match(
      text,
      /does not give the embedding .* for clip\.wav: the cosine is -?0\.\d+, less than 0\.999/,
    );
    assert.match(text, /Tried scale, window, mean, layout and each family's front end: it fits with/);
    assert.ok(text.includes(`it fits with ${fit} (1.0000)`), text);
  });

test("a golden vector that no front end gives is refused with the nearest", async () => {
  const modelPath = await withGolden("norm: none\n", "norm: none\n");
  const other = Float32Array.from({ length: 8 }, (_, i) => (i % 2 ? 1 : -1));
  put(join(modelPath, "..", "clip.npy"), writeNpy(other));
  assert.match(await message(openModel({ modelPath })), /none fits; the nearest is .* with -?0\.\d{4}/);
});

test("a golden file outside of the model's folder, or none, is an error", async () => {
  const modelPath = await withGolden("norm: none\n", "norm: none\n");
  const yaml = "sample_rate: 16000\nembedding_size: 8\nnorm: none\n";
  const config = join(modelPath, "..", "tiny.yaml");
  put(config, `${yaml}golden: {audio: ../clip.wav, embedding: clip.npy}\n`);
  assert.match(await message(openModel({ modelPath })), /leads out of/);
  put(config, `${yaml}golden: {audio: clip.wav, embedding: nowhere.npy}\n`);
  assert.match(await message(openModel({ modelPath })), /nowhere\.npy does not exist/);
});

test("the front end of a known embedding is found, also where several settings differ", async () => {
  for (const [right, found] of [
    [
      "norm: none\nfrontend: {window: hanning, scale: 32768}\n",
      /window: hanning.*norm: none|norm: none.*window: hanning/,
    ],
    ["family: speechbrain\nnorm: none\n", /family: speechbrain.*norm: none/],
  ] as const) {
    const modelPath = await withGolden(right, "");
    const folder = join(modelPath, "..");
    const [best] = await fitModel(modelPath, join(folder, "clip.wav"), join(folder, "clip.npy"));
    assert.ok(best!.cosine > 0.99999, `${best!.settings}: ${best!.cosine}`);
    assert.match(best!.settings, found);
  }
});

test("speakerscope model shows what is told by whom, and --fit what fits", async () => {
  const here = { cwd: temporaryFolder() };
  const shown = speakerscope(["model", "ge2e"], here);
  assert.is(shown.status, 0, shown.stderr);
  assert.match(shown.stdout, /embedding_size +256 +configuration/);
  assert.match(shown.stdout, /partials +\{"frames":160,"step":77,"min_coverage":0\.75\} +family/);
  assert.match(shown.stdout, /input +mels +float32/);
  const modelPath = await withGolden("norm: none\n", "");
  const folder = join(modelPath, "..", "bare");
  mkdirSync(folder);
  copyFileSync(modelPath, join(folder, "bare.onnx"));
  const files = ["clip.wav", "clip.npy"].map((name) => join(modelPath, "..", name));
  const fit = speakerscope(["model", join(folder, "bare.onnx"), "--fit", ...files], here);
  assert.is(fit.status, 0, fit.stderr);
  assert.match(fit.stdout, /It fits with norm: none/);
  assert.not(existsSync(join(folder, "bare.yaml")));
  const half = speakerscope(["model", "ge2e", "--fit", files[0]!], here);
  assert.is(half.status, 1);
  assert.match(half.stderr, /--fit needs two files/);
});

test.run();
