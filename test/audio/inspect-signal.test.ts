import { suite } from "uvu";
import * as assert from "uvu/assert";
import { inspectSignal } from "../../src/audio/inspect-signal.js";
import { random } from "./fixtures.js";

const next = random(4);
const noise = (seconds: number, amplitude: number) =>
  Float32Array.from({ length: Math.round(seconds * 16000) }, () => amplitude * (2 * next() - 1));
const failure = (samples: Float32Array, minSamples = 0) =>
  inspectSignal(samples, 16000, { minSamples }).failure;
const warnings = (samples: Float32Array) =>
  inspectSignal(samples, 16000).doubts.map(({ warning }) => warning);

const inspect = suite("inspectSignal");
inspect("finds nothing wrong with two seconds of sound", () => {
  assert.equal(inspectSignal(noise(2, 0.3), 16000), { doubts: [] });
});
inspect("fails without samples, with too few for the model, and below 25 ms", () => {
  assert.is(failure(new Float32Array()), "no samples");
  assert.match(failure(noise(0.01, 0.3)) ?? "", /^too short: 0.01 s, at least 0.025 s are needed$/);
  assert.is(failure(noise(0.025, 0.3)), undefined);
  assert.match(failure(noise(0.5, 0.3), 16000) ?? "", /^too short: 0.5 s, at least 1 s are needed$/);
});
inspect("fails for samples that are no numbers, wherever they are", () => {
  for (const at of [0, 7, 399, 400, 31999])
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const samples = noise(2, 0.3);
      samples[at] = value;
      assert.match(
        failure(samples) ?? "",
        new RegExp(`^a sample that is no number: ${value} at `),
        `${value} at ${at}`,
      );
    }
});
inspect("fails for digital silence, also at another level than 0", () => {
  assert.is(failure(new Float32Array(32000)), "digital silence: all samples are 0");
  assert.is(failure(new Float32Array(32000).fill(0.5)), "digital silence: all samples are 0.5");
  const almost = new Float32Array(32000);
  almost[20000] = 1e-4;
  assert.is(failure(almost), undefined);
});
inspect("doubts less than a second", () => {
  assert.equal(warnings(noise(0.99, 0.3)), ["short"]);
  assert.equal(warnings(noise(1, 0.3)), []);
});
inspect("doubts what is clipped, but not a loud recording with a few peaks", () => {
  const clipped = noise(2, 1.5).map((x) => Math.max(-1, Math.min(32767 / 32768, x)));
  assert.equal(warnings(clipped), ["clipped"]);
  assert.match(inspectSignal(clipped, 16000).doubts[0].detail, /^3[0-9.]+ % of the samples at full scale$/);
  const peaks = noise(2, 0.5);
  for (let i = 0; i < 20; i++) peaks[1000 * i] = 1;
  assert.equal(warnings(peaks), []);
});
inspect("doubts quiet speech by the level of the speech, not of the pauses", () => {
  // Uniform noise of amplitude a has 20 log10(a) - 4.8 dB: -44.8 and -54.8 dB.
  assert.equal(warnings(noise(2, 0.01)), []);
  assert.equal(warnings(noise(2, 0.00316)), ["quiet"]);
  const pauses = new Float32Array(16000 * 60);
  pauses.set(noise(1, 0.01), 16000 * 30);
  assert.equal(warnings(pauses), []);
});
inspect("doubts floats of another scale than 1, but not a loud mix", () => {
  const voice = noise(2, 0.3);
  assert.equal(warnings(voice.map((x) => x * 32768)), ["loud"]);
  assert.match(
    inspectSignal(
      voice.map((x) => x * 1e6),
      16000,
    ).doubts[0].detail,
    /^a peak of 300000 times full scale$/,
  );
  const one = noise(2, 0.3);
  one[31999] = -11;
  assert.equal(warnings(one), ["loud"]);
  one[31999] = -9;
  assert.equal(warnings(one), []);
});
inspect("refuses a rate that is none", () => {
  for (const rate of [Number.NaN, 0, -16000])
    assert.throws(() => inspectSignal(noise(1, 0.3), rate), /is no sample rate/);
});
inspect("gives all doubts at once", () => {
  assert.equal(warnings(noise(0.5, 0.001)), ["short", "quiet"]);
});
inspect.run();
