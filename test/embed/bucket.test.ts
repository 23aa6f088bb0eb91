import { test } from "uvu";
import * as assert from "uvu/assert";
import { embed } from "../../src/embed/embed.js";
import { identifyModel, openModel } from "../../src/embed/open-model.js";
import { checkIdentity, type Extraction } from "../../src/store/extraction.js";
import { temporaryFolder, tinyModel, voice } from "../tiny.js";

const modelPath = tinyModel(temporaryFolder());
const sampleRate = 16000;
/** Samples of so many frames. */
const frames = (count: number) => voice(3, { seconds: 3 }).subarray(0, 400 + (count - 1) * 160);

test("with a bucket, frame counts are multiples of it, and shorter signals stay whole", async () => {
  const model = await openModel({ modelPath, bucket: 50 });
  const rows = [];
  for (const count of [49, 50, 51, 99, 100, 149]) rows.push((await model.features(frames(count))).rows);
  assert.equal(rows, [49, 50, 50, 50, 100, 100]);
  await model.close();
});

test("a signal that is cut down embeds as its beginning does", async () => {
  const [plain, bucketed] = [await openModel({ modelPath }), await openModel({ modelPath, bucket: 50 })];
  const signal = (count: number) => ({ samples: frames(count), sampleRate });
  const cut = await embed([signal(120), signal(130), signal(100)], bucketed);
  const [whole] = await embed([signal(100)], plain);
  const [longer] = await embed([signal(120)], plain);
  const distance = (embedding: Float32Array) =>
    Math.max(...embedding.map((value, i) => Math.abs(value - whole![i]!)));
  for (const embedding of cut) assert.ok(distance(embedding) < 1e-3, `${distance(embedding)}`);
  assert.ok(distance(longer!) > 0.1);
  await plain.close();
  await bucketed.close();
});

test("a bucket stands in the identity, which refuses to mix; without one nothing does", () => {
  const identity = (bucket?: number) => ({ ...identifyModel({ modelPath, bucket }).identity });
  assert.equal(identity(1), identity());
  assert.not("bucket" in identity());
  assert.is(identity(50).bucket, 50);
  const made = { logs: [{ identity: identity(), folder: "rank_00" }] } as unknown as Extraction;
  assert.throws(() => checkIdentity(made, identity(50)), /bucket was undefined and is now 50|bucket was/);
  assert.throws(
    () => checkIdentity(made, { ...identity(), frontend: { window: "hamming" }, name: "other" }),
    (error: Error) =>
      !error.message.includes("{") && /name was "[^"]+" and is now "other"/.test(error.message),
  );
  for (const bucket of [0, -1, 1.5, Number.NaN]) assert.throws(() => identity(bucket), /The bucket is/);
});

test.run();
