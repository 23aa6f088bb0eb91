import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { bundledModel } from "../../src/embed/open-model.js";
import { readOnnx } from "../../src/format/onnx.js";
import { openSession } from "../../src/runtime/session.js";
import { field, message, onnxModel } from "../onnx-model.js";

const small = onnxModel({
  name: "small",
  inputs: { x: ["batch", 3] },
  outputs: { y: ["batch", 2] },
  initializers: { weights: { data: new Float32Array(6), shape: [3, 2] } },
  nodes: [{ op: "MatMul", inputs: ["x", "weights"], outputs: ["y"] }],
});
const entry = (key: string, value: string) => message([field(1, key), field(2, value)]);
const external = (name: string, data: Record<string, string>) =>
  message([
    field(8, name),
    ...Object.entries(data).map(([key, value]) => field(13, entry(key, value))),
    field(14, 1),
  ]);
const withGraph = (...parts: Uint8Array[]) => message([small, field(7, message(parts))]);

test("names, types and shapes are those that ONNX Runtime sees", async () => {
  for (const bytes of [small, readFileSync(bundledModel)]) {
    const { inputs, outputs, externalData } = readOnnx(bytes);
    const session = await openSession(bytes);
    assert.equal(inputs, session.inputs);
    assert.equal(outputs, session.outputs);
    assert.equal(externalData, []);
    await session.close();
  }
});

test("metadata is read, also where a tool has appended it to the file", () => {
  const bytes = message([
    small,
    field(14, entry("sample_rate", "16000")),
    field(14, entry("__proto__", "é")),
  ]);
  assert.equal(
    [...readOnnx(bytes).metadata],
    [
      ["sample_rate", "16000"],
      ["__proto__", "é"],
    ],
  );
});

test("weights that are listed as inputs too are no inputs", () => {
  const value = (name: string) => field(11, message([field(1, name)]));
  const { inputs } = readOnnx(withGraph(value("weights"), value("lengths")));
  assert.equal(inputs, [
    { name: "x", type: "float32", shape: ["batch", 3] },
    { name: "lengths", type: undefined, shape: undefined },
  ]);
});

test("axes may be free with and without a name, and types other than float32", () => {
  const axes = [field(1, 4), field(1, -1), field(2, "frames"), field(3, "")];
  const shape = message(axes.map((axis) => field(1, message([axis]))));
  const type = message([field(1, message([field(1, 10), field(2, shape)]))]);
  const { outputs } = readOnnx(withGraph(field(12, message([field(1, "half"), field(2, type)]))));
  assert.equal(outputs[1], { name: "half", type: "float16", shape: [4, undefined, "frames", undefined] });
});

test("external data is found wherever tensors may lie", () => {
  const place = { location: "weights.bin", offset: "4096", length: "24" };
  const attribute = (parts: Uint8Array) => field(1, message([field(5, parts)]));
  const inner = message([field(5, external("inner", { location: "b/inner.bin" }))]);
  const bytes = withGraph(
    field(5, external("weights2", place)),
    field(5, message([field(8, "inside"), field(13, entry("location", "ignored")), field(14, 0)])),
    attribute(message([field(5, external("constant", { location: "c.bin" }))])),
    attribute(message([field(6, inner)])),
    field(15, message([field(1, external("sparse", { location: "s.bin", offset: "1" }))])),
  );
  assert.equal(readOnnx(bytes).externalData, [
    { name: "weights2", location: "weights.bin", offset: 4096, length: 24 },
    { name: "constant", location: "c.bin", offset: 0, length: undefined },
    { name: "inner", location: "b/inner.bin", offset: 0, length: undefined },
    { name: "sparse", location: "s.bin", offset: 1, length: undefined },
  ]);
});

test("what is broken is an error that says where, and takes no time", () => {
  let deep = message([field(5, external("deep", { location: "d" }))]);
  for (let level = 0; level < 5000; level++)
    deep = message([field(1, message([field(5, message([field(6, deep)]))]))]);
  const cases: [Uint8Array, RegExp][] = [
    [Buffer.from(""), /no graph/],
    [Buffer.from("not protobuf"), /^model\.onnx: This is no ONNX model, or a damaged one: /],
    [small.subarray(0, 40), /cut off/],
    [
      Buffer.from([0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
      /cut off: .* bytes announced/,
    ],
    [Buffer.alloc(1 << 16, 0xff), /more than 10 bytes/],
    [Buffer.from([0x3b]), /wire type 3/],
    [message([field(7, 5)]), /field 7 that is no message/],
    [message([small, field(7, deep)]), /more than 64 messages within each other/],
    [
      withGraph(field(5, external("v", { location: "v" })), field(5, external("w", {}))),
      /without a location/,
    ],
    [withGraph(field(5, external("w", { location: "w", offset: "-1" }))), /offset "-1" of tensor "w"/],
    [withGraph(field(5, external("w", { location: "w", length: "1e99" }))), /length "1e99"/],
  ];
  for (const [bytes, pattern] of cases) assert.throws(() => readOnnx(bytes, "model.onnx"), pattern);
});

test("no damaged byte makes anything but an error of ours or an answer", () => {
  const bytes = withGraph(field(5, external("w", { location: "w.bin", offset: "8" })));
  for (let at = 0; at < bytes.length; at++)
    for (const flip of [1, 0x80, 0xff]) {
      const damaged = Uint8Array.from(bytes);
      damaged[at]! ^= flip;
      try {
        readOnnx(damaged);
      } catch (error) {
        assert.is((error as { tag?: string }).tag, "invalid", String(error));
      }
    }
});

test.run();
