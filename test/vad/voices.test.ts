import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadAudio } from "../../src/audio/load-audio.js";
import { resample } from "../../src/audio/resample.js";
import { inspectModel } from "../../src/embed/inspect-model.js";
import { openModel } from "../../src/embed/open-model.js";
import { packageRoot } from "../../src/util/package-root.js";
import { splitSpeech } from "../../src/vad/split-speech.js";
import { voices } from "../../src/vad/voices.js";
import { temporaryFolder, tinyModel } from "../tiny.js";
import { mixture } from "./mixture.js";

// All 100 of them: node --import tsx test/vad/voices-check.ts
for (const seed of [4, 9, 6, 11])
  test(`the voices of mixture ${seed} are counted`, async () => {
    const { signal, speakers } = await mixture(seed);
    assert.is((await voices(signal)).count, speakers.length);
  });

test("turns say who speaks when, and voices how much", async () => {
  const model = await openModel();
  const clip = async (name: string) =>
    (await loadAudio(join(packageRoot, "data", "speech", "test-other", name))).samples;
  const [a, b] = [await clip("533/533-1066-0000.flac"), await clip("367/367-130732-0000.flac")];
  const samples = Float32Array.from([...a, ...new Float32Array(16000), ...b, ...a]);
  const found = await voices({ samples: resample(samples, 16000, 48000), sampleRate: 48000 }, { model });
  await model.close();
  assert.is(found.count, 2);
  const change = [a.length / 16000, (a.length + 16000 + b.length) / 16000];
  for (const { start, end, voice, embedding } of found.turns) {
    const middle = (start + end) / 2;
    assert.is(voice, middle > change[0] && middle < change[1] ? 2 : 1, `at ${middle}`);
    assert.is(embedding.length, 192);
    assert.ok(end - start <= 3);
  }
  for (const { voice, seconds, turns } of found.voices) {
    const own = found.turns.filter((turn) => turn.voice === voice);
    assert.is(turns, own.length);
    assert.ok(Math.abs(seconds - own.reduce((sum, { start, end }) => sum + end - start, 0)) < 1e-9);
  }
});

test("a model without a known threshold is refused, and one of the caller's is taken", async () => {
  const model = await openModel({ modelPath: tinyModel(temporaryFolder()) });
  const signal = { samples: new Float32Array(0), sampleRate: 16000 };
  const error = await voices(signal, { model }).catch((reason: Error) => reason);
  assert.match(
    (error as Error).message,
    /^No threshold of voices is known for the model tiny; it is for campplus and ge2e\. Give voices\(recording, \{ model, threshold \}\)/,
  );
  assert.is((await voices(signal, { model, threshold: 0.5 })).count, 0);
  await model.close();
});

test("each bundled model has a threshold of its own", async () => {
  assert.equal(
    ["campplus", "ge2e"].map((name) => inspectModel(name).config.voiceThreshold),
    [0.3, 0.62],
  );
  const model = await openModel({ modelPath: "ge2e" });
  for (const seed of [4, 9, 6]) {
    const { signal, speakers } = await mixture(seed);
    assert.is((await voices(signal, { model })).count, speakers.length, `mixture ${seed}`);
  }
  await model.close();
});

test("where nobody speaks there is no voice", async () => {
  const nothing = await voices({ samples: new Float32Array(32_000), sampleRate: 16000 });
  assert.equal(nothing, { count: 0, voices: [], turns: [] });
});

test("options that cannot be are errors that name them", async () => {
  const signal = { samples: new Float32Array(0), sampleRate: 16000 };
  for (const [options, message] of [
    [{ threshold: 2 }, "threshold is 2. It must be a cosine, from -1 to 1."],
    [{ turnSeconds: 0 }, "turnSeconds is 0. It must be a number of seconds from 0.5."],
    [{ minSeconds: -1 }, "minSeconds is -1. It must be a number of seconds from 0."],
  ] as const) {
    const error = await voices(signal, options).catch((reason: Error) => reason);
    assert.is((error as Error).message, message);
  }
});

test("speech is split into equal parts no longer than asked", () => {
  assert.equal(
    splitSpeech(
      [
        { start: 1, end: 4 },
        { start: 5, end: 9 },
        { start: 9, end: 9.5 },
      ],
      3,
    ),
    [
      { start: 1, end: 4 },
      { start: 5, end: 7 },
      { start: 7, end: 9 },
      { start: 9, end: 9.5 },
    ],
  );
});

test.run();
