import { availableParallelism } from "node:os";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decodeThreadsFor } from "../../src/extract/plan-ranks.js";

test("a rank on the CPU decodes itself, and ranks on GPUs share the cores", () => {
  assert.is(decodeThreadsFor("cpu", 1), 0);
  assert.is(decodeThreadsFor("cuda:0", 1), Math.min(8, availableParallelism()));
  assert.is(decodeThreadsFor("webgpu", 10_000), 1);
});

test.run();
