import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { bundledModel } from "../../src/embed/open-model.js";
import { readOnnx } from "../../src/format/onnx.js";
import { withoutConvolutions } from "../../src/format/without-convolutions.js";
import { openSession } from "../../src/runtime/session.js";
import { type OnnxAttribute, onnxModel } from "../onnx-model.js";

/** Numbers without a pattern, the same each time. */
const noise = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(12.9898 * i * i + i));

interface Case {
  /** Batch, channels, and one or two axes. */
  input: number[];
  weights: number[];
  bias?: boolean;
  attributes?: Record<string, OnnxAttribute>;
  opset?: number;
}

function convolution({ input, weights, bias = false, attributes = {}, opset = 17 }: Case): Uint8Array {
  const size = (shape: readonly number[]) => shape.reduce((product, length) => product * length, 1);
  return onnxModel({
    name: "convolution",
    opset,
    inputs: { x: input.map((length, axis) => (axis === 1 ? length : `axis${axis}`)) },
    outputs: { y: input.map((_, axis) => `out${axis}`) },
    initializers: {
      w: { data: noise(size(weights)), shape: weights },
      ...(bias ? { b: { data: noise(weights[0]!), shape: [weights[0]!] } } : {}),
    },
    nodes: [
      {
        op: "Conv",
        inputs: ["x", "w", ...(bias ? ["b"] : [])],
        outputs: ["y"],
        attributes: { kernel_shape: weights.slice(2), ...attributes },
      },
    ],
  });
}

async function run(model: Uint8Array, shape: readonly number[]) {
  const session = await openSession(model);
  const length = shape.reduce((product, one) => product * one, 1);
  const name = session.inputs[0]!.name;
  const outputs = await session.run({ [name]: { data: noise(length), shape } });
  await session.close();
  return outputs[session.outputs[0]!.name]!;
}

async function assertSame(given: Uint8Array, shape: readonly number[], what: string): Promise<void> {
  const changed = withoutConvolutions(given);
  assert.ok(changed !== undefined && !Buffer.from(changed).includes("Conv"), what);
  const [before, after] = [await run(given, shape), await run(changed, shape)];
  assert.equal(after.shape, before.shape, what);
  const largest = before.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  after.data.forEach((value, i) => {
    assert.ok(
      Math.abs(value - before.data[i]!) <= 1e-5 * largest,
      `${what}: ${value}, not ${before.data[i]}`,
    );
  });
}

test("a convolution as products gives the same numbers, whatever its kernel, strides, dilations and pads", async () => {
  const line: Case = { input: [2, 3, 17], weights: [5, 3, 1] };
  const plane: Case = { input: [2, 3, 9, 8], weights: [4, 3, 3, 3] };
  const cases: Record<string, Case> = {
    "one place": line,
    "one place with bias": { ...line, bias: true },
    "one place with strides": { ...line, attributes: { strides: [2] } },
    "one place with pads": { ...line, bias: true, attributes: { pads: [1, 2] } },
    "three places": { ...line, weights: [5, 3, 3], attributes: { pads: [1, 1] } },
    "three places with dilation": {
      ...line,
      weights: [5, 3, 3],
      attributes: { dilations: [2], pads: [2, 2] },
    },
    "five places with strides": {
      ...line,
      weights: [5, 3, 5],
      bias: true,
      attributes: { strides: [2], pads: [2, 2] },
    },
    "unequal pads": { ...line, weights: [5, 3, 4], attributes: { strides: [3], pads: [0, 3] } },
    plane: { ...plane, bias: true, attributes: { pads: [1, 1, 1, 1], strides: [2, 1] } },
    "plane without pads and bias": { ...plane, attributes: { dilations: [1, 2] } },
    "plane with unequal pads": { ...plane, bias: true, attributes: { pads: [0, 1, 2, 3], strides: [1, 2] } },
    "plane of one place": {
      ...plane,
      weights: [4, 3, 1, 1],
      bias: true,
      attributes: { strides: [2, 1], pads: [0, 0, 0, 0] },
    },
    "explicit defaults": {
      ...line,
      attributes: { auto_pad: "NOTSET", group: 1, strides: [1], dilations: [1], pads: [0, 0] },
    },
  };
  for (const [what, one] of Object.entries(cases)) await assertSame(convolution(one), one.input, what);
});

test("what cannot become products stays as it is", () => {
  const line: Case = { input: [1, 4, 9], weights: [4, 4, 3] };
  const stays = (what: string, model: Uint8Array) => assert.is(withoutConvolutions(model), undefined, what);
  stays("groups", convolution({ ...line, weights: [4, 1, 3], attributes: { group: 4 } }));
  stays("automatic padding", convolution({ ...line, attributes: { auto_pad: "SAME_UPPER" } }));
  stays("pads that cut", convolution({ ...line, attributes: { pads: [-1, 0] } }));
  stays("three axes", convolution({ input: [1, 2, 5, 5, 5], weights: [2, 2, 1, 1, 1] }));
  stays("old operators", convolution({ ...line, opset: 11 }));
  stays(
    "no convolution",
    onnxModel({
      name: "twice",
      inputs: { x: ["n"] },
      outputs: { y: ["n"] },
      nodes: [{ op: "Add", inputs: ["x", "x"], outputs: ["y"] }],
    }),
  );
});

test("the bundled model as products has the same inputs, outputs and embeddings", async () => {
  const model = readFileSync(bundledModel);
  const changed = withoutConvolutions(model)!;
  const { inputs, outputs } = readOnnx(model);
  assert.equal(readOnnx(changed).inputs, inputs);
  assert.equal(readOnnx(changed).outputs, outputs);
  const shape = [2, 53, 80];
  const [before, after] = [await run(model, shape), await run(changed, shape)];
  assert.equal(after.shape, before.shape);
  for (let row = 0; row < 2; row++) {
    const [a, b] = [before, after].map(({ data }) => data.subarray(row * 192, row * 192 + 192));
    const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
    assert.ok(1 - dot(a!, b!) / Math.sqrt(dot(a!, a!) * dot(b!, b!)) < 1e-9);
  }
});

test.run();
