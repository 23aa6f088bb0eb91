import { test } from "uvu";
import * as assert from "uvu/assert";
import { backend, backendNames, withBackend } from "../../src/similarity/backend.js";

test("The backend is chosen once, and said in one line", async () => {
  const first = await backend();
  assert.is(await backend(), first);
  assert.match(first.line, new RegExp(`^similarity on tfjs ${first.name} \\([^\\n]*$`));
  if (first.name !== "tensorflow") console.log(`SKIPPED the native backend: ${first.line}`);
});

test("One can be forced; another name is an error that lists what there is", async () => {
  for (const name of ["wasm", "cpu"]) assert.is((await backend({ similarityBackend: name })).name, name);
  await backend({ similarityBackend: "webgl" }).then(
    () => assert.unreachable(),
    (error) => assert.match(error.message, /unknown backend.*"webgl".*tensorflow, wasm, cpu/),
  );
});

for (const similarityBackend of backendNames)
  test(`The operations used here are right on ${similarityBackend}`, async () => {
    const chosen = await backend({ similarityBackend }).catch(() => null);
    if (chosen === null) return console.log(`SKIPPED ${similarityBackend}: no such backend here`);
    const { tf } = chosen;
    await withBackend(chosen, async () => {
      const a = tf.tensor2d([1, -2, 3.5, 4, 0, -0.25], [3, 2]);
      assert.equal(
        Array.from(tf.matMul(a, a, false, true).dataSync()),
        [5, -4.5, 0.5, -4.5, 28.25, -1, 0.5, -1, 0.0625],
      );
      assert.equal(Array.from(tf.max(a, 1).dataSync()), [1, 4, 0]);
      assert.is(tf.min(a).dataSync()[0], -2);
      assert.equal(Array.from(tf.floor(tf.tensor1d([-1.5, 2, 2.9])).dataSync()), [-2, 2, 2]);
      assert.equal(Array.from(tf.cast(tf.tensor1d([0, 2, 7]), "int32").dataSync()), [0, 2, 7]);
      const counts = tf.bincount(tf.tensor1d([1, 1, 3, 9], "int32"), tf.tensor1d([]), 5);
      assert.equal(Array.from(counts.dataSync()), [0, 2, 0, 1, 0]);
      assert.equal(Array.from(tf.gather(a, tf.tensor1d([2, 0], "int32")).dataSync()), [0, -0.25, 1, -2]);
      assert.equal(Array.from(tf.any(tf.equal(a, tf.scalar(4)), 1).dataSync()), [0, 1, 0]);
      assert.equal(Array.from(tf.squaredDifference(a, tf.scalar(1)).dataSync()), [0, 9, 6.25, 9, 1, 1.5625]);
      assert.is(tf.sum(tf.cast(tf.greaterEqual(a, tf.scalar(0)), "float32")).dataSync()[0], 4);
      assert.equal(Array.from(tf.sum(tf.square(a), 1).dataSync()), [5, 28.25, 0.0625]);
      assert.equal(Array.from(tf.slice(a, [0, 1], [3, 1]).dataSync()), [-2, 4, -0.25]);
      assert.equal(Array.from(tf.add(a, a).dataSync()), [2, -4, 7, 8, 0, -0.5]);
      assert.equal(
        Array.from(tf.mul(a, tf.sub(tf.scalar(1), a)).dataSync()),
        [0, -6, -8.75, -12, 0, -0.3125],
      );
      // TensorFlow gives zeros here; the backend mends it.
      assert.equal(Array.from(tf.round(tf.tensor1d([-12345678, 10], "int32")).dataSync()), [-12345678, 10]);
      assert.equal(Array.from(tf.round(tf.tensor1d([1.6, -0.4])).dataSync()), [2, -0]);
      assert.is(tf.getBackend(), similarityBackend);
    });
  });

test.run();
