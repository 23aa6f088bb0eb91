import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadAudio } from "../../src/audio/load-audio.js";
import { fbank, openFbank } from "../../src/features/fbank.js";
import { readNpy } from "../../src/format/npy.js";
import { packageRoot } from "../../src/util/package-root.js";
import { python, runPython } from "../python.js";
import { temporaryFolder, voice } from "../tiny.js";

const fixtures = join(__dirname, "..", "fixtures", "campplus");
const { fbank_paths } = JSON.parse(readFileSync(join(fixtures, "paths.json"), "utf8")) as {
  fbank_paths: string[];
};

for (const [index, path] of fbank_paths.entries())
  test(`the filter bank of ${path} is torchaudio's, as far as float32 goes`, async () => {
    const expected = readNpy(readFileSync(join(fixtures, `fbank_${index}.npy`)));
    const { data, rows, columns } = await fbank(await loadAudio(join(packageRoot, "data", "speech", path)));
    assert.equal([rows, columns], expected.shape);
    const errors = data.map((value, i) => Math.abs(value - Number(expected.data[i]))).sort();
    assert.ok(errors.at(-1)! <= 1.5e-3, `largest error ${errors.at(-1)}`);
    assert.ok(errors[Math.floor(errors.length * 0.999)]! <= 3e-4);
  });

test("frames are counted as Kaldi does, without reaching over the end", async () => {
  const extractor = openFbank();
  assert.equal([399, 400, 559, 560, 16000].map(extractor.numFrames), [0, 1, 1, 2, 98]);
  assert.is(extractor.compute(voice(1).subarray(0, 560)).rows, 2);
});

test("other windows, rates, scales and ranges agree with a plain float64 computation", async () => {
  if (python === null) return console.log("SKIPPED fbank settings: no Python with numpy");
  const folder = temporaryFolder();
  const settings = [
    {
      sampleRate: 8000,
      numMelBins: 40,
      window: "hamming",
      scale: 32768,
      lowFrequency: 64,
      highFrequency: 3800,
    },
    {
      sampleRate: 16000,
      numMelBins: 23,
      window: "hanning",
      preemphasis: 0,
      removeDcOffset: false,
      highFrequency: -400,
    },
    {
      sampleRate: 16000,
      numMelBins: 80,
      window: "blackman",
      frameLengthMs: 20,
      frameShiftMs: 8,
      meanNormalization: true,
    },
    { sampleRate: 44100, numMelBins: 64, window: "rectangular" },
    { sampleRate: 8000, numMelBins: 20, window: "povey", scale: 32768, meanNormalization: true },
    // Frames of odd length (275), of hardly more than half a transform (129 of 256), and of a whole one (512).
    { sampleRate: 11025, numMelBins: 40, window: "hamming" },
    { sampleRate: 12900, numMelBins: 30, window: "blackman", frameLengthMs: 10 },
    { sampleRate: 16000, numMelBins: 80, window: "hamming", frameLengthMs: 32, preemphasis: 0.5 },
  ] as const;
  for (const options of settings) {
    const samples = voice(3, { seconds: 0.5, sampleRate: options.sampleRate });
    const features = await fbank(
      { samples, sampleRate: options.sampleRate },
      { meanNormalization: false, ...options },
    );
    const answer = runPython(kaldiFbank, [JSON.stringify(options)], {
      cwd: folder,
      input: Buffer.from(samples.buffer),
    });
    const expected = JSON.parse(answer) as number[][];
    assert.is(features.rows, expected.length);
    const errors = expected.flatMap((row, t) =>
      row.map((value, m) => Math.abs(value - features.data[t * features.columns + m]!)),
    );
    assert.ok(Math.max(...errors) < 3e-6, `${options.window}: ${Math.max(...errors)}`);
  }
});

test("a recording of minutes, which goes through in pieces, has the frames of its pieces", async () => {
  const samples = voice(5, { seconds: 45 });
  const [whole, piece] = [samples, samples.subarray(160 * 2000, 160 * 2100 + 240)];
  const options = { meanNormalization: false };
  const all = await fbank({ samples: whole, sampleRate: 16000 }, options);
  const some = await fbank({ samples: piece, sampleRate: 16000 }, options);
  assert.equal([all.rows, some.rows], [4498, 100]);
  const rows = all.data.subarray(2000 * 80, 2100 * 80);
  assert.equal(some.data, rows, "to the bit");
});

test("digital silence gives the floor and no infinity", async () => {
  const { data } = await fbank(
    { samples: new Float32Array(1600), sampleRate: 16000 },
    { meanNormalization: false },
  );
  assert.ok(data.every((value) => Math.abs(value - Math.log(2 ** -23)) < 1e-4));
});

test("samples that are no numbers do not become numbers", async () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const samples = voice(1);
    samples[1000] = bad;
    const { data, columns } = await fbank({ samples, sampleRate: 16000 }, { meanNormalization: false });
    const finite = Array.from({ length: 10 }, (_, t) =>
      data.subarray(t * columns, (t + 1) * columns).every(Number.isFinite),
    );
    // Frames 4, 5 and 6 hold sample 1000.
    assert.equal(finite, [true, true, true, true, false, false, false, true, true, true]);
  }
});

test("settings and signals that cannot be are errors", async () => {
  const fails = async (promise: Promise<unknown>, pattern: RegExp) => {
    const error = await promise.then(
      () => undefined,
      (e: Error) => e,
    );
    assert.match(error?.message ?? "no error", pattern);
  };
  const signal = { samples: voice(1), sampleRate: 16000 };
  await fails(fbank({ ...signal, samples: new Float32Array(399) }), /has 399 samples; .* at least 400/);
  await fails(fbank(signal, { numMelBins: 0 }), /numMelBins is .*; it must be/);
  await fails(fbank(signal, { numMelBins: 79.5 }), /numMelBins is .*; it must be/);
  await fails(fbank(signal, { frameLengthMs: 0.06 }), /frameLengthMs is .*; it must be/);
  await fails(fbank(signal, { frameLengthMs: 1e9 }), /frameLengthMs is .*; it must be/);
  await fails(fbank(signal, { frameShiftMs: 0.01 }), /frameShiftMs is .*; it must be/);
  await fails(fbank(signal, { scale: Number.NaN }), /scale is .*; it must be/);
  await fails(fbank(signal, { preemphasis: 2 }), /preemphasis is .*; it must be/);
  await fails(fbank(signal, { highFrequency: 9000 }), /span 20 to 9000 Hz; .* within 0 to 8000 Hz/);
  // Kaldi refuses as many too: its filters would hold no frequency.
  await fails(
    fbank(signal, { frameLengthMs: 10 }),
    /Filter \d+ of the 80 .* between two frequencies of a Fourier transform of 256 points/,
  );
  await fails(fbank(signal, { sampleRate: 8000 }), /16000 samples a second, the filter bank takes 8000/);
  await fails(
    fbank(signal, { window: "triangle" as "povey" }),
    /no window "triangle"\. Take one of povey, hanning/,
  );
  await fails(fbank(signal, { window: "constructor" as "povey" }), /no window "constructor"/);
});

/** Kaldi's filter bank written down step by step in numpy, float64. */
const kaldiFbank = `
import sys, json, numpy as np
o = json.loads(sys.argv[1])
x = np.frombuffer(sys.stdin.buffer.read(), dtype='<f4').astype(float) * o.get('scale', 1)
sr = o['sampleRate']; n = int(sr * o.get('frameLengthMs', 25) * 0.001); s = int(sr * o.get('frameShiftMs', 10) * 0.001)
fft = 1 << (n - 1).bit_length(); k = np.arange(n)
window = {'hamming': 0.54 - 0.46 * np.cos(2*np.pi*k/(n-1)), 'hanning': 0.5 - 0.5 * np.cos(2*np.pi*k/(n-1)),
  'blackman': 0.42 - 0.5 * np.cos(2*np.pi*k/(n-1)) + 0.08 * np.cos(4*np.pi*k/(n-1)), 'rectangular': np.ones(n),
  'povey': (0.5 - 0.5 * np.cos(2*np.pi*k/(n-1))) ** 0.85}[o['window']]
high = o.get('highFrequency', 0); high = high if high > 0 else sr / 2 + high
mel = lambda f: 1127 * np.log(1 + f / 700)
edges = np.linspace(mel(o.get('lowFrequency', 20)), mel(high), o['numMelBins'] + 2)
at = mel(np.arange(fft // 2) * sr / fft)
rows = []
for start in range(0, len(x) - n + 1, s):
    f = x[start:start+n].copy()
    if o.get('removeDcOffset', True): f -= f.mean()
    c = o.get('preemphasis', 0.97)
    f = np.concatenate([[f[0] - c * f[0]], f[1:] - c * f[:-1]]) * window
    p = np.abs(np.fft.rfft(f, fft))[:fft // 2] ** 2
    up = (at - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    down = (edges[2:, None] - at) / (edges[2:] - edges[1:-1])[:, None]
    rows.append(np.log(np.maximum(np.maximum(0, np.minimum(up, down)) @ p, 2.0 ** -23)))
rows = np.array(rows)
if o.get('meanNormalization', False): rows -= rows.mean(0)
print(json.dumps(rows.tolist()))
`;

test.run();
