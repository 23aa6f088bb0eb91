import { embed, type Model } from "speakerscope";
import { test } from "uvu";
import * as assert from "uvu/assert";

test("features of thousands of signals of different lengths do not pile up", async () => {
  let held = 0;
  let most = 0;
  const model = {
    sampleRate: 16000,
    minSamples: 1,
    async features(samples: Float32Array) {
      held++;
      most = Math.max(most, held);
      // A megabyte each.
      return { data: new Float32Array(1 << 18).fill(samples.length), rows: samples.length, columns: 1 };
    },
    async run(features: { data: Float32Array; rows: number }[]) {
      held -= features.length;
      assert.is(new Set(features.map(({ rows }) => rows)).size, 1);
      return features.map(({ data }) => data.slice(0, 2));
    },
  } as unknown as Model;
  const signals = Array.from({ length: 1000 }, (_, i) => ({
    samples: new Float32Array(1 + (i % 700)),
    sampleRate: 16000,
  }));
  const embeddings = await embed(signals, model);
  assert.ok(most <= 65, `${most} MB of features at once`);
  assert.equal(
    embeddings.map(([first]) => first),
    signals.map(({ samples }) => samples.length),
  );
});

test.run();
