import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadAudio } from "../../src/audio/load-audio.js";
import { type Family, families } from "../../src/features/families.js";
import { type FbankOptions, openFbank } from "../../src/features/fbank.js";
import { readNpy } from "../../src/format/npy.js";
import { readNpz } from "../../src/format/npz.js";
import { packageRoot } from "../../src/util/package-root.js";
import { voice } from "../tiny.js";

const reference = readNpz(readFileSync(join(__dirname, "..", "fixtures", "frontends", "features.npz")));
const numbers = (key: string) => readNpy(reference[key]!).data as Float32Array;
const clips = ["533/533-1066-0000.flac", "367/367-130732-0000.flac", "2033/2033-164914-0000.flac"].map(
  (clip) => loadAudio(join(packageRoot, "data", "speech", "test-other", clip)),
);

/** How far float32 takes each family's own code from float64, at most and for 99.9 % of the values; ours has its own share. */
const noise: Record<Exclude<Family, "waveform" | "ge2e">, [number, number]> = {
  "3d-speaker": [1.5e-3, 3e-4],
  wespeaker: [1.5e-3, 2e-4],
  speechbrain: [1e-3, 4.3e-4],
  nemo: [1e-4, 5e-5],
  "nemo-1": [1e-4, 5e-5],
};

/** The frames that the reference keeps: every 12th and the last. */
function kept(rows: number): number[] {
  const every = Array.from({ length: Math.ceil(rows / 12) }, (_, i) => 12 * i);
  return every.at(-1) === rows - 1 ? every : [...every, rows - 1];
}

for (const [family, [most, nearlyAll]] of Object.entries(noise))
  test(`the features of ${family} are those of its own code, as far as float32 goes`, async () => {
    const errors: number[] = [];
    for (const [i, clip] of clips.entries()) {
      const { data, rows, columns } = openFbank(families[family as Family]).compute((await clip).samples);
      assert.is(rows, Number(readNpy(reference[`rows_${family}_${i}`]!).data[0]));
      const expected = numbers(`${family}_${i}`);
      for (const [at, row] of kept(rows).entries())
        for (let column = 0; column < columns; column++)
          errors.push(Math.abs(data[row * columns + column]! - expected[at * columns + column]!));
    }
    errors.sort((a, b) => a - b);
    assert.ok(errors.at(-1)! <= most, `largest error ${errors.at(-1)}`);
    const almost = errors[Math.floor(errors.length * 0.999)]!;
    assert.ok(almost <= nearlyAll, `99.9 % within ${almost}`);
  });

test("the mels of ge2e are Resemblyzer's, relative to each value", async () => {
  for (const [i, clip] of clips.entries()) {
    const { samples } = await clip;
    const { minLevelDb: _, ...settings }: FbankOptions = families.ge2e;
    const rows = Number(readNpy(reference[`rows_ge2e_${i}`]!).data[0]);
    const filled = new Float32Array(Math.max(samples.length, (rows - 1) * 160));
    filled.set(samples);
    const { data, columns } = openFbank(settings).compute(filled);
    const expected = numbers(`ge2e_${i}`);
    for (const [at, row] of kept(rows).entries())
      for (let column = 0; column < columns; column++) {
        const value = expected[at * columns + column]!;
        assert.ok(Math.abs(data[row * columns + column]! - value) <= 1e-6 * value, `${i}, ${row}, ${column}`);
      }
  }
});

test("a standardized waveform is that of transformers", async () => {
  for (const [i, clip] of clips.entries()) {
    const { samples } = await clip;
    const { data, rows, columns } = openFbank(families.waveform).compute(samples);
    assert.equal([rows, columns], [samples.length, 1]);
    for (const [part, name] of [
      [data.subarray(0, 400), "head"],
      [data.subarray(-400), "tail"],
    ] as const) {
      const errors = part.map((value, at) => Math.abs(value - numbers(`waveform_${name}_${i}`)[at]!));
      assert.ok(Math.max(...errors) <= 1.1e-6, `${name} of clip ${i}: ${Math.max(...errors)}`);
    }
  }
});

test("quiet signals become louder, and others stay as they are", () => {
  const level = (samples: Float32Array) =>
    20 * Math.log10(Math.hypot(...samples) / Math.sqrt(samples.length));
  const signal = voice(3, { seconds: 0.5 });
  const loudness = (gain: number) =>
    level(openFbank({ kind: "waveform", minLevelDb: -30 }).compute(signal.map((x) => gain * x)).data);
  assert.ok(Math.abs(loudness(1e-3) + 30) < 1e-4);
  assert.ok(Math.abs(loudness(2) - level(signal) - 20 * Math.log10(2)) < 1e-4);
});

test("every family says how many samples its frames take", () => {
  for (const settings of Object.values(families)) {
    const front = openFbank(settings);
    for (const frames of [2, 3, 10]) {
      const samples = front.samplesOf(frames);
      assert.is(front.compute(voice(1).subarray(0, samples)).rows, front.numFrames(samples));
      assert.ok(front.numFrames(samples) >= frames);
      if (samples > front.samplesOf(1)) assert.ok(front.numFrames(samples - 1) < frames);
    }
    assert.throws(() => front.compute(new Float32Array(0)), /has 0 samples; .* needs at least/);
  }
});

test("a transform that is shorter than a frame is an error", () => {
  assert.throws(
    () => openFbank({ fftSize: 256 }),
    /fftSize is 256; it must be an even number of points from 400/,
  );
});

test.run();
