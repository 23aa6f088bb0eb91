import { test } from "uvu";
import * as assert from "uvu/assert";
import { cudaProblem } from "../../src/runtime/cuda.js";
import { gpuIndices } from "../../src/runtime/gpus.js";
import { devices, openSession } from "../../src/runtime/session.js";
import { onnxModel } from "../onnx-model.js";
import { put, temporaryFolder } from "../tiny.js";

const twice = onnxModel({
  name: "twice",
  inputs: { x: ["n"] },
  outputs: { y: ["n"] },
  nodes: [{ op: "Add", inputs: ["x", "x"], outputs: ["y"] }],
});

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => "no error",
    (error: Error) => error.message,
  );

/** Runs with another environment. */
async function withEnvironment<Result>(
  changes: Record<string, string>,
  action: () => Promise<Result> | Result,
): Promise<Result> {
  const before = Object.fromEntries(Object.keys(changes).map((name) => [name, process.env[name]]));
  Object.assign(process.env, changes);
  try {
    return await action();
  } finally {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

test("a graph runs on the CPU, from its bytes or its file, and knows its inputs and outputs", async () => {
  for (const model of [twice, put(`${temporaryFolder()}/twice.onnx`, twice)]) {
    const session = await openSession(model);
    assert.is(session.device, "cpu");
    assert.equal(session.inputs, [{ name: "x", type: "float32", shape: ["n"] }]);
    const { y } = await session.run({ x: { data: Float32Array.of(1, 2.5), shape: [2] } });
    assert.equal([...y!.data], [2, 5]);
    assert.equal(y!.shape, [2]);
    await session.close();
  }
});

test("what is no graph is an error that names the file", async () => {
  const path = put(`${temporaryFolder()}/model.onnx`, "not protobuf");
  assert.match(await failure(openSession(path)), /cannot open .*model\.onnx on device cpu:/);
});

test("a device that there is not is an error that lists what there is", async () => {
  assert.ok(devices().includes("cpu"));
  assert.match(
    await failure(openSession(twice, { device: "npu" })),
    /There is no device "npu"\. This ONNX Runtime was built with .*cpu/,
  );
  assert.match(
    await failure(openSession(twice, { device: "cuda:first" })),
    /The device "cuda:first" has no number/,
  );
});

test("CUDA without its libraries or its GPU is an error that tells what to do, never the CPU", async () => {
  if (!devices().includes("cuda")) return console.log("SKIPPED CUDA: this ONNX Runtime was built without it");
  for (const device of ["cuda", "cuda:7", "gpu", "gpu:7"]) {
    const message = await withEnvironment({ CUDA_VISIBLE_DEVICES: "" }, () =>
      failure(openSession(twice, { device })),
    );
    assert.match(
      message,
      cudaProblem() === undefined ? /No NVIDIA GPU was found/ : /which cuda(:\d)? needs.*setup-cuda\.mjs/,
    );
  }
});

test("WebGPU without an adapter is an error that tells what to do", async () => {
  if (!devices().includes("webgpu"))
    return console.log("SKIPPED WebGPU: this ONNX Runtime was built without it");
  const nowhere = { VK_ICD_FILENAMES: "/nowhere.json", VK_DRIVER_FILES: "/nowhere.json" };
  const message = await withEnvironment(nowhere, () => failure(openSession(twice, { device: "webgpu" })));
  assert.match(message, /No GPU was found for webgpu\. Install a Vulkan driver/);
});

test("the GPUs are those that the environment allows, counted from 0", async () => {
  const seen = (visible: string) => withEnvironment({ CUDA_VISIBLE_DEVICES: visible }, () => gpuIndices());
  assert.equal(await seen("3,5"), [0, 1]);
  assert.equal(await seen("GPU-8932f937-d72c-4106-c12f-20bd9faed9f6"), [0]);
  assert.equal(await seen("0,-1,1"), [0], "CUDA stops at the first that is none");
  assert.equal(await seen(""), []);
});

test("auto takes the CPU where no GPU can be used", async () => {
  const session = await withEnvironment({ CUDA_VISIBLE_DEVICES: "" }, () =>
    openSession(twice, { device: "auto" }),
  );
  assert.is(session.device, "cpu");
  await session.close();
});

test.run();
