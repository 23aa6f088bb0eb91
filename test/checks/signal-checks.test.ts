import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadAudio } from "../../src/audio/load-audio.js";
import { resample } from "../../src/audio/resample.js";
import { openSignalChecker } from "../../src/checks/signal-checks.js";
import { random } from "../../src/vectors/random.js";
import { signalChecks } from "./whole-signal.js";

const speech = loadAudio(
  join(__dirname, "..", "..", "data", "speech", "test-other", "533", "533-1066-0000.flac"),
).then(({ samples }) => samples);

/** White noise of this RMS. */
const noise = (length: number, rms: number, seed = 1) => {
  const next = random(seed);
  return Float32Array.from({ length }, () => (next() * 2 - 1) * Math.sqrt(3) * rms);
};
const added = (a: Float32Array, b: Float32Array) => a.map((value, i) => value + b[i]);
const rms = (samples: Float32Array) =>
  Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);

test("signalChecks tells speech from noise, at any level", async () => {
  const samples = await speech;
  for (const gain of [1, 0.01]) {
    const { speech: seconds, speechPeak } = await signalChecks(samples.map((value) => value * gain));
    assert.ok(seconds > 1.5, `${seconds} s`);
    assert.ok(speechPeak > 0.95, `${speechPeak}`);
    const hiss = await signalChecks(noise(32_000, 0.1 * gain));
    assert.is(hiss.speech, 0);
    assert.ok(hiss.speechPeak < 0.2, `${hiss.speechPeak}`);
  }
});

test("signalChecks measures level, clipping, bandwidth and noise", async () => {
  const samples = await speech;
  const clean = await signalChecks(samples);
  assert.is(clean.seconds, samples.length / 16_000);
  assert.is(clean.clipped, 0);
  assert.is(clean.bandwidth, 8000);
  const quieter = await signalChecks(samples.map((value) => value / 10));
  assert.ok(Math.abs(clean.level - quieter.level - 20) < 0.3, `${clean.level} ${quieter.level}`);
  const loud = await signalChecks(samples.map((value) => Math.max(-1, Math.min(1, value * 30))));
  assert.ok(loud.clipped > 0.01, `${loud.clipped}`);
  // 1 s of pause on both sides, with noise 10 dB below the speech throughout.
  const padded = new Float32Array(samples.length + 32_000);
  padded.set(samples, 16_000);
  const { snr } = await signalChecks(added(padded, noise(padded.length, rms(samples) / Math.sqrt(10))));
  assert.ok(snr !== null && Math.abs(snr - 10) < 3, `${snr}`);
  // What a telephone leaves: nothing above 4 kHz.
  const narrow = await signalChecks(resample(resample(samples, 16_000, 8000), 8000, 16_000));
  assert.ok(narrow.bandwidth < 5200, `${narrow.bandwidth}`);
});

test("openSignalChecker gives the same however a signal is cut into pieces", async () => {
  const samples = await speech;
  const whole = await signalChecks(samples);
  const checker = openSignalChecker();
  for (let at = 0; at < samples.length; at += 10_000) await checker.add(samples.slice(at, at + 10_000));
  const pieces = await checker.end();
  assert.is(pieces.hash, whole.hash);
  assert.equal(pieces.sketch, whole.sketch);
  assert.ok(Math.abs(pieces.speech - whole.speech) < 0.2);
});

test("the hash is of the samples: another container gives the same, another level does not", async () => {
  const samples = await speech;
  const { hash } = await signalChecks(samples);
  assert.match(hash, /^[0-9a-f]{32}$/);
  assert.is((await signalChecks(samples.slice())).hash, hash);
  assert.is.not((await signalChecks(samples.map((value) => value / 2))).hash, hash);
});

test.run();
