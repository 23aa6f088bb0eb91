import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { pythonJson, pythonJsonChunks } from "../../src/format/json.js";
import { readNpy } from "../../src/format/npy.js";
import { float, pythonRepr } from "../../src/format/python-float.js";
import { python, runPython } from "../python.js";
import { random } from "./random.js";

const origin = join(__dirname, "../fixtures/origin");
const read = (name: string) => readFileSync(join(origin, name), "utf8");
const folder = mkdtempSync(join(tmpdir(), "json-"));
process.on("exit", () => rmSync(folder, { recursive: true }));

const json = suite("pythonJson");
json("writes the reference files character for character", () => {
  for (const name of [
    "high_similarity_pairs.json",
    "utterance_list.json",
    "summary.json",
    "speaker_keys_mapping.json",
  ])
    assert.is(pythonJson(JSON.parse(read(name))), read(name), name);
});
json("writes a float32 matrix as the reference does", () => {
  const { data, shape } = readNpy(readFileSync(join(origin, "similarity_matrix.npy")));
  const rows = Array.from({ length: shape[0] }, (_, i) => data.subarray(i * shape[1], (i + 1) * shape[1]));
  const text = pythonJson({ similarity_matrix: rows });
  const reference = read("speaker_similarity.json");
  assert.is(text.slice(0, -2), reference.slice(0, text.length - 2));
  assert.ok(reference.includes("0.18672515451908112") && reference.includes("      1.0,\n"));
});
json("writes whole numbers as int and marked ones as float", () => {
  assert.is(
    pythonJson([1, float(1), 1.5, float(1.5), -0, 2n ** 64n]),
    "[\n  1,\n  1.0,\n  1.5,\n  1.5,\n  -0.0,\n  18446744073709551616\n]",
  );
});
json("writes empty lists and objects in two characters", () => {
  assert.is(pythonJson([]), "[]");
  assert.is(pythonJson({ a: {}, b: [], c: new Float32Array() }), '{\n  "a": {},\n  "b": [],\n  "c": []\n}');
});
json("escapes everything beyond ASCII", () => {
  assert.is(pythonJson("说é😀\x7f\n"), '"\\u8bf4\\u00e9\\ud83d\\ude00\\u007f\\n"');
});
json("keeps the order of a Map", () => {
  assert.is(
    pythonJson(
      new Map<unknown, number>([
        ["b", 1],
        ["1", 2],
        [0, 3],
      ]),
    ),
    '{\n  "b": 1,\n  "1": 2,\n  "0": 3\n}',
  );
});
json("refuses what JSON does not have and says where it is", () => {
  assert.throws(() => pythonJson({ a: [1, { b: Number.NaN }] }), /^value\.a\[1\]\.b is NaN/);
  assert.throws(() => pythonJson({ a: Float32Array.of(Number.POSITIVE_INFINITY) }), /value\.a is Infinity/);
  assert.throws(() => pythonJson([float(Number.NaN)]), /value\[0\]/);
  assert.throws(() => pythonJson({ a: undefined }), /value\.a is undefined/);
  const cycle: unknown[] = [];
  cycle.push(cycle);
  assert.throws(() => pythonJson(cycle), /nested more than/);
});
json.run();

const chunks = suite("pythonJsonChunks");
chunks("draws rows from a generator, a chunk at a time", () => {
  let drawn = 0;
  function* rows() {
    for (; drawn < 100_000; drawn++) yield { key: `speaker ${drawn}` };
  }
  const first = pythonJsonChunks(rows()).next().value as string;
  assert.ok(first.length < 70_000 && drawn < 5000, `${first.length} characters, ${drawn} rows`);
});
chunks("join to the text of the whole", () => {
  const rows = Array.from({ length: 5000 }, (_, i) => ({ key: `speaker ${i}`, mean: i / 7 }));
  const pieces = [...pythonJsonChunks(rows)];
  assert.ok(pieces.length > 3);
  assert.is(pieces.join(""), pythonJson(rows));
  assert.equal(JSON.parse(pieces.join("")), rows);
});
chunks.run();

const repr = suite("pythonRepr");
if (python === null) {
  console.log("SKIPPED pythonRepr and pythonJson against Python: there is none");
} else {
  repr("agrees with Python on random bits and on the edges", () => {
    const next = random(7);
    const bits = new DataView(new ArrayBuffer(8));
    const numbers = [
      0,
      -0,
      1,
      1e16,
      9999999999999998,
      1e15,
      123456789012345680,
      1e21,
      1e22,
      1e-4,
      9.9e-5,
      1e-5,
      1e-7,
      5e-324,
      1.7976931348623157e308,
      0.1,
      1 / 3,
      2 ** 53,
      2 ** 53 + 2,
      1e100,
      1.5e-10,
    ];
    while (numbers.length < 20_000) {
      bits.setUint32(0, next() * 2 ** 32);
      bits.setUint32(4, next() * 2 ** 32);
      const number =
        numbers.length % 2 ? bits.getFloat64(0) : Math.fround((next() - 0.5) * 10 ** (next() * 24 - 8));
      if (Number.isFinite(number)) numbers.push(number);
    }
    writeFileSync(join(folder, "numbers"), Float64Array.from(numbers));
    const expected = runPython(
      "import numpy as np, sys; print('\\n'.join(map(repr, np.fromfile(sys.argv[1]).tolist())))",
      [join(folder, "numbers")],
    );
    assert.is(`${numbers.map((x) => pythonRepr(x)).join("\n")}\n`, expected);
  });
  repr("pythonJson of nested values is what json.dump writes after json.load", () => {
    const value = {
      text: 'naïve 说 \u2028 \ud800 \\ " /',
      list: [[], [[1, 2.5], { deep: [null, true, false] }], {}],
      small: 1e-7,
      big: 1e300,
      "": "",
    };
    const text = pythonJson(value);
    writeFileSync(join(folder, "a.json"), text);
    const expected = runPython(
      "import json, sys\nwith open(sys.argv[1]) as file: print(json.dumps(json.load(file), indent=2), end='')",
      [join(folder, "a.json")],
    );
    assert.is(text, expected);
  });
}
repr("refuses NaN and the infinities", () => {
  assert.throws(() => pythonRepr(Number.NaN), /is NaN/);
  assert.throws(() => pythonRepr(Number.NEGATIVE_INFINITY), /is -Infinity/);
});
repr.run();
