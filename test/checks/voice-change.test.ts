import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadAudio } from "../../src/audio/load-audio.js";
import { concatenated } from "../../src/audio/resample.js";
import { voiceChange } from "../../src/checks/voice-change.js";
import { openModel } from "../../src/embed/open-model.js";

const speech = async (speaker: string, name: string, seconds: number) => {
  const file = join(__dirname, "..", "..", "data", "speech", "test-other", speaker, `${name}.flac`);
  return (await loadAudio(file)).samples.subarray(0, seconds * 16_000);
};

test("voiceChange finds where another person goes on, and is high where nobody does", async () => {
  const model = await openModel({ device: "cpu" });
  const [first, second] = [
    await speech("533", "533-1066-0002", 2.4),
    await speech("367", "367-130732-0003", 2.4),
  ];
  const two = (await voiceChange(concatenated([first, second]), model))!;
  const one = (await voiceChange(await speech("533", "533-1066-0002", 4.8), model))!;
  assert.ok(two.similarity < 0.25, `${two.similarity}`);
  assert.ok(Math.abs(two.at - 2.4) < 0.7, `${two.at} s`);
  assert.ok(one.similarity > 0.35, `${one.similarity}`);
  assert.is(await voiceChange(first.subarray(0, 30_000), model), null);
  assert.is(await voiceChange(new Float32Array(64_000), model), null);
  await model.close();
});

test.run();
