import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadAudio } from "../../src/audio/load-audio.js";
import { embed } from "../../src/embed/embed.js";
import { cosine } from "../../src/embed/fit-front-end.js";
import { partialStarts } from "../../src/embed/front-end.js";
import { openModel } from "../../src/embed/open-model.js";
import { readNpy } from "../../src/format/npy.js";
import { readNpz } from "../../src/format/npz.js";
import { packageRoot } from "../../src/util/package-root.js";
import { voice } from "../tiny.js";

const fixtures = join(__dirname, "..", "fixtures", "ge2e");
const paths = JSON.parse(readFileSync(join(fixtures, "paths.json"), "utf8")) as string[];
const expected = readNpy(readNpz(readFileSync(join(fixtures, "embeddings.npz"))).embeddings!)
  .data as Float32Array;

test("the embeddings of ge2e are Resemblyzer's, together as one by one", async () => {
  const model = await openModel({ modelPath: "ge2e" });
  const signals = await Promise.all(
    paths.map((path) => loadAudio(join(packageRoot, "data", "speech", path))),
  );
  const together = await embed(signals, model);
  for (const [i, path] of paths.entries()) {
    const reference = expected.subarray(i * 256, (i + 1) * 256);
    assert.ok(cosine(together[i]!, reference) >= 0.999999, path);
    assert.ok(Math.abs(Math.hypot(...together[i]!) - 1) < 1e-6);
    assert.equal((await embed([signals[i]!], model))[0], together[i]);
  }
  await model.close();
});

test("a signal of any length has an embedding", async () => {
  const model = await openModel({ modelPath: "ge2e" });
  for (const seconds of [0.03, 0.5, 1.6, 2.8]) {
    const [embedding] = await embed([{ samples: voice(2, { seconds }), sampleRate: 16000 }], model);
    assert.ok(embedding!.every(Number.isFinite));
  }
  await model.close();
});

test("partials are those of Resemblyzer", () => {
  const partials = { frames: 160, step: 77, minCoverage: 0.75 };
  const starts = (samples: number) => partialStarts(samples, 160, partials);
  assert.equal(starts(1), [0]);
  // 3/4 of the second part are signal, then one sample less.
  assert.equal(starts(12_320 + 19_200), [0, 77]);
  assert.equal(starts(12_320 + 19_199), [0]);
  assert.equal(starts(104_160), [0, 77, 154, 231, 308, 385, 462]);
});

test("what tells a model with partials from others is in its identity, and CAM++'s is as it was", async () => {
  const { identity } = await openModel({ modelPath: "ge2e" });
  assert.equal(identity.adapter, { partials: { frames: 160, step: 77, minCoverage: 0.75 } });
  assert.is(identity.frontend.log, "none");
  assert.equal(Object.keys((await openModel()).identity), [
    "name",
    "sha256",
    "precision",
    "dimension",
    "frontend",
  ]);
  assert.equal((await openModel({ modelPath: "campplus" })).identity, (await openModel()).identity);
});

test.run();
