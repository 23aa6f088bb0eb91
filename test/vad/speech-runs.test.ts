import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readNpy } from "../../src/format/npy.js";
import { readNpz } from "../../src/format/npz.js";
import { type SpeechOptions, speechRuns } from "../../src/vad/speech-runs.js";

const fixtures = join(__dirname, "..", "fixtures", "vad");
const probabilities = readNpz(readFileSync(join(fixtures, "probabilities.npz")));
type Setting = { options: Record<string, unknown>; segments: [number, number][] };
const expected = JSON.parse(readFileSync(join(fixtures, "segments.json"), "utf8")) as Record<
  string,
  Record<string, Setting>
>;

/** Silero's options by the names of this package. */
const names: Record<string, keyof SpeechOptions> = {
  threshold: "threshold",
  neg_threshold: "endThreshold",
  min_speech_duration_ms: "minSpeechMs",
  min_silence_duration_ms: "minSilenceMs",
  speech_pad_ms: "padMs",
  max_speech_duration_s: "maxSpeechSeconds",
};

const ours = (options: Record<string, unknown>): SpeechOptions =>
  Object.fromEntries(
    Object.entries(options).map(([name, value]) =>
      name === "use_max_poss_sil_at_max_speech"
        ? ["cutAt", value ? "longest" : "last"]
        : [names[name]!, value],
    ),
  );

for (const [recording, settings] of Object.entries(expected))
  for (const [setting, { options, segments }] of Object.entries(settings))
    test(`the runs of the ${recording} recording with ${setting} are silero's`, () => {
      const { data } = readNpy(probabilities[recording]!);
      const runs = speechRuns(data as Float32Array, 2_878_400, ours(options));
      assert.equal(
        runs.map(({ start, end }) => [start, end]),
        segments,
      );
    });

test("a recording without speech, or without a sample, has no runs", () => {
  assert.equal(speechRuns(new Float32Array(0), 0), []);
  assert.equal(speechRuns(new Float32Array(1000).fill(0.49), 512_000), []);
});

test("speech to the last sample ends with the recording", () => {
  assert.equal(speechRuns(new Float32Array(10).fill(1), 5000), [{ start: 0, end: 5000 }]);
});

test("options that cannot be are errors that name them", () => {
  const fails = (options: SpeechOptions, pattern: RegExp) =>
    assert.throws(() => speechRuns(new Float32Array(0), 0, options), pattern);
  fails({ threshold: 1 }, /threshold is 1\. It must be between 0 and 1/);
  fails({ endThreshold: 0 }, /endThreshold is 0/);
  fails({ minSpeechMs: -1 }, /minSpeechMs is -1\. It must be a number of milliseconds/);
  fails({ padMs: Number.NaN }, /padMs is NaN/);
  fails({ maxSpeechSeconds: 0.1 }, /maxSpeechSeconds is 0\.1\. It must be more than 0\.124/);
  fails({ cutAt: "first" as "last" }, /cutAt is first\. It must be "longest" or "last"/);
});

test.run();
