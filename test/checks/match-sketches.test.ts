import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadAudio } from "../../src/audio/load-audio.js";
import { matchSketches, patternOf } from "../../src/checks/match-sketches.js";
import { sketchStep } from "../../src/checks/sketch.js";
import { random } from "../../src/vectors/random.js";
import { sketchOf } from "./whole-signal.js";

const load = async (name: string) =>
  (await loadAudio(join(__dirname, "..", "..", "data", "speech", "test-other", "533", `${name}.flac`)))
    .samples;
const pattern = (samples: Float32Array) => patternOf(sketchOf(samples));

test("a copy that was trimmed, made quieter and noisy agrees, at the right lag", async () => {
  const samples = await load("533-1066-0002");
  const next = random(4);
  const level = Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
  const copy = samples
    .slice(16_000 * 0.75, samples.length - 8000)
    .map((value) => 0.1 * (value + (next() * 2 - 1) * Math.sqrt(3) * level * 0.3));
  const { correlation, lag, overlap } = matchSketches(pattern(samples), pattern(copy))!;
  assert.ok(correlation > 0.6, `${correlation}`);
  assert.ok(Math.abs(lag - 0.75) <= sketchStep, `${lag} s`);
  assert.ok(Math.abs(overlap - copy.length / 16_000) < 0.2, `${overlap} s`);
  const back = matchSketches(pattern(copy), pattern(samples))!;
  assert.is(back.correlation, correlation);
  assert.is(back.lag, -lag);
});

test("other speech of the same speaker does not agree", async () => {
  const all = await Promise.all(
    ["533-1066-0000", "533-1066-0002", "533-1066-0003"].map(async (name) => pattern(await load(name))),
  );
  for (const [i, a] of all.entries())
    for (const b of all.slice(i + 1)) {
      const correlation = matchSketches(a, b)?.correlation ?? 0;
      assert.ok(correlation < 0.45, `${correlation}`);
    }
});

test("what is too short to be sketched, and what does not change, agrees with nothing", () => {
  const empty = pattern(new Float32Array(400));
  assert.is(matchSketches(empty, empty), undefined);
  const still = pattern(new Float32Array(16_000));
  assert.is(matchSketches(still, still)?.correlation ?? 0, 0);
});

test.run();
