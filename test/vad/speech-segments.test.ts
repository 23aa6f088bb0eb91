import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadAudio } from "../../src/audio/load-audio.js";
import { resample } from "../../src/audio/resample.js";
import { readNpy } from "../../src/format/npy.js";
import { readNpz } from "../../src/format/npz.js";
import { speechProbabilities } from "../../src/vad/speech-probabilities.js";
import { speechSegments } from "../../src/vad/speech-segments.js";

const fixtures = join(__dirname, "..", "fixtures", "vad");
const reference = readNpz(readFileSync(join(fixtures, "probabilities.npz")));

/** The default segments that silero gives for the whole recordings, as far as these clips of them reach. */
const segments = {
  quiet: [
    [16416, 61920],
    [76832, 93152],
  ],
  noisy: [
    [16416, 62944],
    [77344, 93664],
  ],
} as const;

for (const recording of ["quiet", "noisy"] as const)
  test(`the probabilities of the ${recording} recording are silero's, in pieces of any length`, async () => {
    const { samples } = await loadAudio(join(fixtures, `${recording}.flac`));
    const expected = (readNpy(reference[recording]!).data as Float32Array).subarray(0, 195);
    for (const length of [100, 512, 33_333, samples.length]) {
      const detector = speechProbabilities();
      const probabilities: number[] = [];
      for (let start = 0; start < samples.length; start += length)
        probabilities.push(...(await detector.push(samples.subarray(start, start + length))));
      probabilities.push(...(await detector.end()));
      assert.is(probabilities.length, 195);
      const errors = probabilities.map((value, i) => Math.abs(value - expected[i]!));
      assert.ok(Math.max(...errors) < 1e-5, `${length} samples a piece: ${Math.max(...errors)}`);
    }
  });

test("the last window is filled up with zeros", async () => {
  const { samples } = await loadAudio(join(fixtures, "quiet.flac"));
  const last = async (signal: Float32Array) => {
    const detector = speechProbabilities();
    return [...(await detector.push(signal)), ...(await detector.end())].at(-1)!;
  };
  const cut = samples.slice(0, 70 * 512 + 300);
  const filled = new Float32Array(71 * 512);
  filled.set(cut);
  assert.is(await last(cut), await last(filled));
});

test("a gain gives the probabilities of the louder signal", async () => {
  const { samples } = await loadAudio(join(fixtures, "quiet.flac"));
  const probabilities = async (signal: Float32Array, gain?: number) => {
    const detector = speechProbabilities();
    return [...(await detector.push(signal, gain)), ...(await detector.end())];
  };
  const cut = samples.slice(0, 70 * 512 + 300);
  assert.equal(await probabilities(cut, 4), await probabilities(cut.map((value) => 4 * value)));
});

for (const recording of ["quiet", "noisy"] as const)
  test(`the segments of the ${recording} recording are silero's, from a signal or from its pieces`, async () => {
    const audio = await loadAudio(join(fixtures, `${recording}.flac`));
    const inSamples = (found: { start: number; end: number }[]) =>
      found.map(({ start, end }) => [start * 16000, end * 16000]);
    assert.equal(inSamples(await speechSegments(audio)), segments[recording]);
    const pieces = (async function* () {
      for (let start = 0; start < audio.samples.length; start += 1234)
        yield audio.samples.subarray(start, start + 1234);
    })();
    assert.equal(inSamples(await speechSegments(pieces)), segments[recording]);
  });

test("a signal of another rate has its segments in seconds all the same", async () => {
  const { samples } = await loadAudio(join(fixtures, "quiet.flac"));
  const found = await speechSegments({ samples: resample(samples, 16000, 44100), sampleRate: 44100 });
  const expected = segments.quiet.flat().map((sample) => sample / 16000);
  const times = found.flatMap(({ start, end }) => [start, end]);
  assert.is(times.length, expected.length);
  for (const [i, time] of times.entries()) assert.ok(Math.abs(time - expected[i]!) < 0.1);
});

test("noise and silence hold no speech, and a signal may be empty", async () => {
  const noise = Float32Array.from({ length: 48_000 }, (_, i) => Math.sin(i * i) * 0.01);
  for (const samples of [noise, new Float32Array(48_000), new Float32Array(0)])
    assert.equal(await speechSegments({ samples, sampleRate: 16000 }), []);
});

test("wrong options are told before the first piece is read", async () => {
  const pieces = (async function* () {
    yield await Promise.reject(new Error("read"));
  })();
  const error = await speechSegments(pieces, { threshold: 2 }).catch((reason: Error) => reason);
  assert.match((error as Error).message, /threshold is 2/);
});

test("an abort signal stops it", async () => {
  const signal = { samples: new Float32Array(16000), sampleRate: 16000 };
  const error = await speechSegments(signal, { abortSignal: AbortSignal.abort() }).catch(
    (reason: { tag: string }) => reason,
  );
  assert.is((error as { tag: string }).tag, "interrupted");
});

test.run();
