import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { toDataFrame } from "../../src/analysis/to-data-frame.js";
import { variability } from "../../src/analysis/variability.js";
import { madeUp } from "./reference.js";

const root = join(__dirname, "../..");
const frame = suite("toDataFrame");
frame("has a column for each field and leaves embeddings out", () => {
  const utterances = madeUp([2, 1]);
  const table = toDataFrame(utterances);
  assert.equal(table.columns, ["key", "dataset", "speakerId", "utteranceId", "path"]);
  assert.equal(table.shape, [3, 5]);
  assert.equal(table.iloc({ rows: [1] }).values, [["made_s0_u1", "made", "s0", "u1", "made/s0/u1.wav"]]);
});
frame("shows an embedding as a short text on demand", () => {
  const [row] = toDataFrame([{ key: "a", embedding: Float32Array.of(1, -0.5, 0.25, 3) }], {
    embeddings: "text",
  }).values;
  assert.equal(row, ["a", "[1.000, -0.500, 0.250, ...] (4)"]);
});
frame("makes columns of objects in a row and text of lists", () => {
  const pair = {
    speaker1: { key: "a", numUtterances: 2 },
    speaker2: { key: "b", numUtterances: 3 },
    similarity: 0.5,
    tags: ["x", "y"],
  };
  const table = toDataFrame([pair]);
  assert.equal(table.columns, [
    "speaker1Key",
    "speaker1NumUtterances",
    "speaker2Key",
    "speaker2NumUtterances",
    "similarity",
    "tags",
  ]);
  assert.equal(table.values, [["a", 2, "b", 3, 0.5, "x, y"]]);
});
frame("keeps numbers to the last digit, has NaN for a missing number and null for anything else", () => {
  const table = toDataFrame([
    { a: 0.1 + 0.2, b: null },
    { a: 2 ** 40 + 0.5, b: 1n },
    { c: true, d: "x" },
  ]);
  assert.equal(table.columns, ["a", "b", "c", "d"]);
  assert.equal(table.values, [
    [0.1 + 0.2, Number.NaN, null, null],
    [2 ** 40 + 0.5, 1, null, null],
    [Number.NaN, Number.NaN, true, "x"],
  ]);
});
frame("takes no rows at all", () => {
  assert.equal(toDataFrame([]).shape, [0, 0]);
});
frame("sorts the rows of an analysis", () => {
  const table = toDataFrame(variability(madeUp([3, 4, 5])).speakers).sortValues("mean", { ascending: false });
  const means = table.column("mean").values as number[];
  assert.equal(
    means,
    [...means].sort((a, b) => b - a),
  );
});
frame("describes columns with missing numbers as pandas does, also after head and filters", () => {
  const table = toDataFrame([
    { who: "a", mean: 1, isOdd: true },
    { who: "b", mean: null, isOdd: null },
    { who: "c", mean: 4, isOdd: false },
  ]);
  const told = table.describe();
  assert.equal(told.index, ["count", "mean", "std", "min", "median", "max", "variance"]);
  assert.equal(told.columns, ["mean"]);
  assert.equal(told.column("mean").values, [2, 2.5, Math.sqrt(4.5), 1, 2.5, 4, 4.5]);
  assert.is(table.head(2).describe().column("mean").values[0], 1);
});
frame("sorts rows whose number is missing to the end, both ways, and text by all of it", () => {
  const table = toDataFrame([0.5, null, 0.2, 0.9, null, 0.1].map((x, i) => ({ x, name: `s${(7 * i) % 6}` })));
  const none = Number.NaN;
  assert.equal(table.sortValues("x").column("x").values, [0.1, 0.2, 0.5, 0.9, none, none]);
  assert.equal(table.sortValues("x", { ascending: false }).column("x").values, [
    0.9,
    0.5,
    0.2,
    0.1,
    NaN,
    NaN,
  ]);
  assert.equal(table.column("x").sortValues().values, [0.1, 0.2, 0.5, 0.9, none, none]);
  assert.equal(table.sortValues("name").column("name").values, ["s0", "s1", "s2", "s3", "s4", "s5"]);
  assert.throws(() => table.sortValues("nowhere"), /nowhere/);
  table.sortValues("x", { inplace: true });
  assert.equal(table.column("x").values.slice(0, 2), [0.1, 0.2]);
});
frame("says what to plot with instead", () => {
  assert.throws(
    () => toDataFrame([{ x: 1 }]).plot("x"),
    /need a browser\. Use a chart of speakerscope .*Vega-Lite/,
  );
});
frame("names the package and the command when danfojs is not installed", () => {
  const code = `
    const Module = require("node:module");
    const resolve = Module._resolveFilename;
    Module._resolveFilename = function (name, ...rest) {
      if (name === "danfojs-node") throw Object.assign(new Error("Cannot find module 'danfojs-node'"), { code: "MODULE_NOT_FOUND" });
      return resolve.call(this, name, ...rest);
    };
    try { require("./src/analysis/to-data-frame.ts").toDataFrame([]); } catch (error) { console.log(error.message); }`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", "-e", code], {
    cwd: root,
    encoding: "utf8",
  });
  assert.is(
    stdout.trim(),
    "toDataFrame needs the package danfojs-node, which is not installed. Run: npm install danfojs-node@1.2.0",
    stderr,
  );
});
frame("loads danfojs only when it is called", () => {
  const code = `require("./src/analysis/index.ts"); console.log(Object.keys(require.cache).filter((path) => /node_modules.(danfojs|@tensorflow)/.test(path)).length)`;
  const { stdout } = spawnSync(process.execPath, ["--import", "tsx", "-e", code], {
    cwd: root,
    encoding: "utf8",
  });
  assert.is(stdout.trim(), "0");
});
frame.run();
