import { similarity } from "speakerscope";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { nearestRows } from "../../src/similarity/nearest-rows.js";
import { vectors } from "./vectors.js";

test("Any number of workers finds the same, bit for bit, equal similarities included", async () => {
  // Copies of a few rows: most similarities come many times, so ties decide who is a neighbour.
  const many = vectors(2300, 16);
  for (let i = 0; i < many.rows; i += 3) many.data.copyWithin(i * 16, (i % 50) * 16, ((i % 50) + 1) * 16);
  const options = { backend: "onnx", topK: 9, threshold: 0.9, maxPairs: 3000, matrix: true };
  const [one, two, five] = await Promise.all(
    [1, 2, 5].map((threads) => similarity(many, { ...options, threads })),
  );
  assert.equal(two, one);
  assert.equal(five, one);
  const { data } = one.matrix!;
  for (const i of [0, 3, 700, 1151, 2299]) {
    const others = Array.from({ length: many.rows }, (_, j) => j).filter((j) => j !== i);
    const of = (j: number) => data[Math.min(i, j) * many.rows + Math.max(i, j)];
    others.sort((a, b) => of(b) - of(a) || a - b);
    assert.equal(Array.from(one.neighbours!.index.slice(9 * i, 9 * i + 9)), others.slice(0, 9));
  }
});

test("A comparison finds the same whatever was compared before it, which leaves its memory behind", async () => {
  const [few, more] = [vectors(60, 16), vectors(700, 16)];
  const all = (rows: typeof few, topK: number) =>
    similarity(rows, { backend: "onnx", topK, threshold: 0.2, threads: 1 });
  const nearest = (topK: number) => nearestRows(few, { topK, backend: "onnx" });
  const fresh = [await all(few, 3), await all(more, 5), await nearest(7)];
  assert.equal([await all(few, 3), await all(more, 5), await nearest(7)], fresh);
  assert.equal(await Promise.all([all(few, 3), all(more, 5), nearest(7)]), fresh);
  assert.equal((await all(few, 7)).neighbours, fresh[2]);
});

test("Pairs above the threshold are found although they are nobody's nearest", async () => {
  // A cloud of rows that are all alike: of the many pairs of a row, one is its neighbour.
  const near = vectors(1100, 16, { common: 0 });
  for (let at = 0; at < near.data.length; at++) near.data[at] = 1 + 0.1 * near.data[at];
  for (const threads of [1, 3]) {
    const { statistics, pairs } = await similarity(near, {
      backend: "onnx",
      topK: 1,
      threshold: 0.9,
      threads,
    });
    assert.is(statistics.highPairs, (1100 * 1099) / 2);
    assert.is(pairs.length, statistics.highPairs);
    assert.ok(pairs.every(({ similarity: s }, p) => p === 0 || s <= pairs[p - 1].similarity));
  }
});

test("ONNX Runtime is told to send nothing, before a worker loads it", async () => {
  await similarity(vectors(40, 8), { backend: "onnx", threads: 2 });
  assert.is(process.env.ORT_DISABLE_TELEMETRY, "1");
});

test("An abort ends the workers", async () => {
  const some = vectors(9000, 32);
  const controller = new AbortController();
  // In the next turn, when the workers have been started and cannot be done.
  const onProgress = () => setImmediate(() => controller.abort("enough"));
  await similarity(some, { backend: "onnx", threads: 2, abortSignal: controller.signal, onProgress }).then(
    () => assert.unreachable(),
    (error) => assert.is(error.tag, "interrupted"),
  );
});

test.run();
