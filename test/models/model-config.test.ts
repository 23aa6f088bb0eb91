import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { bundledModel } from "../../src/embed/open-model.js";
import { readModelConfig } from "../../src/models/model-config.js";
import { put, temporaryFolder } from "../tiny.js";

const folder = temporaryFolder();
const basic = "sample_rate: 16000\nembedding_size: 192\n";

/** Reads a configuration of this text. */
const read = (text: string) => readModelConfig("m.onnx", put(join(folder, "m.yaml"), text));

/** Asserts that it is refused with a message that names the file and all of this. */
function fails(text: string, ...patterns: RegExp[]): void {
  try {
    read(text);
  } catch (error) {
    const { name, message } = error as Error;
    assert.is(name, "ScopeError", String((error as Error).stack));
    for (const pattern of [/m\.yaml/, ...patterns]) assert.match(message, pattern, text);
    return;
  }
  assert.unreachable(`accepted: ${text}`);
}

test("the bundled model's configuration is read, and what a short one leaves out has defaults", () => {
  assert.is(readModelConfig(bundledModel).dimension, 192);
  const config = read(`${basic}frontend:\n  window: hamming\n  high_frequency: -400\nnum_epochs: 70\n`);
  assert.equal(
    [
      config.sampleRate,
      config.frontend.numMelBins,
      config.frontend.window,
      config.frontend.highFrequency,
      config.minFrames,
    ],
    [16000, 80, "hamming", -400, 1],
  );
  for (const rate of [8000, 24000, 44100, 48000, 192000])
    assert.is(read(`sample_rate: ${rate}\nembedding_size: 8`).sampleRate, rate);
});

test("sizes, rates and frames beyond any model are refused with their value", () => {
  fails("sample_rate: 1000000000000\nembedding_size: 192\n", /sample_rate.*1000000000000.*1000 to 192000/);
  fails("sample_rate: 768000\nembedding_size: 192\n", /768000/);
  fails("sample_rate: 16000.5\nembedding_size: 192\n", /16000\.5.*whole/);
  fails("sample_rate: 16000\nembedding_size: 1e9\n", /embedding_size.*1000000000/);
  fails("sample_rate: 16000\nembedding_size: -192\n", /-192/);
  fails("embedding_size: 192\n", /has no sample_rate/);
  fails(`${basic}fbank_dim: 1e7\n`, /fbank_dim.*10000000/);
  fails(`${basic}min_frames: 1e9\n`, /min_frames/);
  fails(`${basic}frontend: {frame_length_ms: 1e12}\n`, /frontend\.frame_length_ms.*1000000000000/);
  fails(`${basic}frontend: {frame_length_ms: 0.0001, frame_shift_ms: 0.00001}\n`, /frame_length_ms.*0\.0001/);
  fails(`${basic}frontend: {frame_shift_ms: 0.00001}\n`, /frame_shift_ms.*0\.00001/);
  fails(`${basic}frontend: {frame_length_ms: 1000}\n`, /1000 ms at 16000 Hz is 16000 samples/);
  fails(`${basic}frontend: {frame_length_ms: .nan}\n`, /NaN/);
  fails(`${basic}frontend: {frame_length_ms: .inf}\n`, /Infinity/);
  fails(`${basic}frontend: {scale: 0}\n`, /frontend\.scale/);
  fails(`${basic}frontend: {preemphasis: 2}\n`, /preemphasis/);
  fails(`${basic}frontend: {low_frequency: 7000, high_frequency: 6000}\n`, /7000 to 6000 Hz/);
  fails(`${basic}frontend: {high_frequency: 9000}\n`, /9000 Hz.*8000/);
  fails(`${basic}name: ${"x".repeat(1000)}\n`, /name.*256 characters/);
  fails(`${basic}comment: ${"x".repeat(2_000_000)}\n`, /larger than the 1,048,576 bytes/);
});

test("a slip in a key or a value is an error that says what was probably meant", () => {
  for (const [yaml, pattern] of [
    ["familly: wespeaker\n", /The key familly in .*m\.yaml is not known\. Did you mean family\?/],
    ["Voice_treshold: 0.3\n", /Did you mean voice_threshold\?/],
    [
      "frontend: {windwo: hamming}\n",
      /frontend\.windwo in .* is not known\. Did you mean window\? The keys are/,
    ],
    [
      "frontend: {window: haming}\n",
      /frontend\.window .* is "haming"\. Did you mean hamming\? It must be povey,/,
    ],
    ["family: WeSpeaker\n", /family .* is "WeSpeaker"\. Did you mean wespeaker\?/],
    ["partials: {frame: 160, step: 77, min_coverage: 0.75}\n", /partials\.frame in .* Did you mean frames\?/],
    [
      "partials: {step: 77, min_coverage: 0.75}\n",
      /partials in .* has no frames\. It must have frames, step/,
    ],
    ["golden: {audio: a.wav, embeding: a.npy}\n", /golden\.embeding in .* Did you mean embedding\?/],
    ["norm: variance\n", /norm in .* is "variance"\. It must be mean, mean-deviation, none/],
  ] as const)
    fails(basic + yaml, pattern);
  // What only training needs is no slip.
  const training =
    "exp_dir: exp\nnum_epochs: 150\nmin_lr: 0.00005\nnum_avg: 2\nbatch_size: 256\nmodel: CAMPPlus\n";
  assert.is(read(basic + training).dimension, 192);
});

test("what every object inherits is no value and no key", () => {
  fails(`${basic}frontend: {window: constructor}\n`, /frontend\.window.*"constructor".*povey/);
  fails(`${basic}frontend: {window: toString}\n`, /povey/);
  fails(`${basic}frontend: {constructor: 1}\n`, /frontend\.constructor.*is not known/);
  fails(`${basic}frontend: {hasOwnProperty: true}\n`, /is not known/);
  fails(`${basic}frontend: {__proto__: {window: hamming}}\n`, /frontend\.__proto__.*is not known/);
  fails("__proto__: {sample_rate: 16000, embedding_size: 192}\n", /has no sample_rate/);
  assert.is(read(`${basic}variants: {int8: b.onnx}\n`).variants.constructor, undefined);
});

test("values of other types, and files that are no configuration, are refused", () => {
  fails(`${basic}frontend: [1, 2]\n`, /frontend/);
  fails(`${basic}frontend: {window: [hamming]}\n`, /frontend\.window.*\["hamming"\]/);
  fails(`${basic}frontend: {remove_dc_offset: "no"}\n`, /remove_dc_offset.*"no".*true, false/);
  fails(`${basic}input: [a]\n`, /input/);
  for (const wrong of ["[a.onnx]", "a.onnx", "{int8: 3}", '{int8: ""}'])
    fails(`${basic}variants: ${wrong}\n`, /variants/);
  fails("- 1\n- 2\n", /not keys with values/);
  fails("", /null, not keys/);
  fails("a: [", /neither YAML nor JSON/);
  const laughs = Array.from(
    { length: 12 },
    (_, n) => `a${n}: &a${n} [${n ? `*a${n - 1}, `.repeat(9) : "lol"}]`,
  ).join("\n");
  fails(`${laughs}\n${basic}`, /YAML/);
  for (const path of [folder, "/dev/zero", join(folder, "nowhere.yaml")])
    assert.throws(
      () => readModelConfig("m.onnx", path),
      (error: Error) => error.name === "ScopeError" && error.message.includes(path),
    );
});

test.run();
