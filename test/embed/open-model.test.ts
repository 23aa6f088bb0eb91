import { copyFileSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { openModel } from "speakerscope";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { identifyModel } from "../../src/embed/open-model.js";
import { readOnnx } from "../../src/format/onnx.js";
import { put, temporaryFolder } from "../tiny.js";

const fixtures = join(__dirname, "..", "fixtures", "onnx");
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error) => error,
  );

/** A model from the fixtures with a configuration beside it. */
function model(folder: string, name: string): string {
  const path = join(folder, "model.onnx");
  copyFileSync(join(fixtures, name), path);
  put(join(folder, "model.yaml"), "sample_rate: 16000\nembedding_size: 8\n");
  return path;
}

/** The same model with its weights said to be elsewhere; names of equal length keep the lengths in the file right. */
function withLocation(path: string, location: string): string {
  const bytes = Buffer.from(readFileSync(path).toString("latin1").replace("w.bin", location), "latin1");
  return put(path, bytes);
}

test("a model whose output is not float32 is refused when it is opened", async () => {
  for (const [name, type] of [
    ["float16-output.onnx", "float16"],
    ["float64-output.onnx", "float64"],
  ] as const) {
    const error = await failure(openModel({ modelPath: model(temporaryFolder(), name) }));
    assert.is(error?.tag, "unsupported");
    assert.match(error.message, new RegExp(`is ${type}, but only float32 can be used`));
  }
});

test("weights in a file beside the model are part of what it is", async () => {
  const modelPath = model(temporaryFolder(), "external-weights.onnx");
  const weights = join(modelPath, "..", "w.bin");
  assert.equal(
    readOnnx(readFileSync(modelPath)).externalData.map(({ location }) => location),
    ["w.bin"],
  );
  const sha256 = (value: number) => {
    put(weights, Buffer.alloc(80 * 8 * 4, value));
    return identifyModel({ modelPath }).identity.sha256;
  };
  assert.is(sha256(0), sha256(0));
  assert.is.not(sha256(0), sha256(1));
  await (await openModel({ modelPath })).close();
  rmSync(weights);
  const error = await failure(openModel({ modelPath }));
  assert.is(error?.tag, "missing");
  assert.match(error.message, /The weights of the model .* are missing: .*w\.bin\. Put that file there/);
});

test("weights outside of the model's folder are refused before anything reads them", async () => {
  const folder = temporaryFolder();
  put(join(folder, "w.b"), Buffer.alloc(80 * 8 * 4));
  put(join(folder, "in/wb"), Buffer.alloc(80 * 8 * 4));
  for (const location of ["../wb", "/w.bi", "a/../", ".////", "a\\..b"]) {
    const modelPath = withLocation(
      model(join(put(join(folder, "in/x"), ""), ".."), "external-weights.onnx"),
      location,
    );
    const error = await failure(openModel({ modelPath }));
    assert.is(error?.tag, "invalid", location);
    assert.match(error.message, /outside of its own folder/);
  }
});

test("bytes that are no model are no reason to hang or overflow", async () => {
  const folder = temporaryFolder();
  put(join(folder, "model.yaml"), "sample_rate: 16000\nembedding_size: 8\n");
  // Without the key of external data nobody looks into the nodes.
  let deep = Buffer.from("location");
  // A graph in an attribute of a node of a graph, and so on.
  const wrap = (field: number) => {
    const length: number[] = [];
    for (let rest = deep.length; length.length === 0 || rest > 0; rest >>= 7)
      length.push((rest & 127) | (rest > 127 ? 128 : 0));
    deep = Buffer.concat([Buffer.from([(field << 3) | 2, ...length]), deep]);
  };
  for (let level = 0; level < 3000; level++) for (const field of [6, 5, 1]) wrap(field);
  wrap(7);
  for (const bytes of [deep, Buffer.alloc(100, 255), Buffer.from([0x3a, 0xff, 0xff, 0xff, 0x7f])]) {
    assert.throws(() => readOnnx(bytes), /no ONNX model/);
    assert.match(
      (await failure(openModel({ modelPath: put(join(folder, "model.onnx"), bytes) }))).message,
      /model/,
    );
  }
});

test.run();
