import { test } from "uvu";
import * as assert from "uvu/assert";
import { chartSize } from "../../kernels/speakerscope/display/charts.js";
import { format } from "../../kernels/speakerscope/display/format.js";
import { variablesBundle } from "../../kernels/speakerscope/display/variables.js";
import { encodeBundle, toJson } from "../../kernels/speakerscope/json.js";
import { python, runPython } from "../python.js";

const shown = async (value: unknown) => (await format(value, false)) as Record<string, string>;
const plain = async (value: unknown) => (await shown(value))["text/plain"] as string;

test("a value's own method comes first", async () => {
  const value = Object.assign(new Float32Array(100), {
    [Symbol.for("Jupyter.display")]: () => ({ "text/plain": "own" }),
  });
  assert.equal(await shown(value), { "text/plain": "own" });
});

test("plain values are as util.inspect has them, in colour where a terminal has colour", async () => {
  assert.is(await plain("a"), "'a'");
  assert.is(await plain({ a: [1, { b: null }] }), "{ a: [ 1, { b: null } ] }");
  assert.equal(await format(1, true), { "text/plain": "\x1b[33m1\x1b[39m" });
  assert.match(await plain(Promise.resolve(4)), "Promise { 4 }");
  assert.match(await plain(new RangeError("far")), /^RangeError: far\n {4}at /);
});

test("Vega and Vega-Lite specifications get the type that their schema names", async () => {
  const spec = { $schema: "https://vega.github.io/schema/vega-lite/v5.json", mark: "bar" };
  assert.equal((await shown(spec))["application/vnd.vegalite.v5+json"], spec);
  const vega = { $schema: "https://vega.github.io/schema/vega/v5.json" };
  assert.equal((await shown(vega))["application/vnd.vega.v5+json"], vega);
  assert.equal(Object.keys(await shown({ $schema: "http://json-schema.org/draft-07/schema#" })), [
    "text/plain",
  ]);
});

const pointChart = {
  $schema: "https://vega.github.io/schema/vega-lite/v5.json",
  width: 200,
  height: 100,
  data: { values: [{ x: 1, y: 2 }] },
  mark: "point",
  encoding: { x: { field: "x", type: "quantitative" }, y: { field: "y", type: "quantitative" } },
};

test("a specification comes with its picture, and a size that undoes its two pixels for each of the chart", async () => {
  const bundle = encodeBundle(await shown(pointChart));
  const png = Buffer.from(String(bundle["image/png"]), "base64");
  const { width, height } = chartSize(bundle)["image/png"] as { width: number; height: number };
  assert.equal([png.readUInt32BE(16), png.readUInt32BE(20)], [2 * width, 2 * height]);
  assert.ok(width > 200 && width < 300 && height > 100 && height < 200, `${width} x ${height}`);
  assert.equal(
    chartSize({ "image/png": bundle["image/png"] }),
    {},
    "a picture that is no chart keeps its size",
  );
});

test("where a picture cannot be drawn the specification is shown with the reason", async () => {
  const bundle = await shown({ ...pointChart, data: { url: "cars.json" } });
  assert.ok("application/vnd.vegalite.v5+json" in bundle);
  assert.not("image/png" in bundle);
  assert.match(bundle["text/plain"], /No picture of the chart: The chart takes data from cars\.json/);
});

test("typed arrays in a chart become arrays in its JSON", () => {
  assert.is(toJson({ a: new Float32Array([1, 2.5]), b: 3n }), '{"a":[1,2.5],"b":3}');
  assert.equal(encodeBundle({ "image/png": new Uint8Array([1, 2]), "text/plain": "x", "text/html": null }), {
    "image/png": "AQI=",
    "text/plain": "x",
  });
});

test("long typed arrays are shape, dtype and statistics, as numpy computes them", async () => {
  const values = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i) * 10);
  const text = await plain(values);
  assert.match(text, "Float32Array (1000) float32");
  assert.ok(text.length < 200);
  if (python === null) return console.log("SKIPPED statistics against numpy: no Python with numpy");
  const numbers = /min (\S+) {2}mean (\S+) {2}max (\S+) {2}std (\S+)/.exec(text)!.slice(1).map(Number);
  const wanted = JSON.parse(
    runPython(
      "import numpy as np, json; a = (np.sin(np.arange(1000)) * 10).astype(np.float32).astype(float); print(json.dumps([a.min(), a.mean(), a.max(), a.std()]))",
    ),
  ) as number[];
  for (const [i, number] of numbers.entries())
    assert.ok(
      Math.abs(number - wanted[i]) <= 1e-5 * Math.max(1, Math.abs(wanted[i])),
      `${number} ${wanted[i]}`,
    );
});

test("numbers that are none are counted apart", async () => {
  const values = new Float64Array(20).fill(1);
  values[3] = Number.NaN;
  values[4] = Infinity;
  const text = await plain(values);
  assert.match(text, "min 1  mean 1  max 1  std 0\n");
  assert.match(text, "2 not finite");
  const whole = await plain(new Float64Array(20).fill(2));
  assert.match(whole, "min 2  mean 2  max 2  std 0  norm 8.94427");
  assert.match(whole, "[2, 2, 2, 2, …, 2, 2, 2, 2]");
});

test("short typed arrays and matrices keep their values or say their shape", async () => {
  assert.is(await plain(new Float32Array([1, 2])), "Float32Array(2) [ 1, 2 ]");
  assert.match(
    await plain({ data: new Float32Array(12), rows: 3, columns: 4 }),
    "Float32Array (3, 4) float32",
  );
});

test("tensors are told by their shape, whatever copy of tfjs they come from", async () => {
  const tensor = {
    dataId: {},
    shape: [2, 3],
    dtype: "float32",
    size: 6,
    isDisposed: false,
    data: async () => new Float32Array([1, 2, 3, 4, 5, 6]),
  };
  assert.match(await plain(tensor), /^Tensor \(2, 3\) float32\nmin 1 {2}mean 3.5 {2}max 6 {2}std 1.70783/);
  assert.match(await plain({ ...tensor, isDisposed: true }), "disposed");
});

test("a real tfjs tensor is shown so", async () => {
  const tf = require("@tensorflow/tfjs") as typeof import("@tensorflow/tfjs");
  await tf.setBackend("cpu");
  assert.match(
    await plain(
      tf.tensor2d([
        [1, 2],
        [3, 4],
      ]),
    ),
    /^Tensor \(2, 2\) float32\nmin 1 {2}mean 2.5 {2}max 4/,
  );
});

test("arrays of plain objects are tables of their first rows, with what they hold escaped", async () => {
  const rows = Array.from({ length: 30 }, (_, i) => ({
    name: `<b>${i}`,
    score: i / 3,
    ...(i === 1 && { extra: 1 }),
  }));
  const html = (await shown(rows))["text/html"] as string;
  assert.match(html, "30 rows × 3 columns, first 10 shown");
  assert.is(html.match(/<tr>/g)?.length, 11);
  assert.match(html, "&lt;b&gt;9");
  assert.not.match(html, "<b>");
  assert.match(html, "<td>0.33333</td>");
  assert.match(html, "<td>2.66667</td>");
  assert.equal(Object.keys(await shown([1, 2])), ["text/plain"]);
  assert.equal(Object.keys(await shown([])), ["text/plain"]);
});

test("many rows are a table in text too, of at most 25 lines, with vectors in one line", async () => {
  const rows = Array.from({ length: 40 }, (_, i) => ({
    key: `k${i}`,
    embedding: new Float32Array(192).fill(i),
  }));
  const bundle = await shown(rows);
  const lines = bundle["text/plain"].split("\n");
  assert.is(lines.length, 12);
  assert.match(lines[1], /^k0 {3}Float32Array \(192\), norm 0: 0/);
  assert.is(lines.at(-1), "40 rows × 2 columns, first 10 shown");
  assert.match(bundle["text/html"], "Float32Array (192), norm 13.8564: 1, 1, 1, 1, 1, 1, 1, 1, …");
  assert.is(await plain([{ a: 1, b: "x" }]), "[ { a: 1, b: 'x' } ]", "few rows are as they were");
});

test("a Map is a table of keys and values", async () => {
  const bundle = await shown(new Map([["a", 1]]));
  assert.is(bundle["text/plain"], "Map(1) { 'a' => 1 }");
  assert.match(bundle["text/html"], '<td style="text-align:left">a</td><td>1</td>');
});

test("a danfojs DataFrame and Series are tables with dtypes, index and shape", async () => {
  let danfo: typeof import("danfojs-node");
  try {
    danfo = require("danfojs-node");
  } catch (error) {
    return console.log(`SKIPPED danfojs tables: ${(error as Error).message.split("\n")[0]}`);
  }
  const frame = new danfo.DataFrame({ who: ["ann", "bob"], n: [1, 2] }, { index: ["x", "y"] });
  const bundle = await shown(frame);
  assert.match(bundle["text/html"], "2 rows × 2 columns");
  for (const text of [">who</th>", "string", "int32", "<th>y</th>", ">bob</td>"])
    assert.match(bundle["text/html"], text);
  assert.match(bundle["text/plain"], "DataFrame (2 x 2)");
  assert.match((await shown(frame.column("n")))["text/html"], "<td>2</td>");
  const listed = variablesBundle([{ name: "frame", type: "DataFrame", value: frame }])["text/plain"];
  assert.match(String(listed), /frame +DataFrame +2 × 2 +22 B/);
});

test("bytes of pictures are pictures, bytes of sound are players", async () => {
  const bytes = (head: number[]) => new Uint8Array([...head, ...new Array(20).fill(0)]);
  const png = bytes([0x89, 0x50, 0x4e, 0x47]);
  assert.is((await shown(png))["image/png"], png);
  assert.ok("image/jpeg" in (await shown(bytes([0xff, 0xd8, 0xff]))));
  const flac = await shown(Buffer.concat([Buffer.from("fLaC"), Buffer.alloc(20)]));
  assert.match(flac["text/html"], /^<audio controls .*src="data:audio\/flac;base64,ZkxhQ/);
});

test("a signal is a player of what it holds, readable by Python's wave", async () => {
  const samples = Float32Array.from({ length: 1600 }, (_, i) => Math.sin(i / 5));
  const bundle = await shown({ samples, sampleRate: 16000 });
  assert.is(bundle["text/plain"], "0.10 s of audio at 16000 Hz, peak 1.000");
  if (python === null) return console.log("SKIPPED the player's WAV against Python: no Python with numpy");
  const [, base64] = /base64,([^"]+)/.exec(bundle["text/html"]) as RegExpExecArray;
  const told = runPython(
    "import base64, io, sys, wave; w = wave.open(io.BytesIO(base64.b64decode(sys.argv[1]))); print(w.getframerate(), w.getnframes(), w.getsampwidth(), w.getnchannels())",
    [base64],
  );
  assert.is(told.trim(), "16000 1600 2 1");
});

test("a long signal is cut in the notebook and says so", async () => {
  const bundle = await shown({ samples: new Float32Array(8000 * 90), sampleRate: 8000 });
  assert.match(bundle["text/html"], "first 60 s of 90.0 s");
  assert.ok(bundle["text/html"].length < 1_400_000);
});

test("variables are listed with types, shapes and sizes", () => {
  const tensor = { shape: [2, 3], dtype: "float32", size: 6, dataId: {}, isDisposed: false, data() {} };
  const vector = (n: number) => new Float32Array(n);
  const circle: Record<string, unknown> = { n: 1 };
  circle.self = circle;
  const rows: [value: unknown, shape: string, size: string][] = [
    [vector(192), "192", "768 B"],
    [{ data: vector(6), rows: 2, columns: 3 }, "2 × 3", "40 B"],
    [tensor, "2 × 3", "24 B"],
    [{ ...tensor, isDisposed: true }, "2 × 3", "disposed"],
    [{ samples: vector(8000), sampleRate: 16000 }, "8000, 0.50 s", "32 kB"],
    [[1, 2, 3], "3", "24 B"],
    [[vector(4), vector(4)], "2 × 4", "32 B"],
    [[{ key: "a", embedding: vector(4) }], "1 × 4", "17 B"],
    [[vector(4), vector(5)], "2", "36 B"],
    [new Map([["a", vector(4)]]), "1 × 4", "17 B"],
    [new Map([["a", 1]]), "1 entry", "9 B"],
    [new Set(["a", "b"]), "2 entries", "2 B"],
    ["text", "4 characters", "4 B"],
    [1, "", "8 B"],
    [null, "", "0 B"],
    [() => 1, "", ""],
    [{ a: 1, b: "x" }, "2 fields", "9 B"],
    [circle, "2 fields", "8 B"],
    [
      {
        get costly() {
          throw new Error("called");
        },
      },
      "1 field",
      "0 B",
    ],
    [new Float32Array(2_500_000), "2500000", "10 MB"],
    [Array.from({ length: 60_000 }, () => ({ n: 1 })), "60000", "≥ 400 kB"],
  ];
  const variables = rows.map(([value], i) => ({ name: `v${i}`, type: "some\n type", value }));
  const bundle = variablesBundle(variables);
  const lines = String(bundle["text/plain"]).split("\n").slice(1);
  const seen = lines.map((line) => /^v\d+ +some type ?(.*)$/.exec(line)![1].trim().split(/ {2,}/));
  assert.equal(
    seen,
    rows.map(([, shape, size]) => [shape, size].filter(Boolean)).map((row) => (row.length > 0 ? row : [""])),
  );
  assert.match(String(bundle["text/html"]), "<th>shape</th>");
});

test.run();
