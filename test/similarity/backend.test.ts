import { test } from "uvu";
import * as assert from "uvu/assert";
import { tensorflow } from "../../src/runtime/tensorflow.js";
import { backend } from "../../src/similarity/backend.js";

test("The backend is chosen once, and said in one line", async () => {
  const first = await backend();
  assert.is(await backend(), first);
  assert.match(first.line, new RegExp(`^Similarity runs on ${first.name} \\([^\\n]*$`));
});

test("One can be forced; another name is an error that lists what there is", async () => {
  assert.is((await backend("onnx")).name, "onnx");
  for (const gone of ["webgl", "wasm", "cpu"])
    await backend(gone).then(
      () => assert.unreachable(),
      (error) => {
        assert.is(error.tag, "unknown");
        assert.match(error.message, new RegExp(`no similarity backend "${gone}". Use onnx or tensorflow`));
      },
    );
});

test("TensorFlow's operations used here are right", async () => {
  const chosen = await tensorflow().catch((error) => error as Error);
  if (chosen instanceof Error) return console.log(`SKIPPED TensorFlow's operations: ${chosen.message}`);
  assert.is((await backend("tensorflow")).tensorflow, chosen);
  const { tf } = chosen;
  await tf.setBackend("tensorflow");
  const a = tf.tensor2d([1, -2, 3.5, 4, 0, -0.25], [3, 2]);
  assert.equal(
    Array.from(tf.matMul(a, a, false, true).dataSync()),
    [5, -4.5, 0.5, -4.5, 28.25, -1, 0.5, -1, 0.0625],
  );
  assert.equal(Array.from(tf.slice(a, [0, 1], [3, 1]).dataSync()), [-2, 4, -0.25]);
  assert.equal(Array.from(tf.add(a, a).dataSync()), [2, -4, 7, 8, 0, -0.5]);
  // TensorFlow gives zeros here; loading it mends that.
  assert.equal(Array.from(tf.round(tf.tensor1d([-12345678, 10], "int32")).dataSync()), [-12345678, 10]);
  assert.equal(Array.from(tf.round(tf.tensor1d([1.6, -0.4])).dataSync()), [2, -0]);
});

test.run();
