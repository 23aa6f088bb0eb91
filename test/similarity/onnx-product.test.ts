import { test } from "uvu";
import * as assert from "uvu/assert";
import { gemm } from "../../src/similarity/onnx-product.js";
import { onnxModel } from "../onnx-model.js";

test("the graph of the product is one Gemm node, a (m, d) x b (n, d) transposed", () => {
  const graph = onnxModel({
    name: "products",
    inputs: { a: ["m", "d"], b: ["n", "d"] },
    outputs: { c: ["m", "n"] },
    nodes: [{ op: "Gemm", inputs: ["a", "b"], outputs: ["c"], attributes: { transB: 1 } }],
  });
  assert.equal(Buffer.from(gemm).toString("base64"), Buffer.from(graph).toString("base64"));
});

test.run();
