import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { arkVector } from "../../src/format/kaldi-ark.js";
import { readNpy, writeNpy } from "../../src/format/npy.js";
import { readComparableVectors, readVectors, type Vectors } from "../../src/store/read-vectors.js";
import { writeTable } from "../../src/tables/write-table.js";
import { python, runPython } from "../python.js";

const fixtures = join(__dirname, "..", "fixtures", "vectors");
const folder = mkdtempSync(join(tmpdir(), "vectors-"));
test.after(() => rmSync(folder, { recursive: true }));

/** All values, row after row. */
const valuesOf = ({ rows }: Vectors) =>
  "data" in rows ? Array.from(rows.data) : rows.flatMap(({ embedding }) => Array.from(embedding));
const keysOf = ({ info }: Vectors) => info.map(({ key }) => key);

test("A .npz, a pickled array, a pickled dict of vectors and a float16 .npy are the same vectors", async () => {
  const [npz, array, dict, half] = await Promise.all(
    ["z.npz", "array.pkl", "plain_dict.pkl", "f2.npy"].map((name) => readVectors(join(fixtures, name))),
  );
  assert.is(valuesOf(npz).length, 8 * 16);
  assert.equal(valuesOf(array), valuesOf(npz));
  assert.equal(valuesOf(dict), valuesOf(npz));
  assert.equal(keysOf(dict)[0], "ds_s0");
  assert.equal(keysOf(npz), ["0", "1", "2", "3", "4", "5", "6", "7"]);
  valuesOf(half).forEach((value, at) => {
    assert.ok(Math.abs(value - valuesOf(npz)[at]) < 2e-3);
  });
  assert.equal(
    valuesOf(half),
    Array.from(readNpy(readFileSync(join(fixtures, "f2.npy"))).data as Float32Array),
  );
});

test("What numpy and pickle write is read, keys in their order", async () => {
  if (python === null) return console.log("SKIPPED vectors from Python: no Python with numpy");
  const names = runPython(
    `
import collections, pickle, sys
import numpy as np
x = np.arange(12, dtype="f4").reshape(3, 4) + 1
keys = ["10", "9", "µ/b"]
where = sys.argv[1] + "/"
np.savez(where + "keys.npz", keys=np.array(keys), embeddings=x)
np.savez_compressed(where + "paths.npz", embeddings=x.astype("f8"), paths=np.array(keys), extra=np.zeros(3))
np.savez(where + "bytes.npz", keys=np.array([k.encode() for k in keys]), x=x)
np.savez(where + "big.npz", keys=np.array(keys).astype(">U5"), embeddings=np.asfortranarray(x.astype(">f4")))
for protocol in range(6):
    for kind, dict_ in dict(
        plain=dict(zip(keys, x)),
        ordered=collections.OrderedDict(zip(keys, x)),
        default=collections.defaultdict(list, zip(keys, x)),
        none=collections.defaultdict(None, zip(keys, x)),
        lists=dict(zip(keys, x.tolist())),
        half=dict(zip(keys, x.astype("f2"))),
        double=dict(zip(keys, x.astype("f8"))),
        rows=dict(zip(keys, x[:, None])),
    ).items():
        with open(where + f"{kind}{protocol}.pkl", "wb") as file:
            pickle.dump(dict_, file, protocol)
import os
print("\\n".join(sorted(os.listdir(where))))
`,
    [folder],
  );
  const files = names.trim().split("\n");
  assert.is(files.length, 4 + 6 * 8);
  for (const name of files) {
    const read = await readVectors(join(folder, name));
    assert.equal(keysOf(read), ["10", "9", "µ/b"], name);
    assert.equal(valuesOf(read), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], name);
  }
});

test("What is none of it is an error that says what is accepted", async () => {
  const put = (name: string, bytes: Uint8Array | string) => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };
  const cases: [string, RegExp][] = [
    [join(folder, "absent.npz"), /does not exist\. Accepted are a folder that merging wrote/],
    [
      put("cut.npz", readFileSync(join(fixtures, "z.npz")).subarray(0, 500)),
      /cut\.npz: This is not a \.npz file/,
    ],
    ["/dev/null", /\/dev\/null is a device or pipe/],
    [put("text.npz", "hello"), /not a \.npz file/],
    [put("list.pkl", Buffer.from("80035d2e", "hex")), /holds a list\. Accepted are/],
    [put("number.pkl", Buffer.from("80034b012e", "hex")), /holds number\. Accepted are/],
    [put("flat.npy", writeNpy(new Float32Array(8))), /shape of \(8\), not of \(rows, dimension\)/],
    [put("cube.npy", writeNpy(new Float32Array(8), { shape: [2, 2, 2] })), /shape of \(2, 2, 2\)/],
    [put("whole.npy", writeNpy(new Int16Array(8), { shape: [2, 4] })), /int16.*x\.astype\("f4"\)/],
  ];
  for (const [path, pattern] of cases)
    await readVectors(path).then(
      () => assert.unreachable(path),
      (error) => assert.match(error.message, pattern),
    );
  if (python === null) return;
  runPython(
    `
import pickle, sys
import numpy as np
x = np.ones((3, 4), "f4")
np.savez(sys.argv[1] + "/two.npz", a=x, b=x)
np.savez(sys.argv[1] + "/few.npz", embeddings=x, keys=np.array(["a", "b"]))
np.savez(sys.argv[1] + "/twice.npz", embeddings=x, keys=np.array(["a", "b", "a"]))
np.savez(sys.argv[1] + "/objects.npz", embeddings=x, keys=np.array(["a", "b", 3], dtype=object))
pickle.dump({"a": x[0], "b": 7}, open(sys.argv[1] + "/mixed.pkl", "wb"))
pickle.dump({"a": x}, open(sys.argv[1] + "/matrices.pkl", "wb"))
`,
    [folder],
  );
  for (const [name, pattern] of [
    ["twice.npz", /Rows 0 and 2 of keys are both "a"/],
    ["two.npz", /None of its arrays \(a, b\) is called embeddings/],
    ["few.npz", /2 keys for 3 embeddings/],
    ["objects.npz", /np\.array\(keys, dtype=str\)/],
    ["mixed.pkl", /"b" is not a vector, as the others are/],
    ["matrices.pkl", /"a" has a shape of \(3, 4\)/],
  ] as const)
    await readVectors(join(folder, name)).then(
      () => assert.unreachable(name),
      (error) => assert.match(error.message, pattern),
    );
});

test("Parquet and archives of Kaldi that hold no vectors, or half of one, are told with the place", async () => {
  const fails = (name: string) =>
    readVectors(join(folder, name)).then(
      () => "",
      (error: Error) => error.message,
    );
  const at = (name: string) => join(folder, name);
  await writeTable([{ key: "a", value: 1 }], at("plain.parquet"));
  assert.match(
    await fails("plain.parquet"),
    /has no column of vectors called embedding\. Its columns are "key", "value"/,
  );
  await writeTable([{ v: Float32Array.of(1, 2) }], at("unnamed.parquet"));
  assert.equal(keysOf(await readVectors(at("unnamed.parquet"))), ["0"]);
  const rows = ["a", "a"].map((key) => ({ key, embedding: Float32Array.of(1, 2) }));
  await writeTable(rows, at("twice.parquet"));
  assert.match(await fails("twice.parquet"), /Rows 0 and 1 of the vectors are both "a"/);
  const { key, value } = arkVector("a", Float32Array.of(1, 2));
  const whole = Buffer.concat([key, value]);
  writeFileSync(at("cut.ark"), whole.subarray(0, -1));
  assert.match(await fails("cut.ark"), /cut\.ark is cut off in the vector at byte 2/);
  writeFileSync(at("text.ark"), "a  [ 1 2 ]\n");
  assert.match(await fails("text.ark"), /At byte 2 of .*text\.ark there is no binary vector of Kaldi/);
  const double = Buffer.concat([
    Buffer.from("b \0BDV \x04\x02\0\0\0", "latin1"),
    Buffer.from(Float64Array.of(0.1, 3).buffer),
  ]);
  writeFileSync(at("two.ark"), Buffer.concat([whole, double]));
  writeFileSync(at("two.scp"), "b two.ark:22\na two.ark:2\n");
  const { rows: read } = await readVectors(at("two.scp"));
  assert.equal(read, [
    { key: "b", embedding: Float32Array.of(0.1, 3) },
    { key: "a", embedding: Float32Array.of(1, 2) },
  ]);
  writeFileSync(at("command.scp"), "b gunzip -c x |\n");
  assert.match(
    await fails("command.scp"),
    /Line 1 of .*command\.scp is a command or a range, which is not read/,
  );
});

test("A damaged .npz is refused, although it unpacks", async () => {
  const bytes = readFileSync(join(fixtures, "z.npz"));
  // Amid the numbers: np.savez does not compress.
  bytes[bytes.indexOf("NUMPY") + 200]! ^= 0x40;
  writeFileSync(join(folder, "damaged.npz"), bytes);
  const error = await readVectors(join(folder, "damaged.npz")).catch((e) => e);
  assert.match(error.message, /damaged\.npz: .*\.npy is damaged \(its checksum does not hold\)/);
});

test("What is no file of vectors, and a row that cannot be compared, are said with the file and what to do", async () => {
  const message = (name: string) =>
    readComparableVectors(join(folder, name)).then(
      () => "",
      (error: Error) => error.message,
    );
  writeFileSync(join(folder, "export.jsonl"), '{"key":"a","embedding":[1,2]}\n');
  assert.match(await message("export.jsonl"), /export\.jsonl is no pickle, nor .* Accepted are a folder/);
  for (const [bad, said] of [
    [[Number.NaN, 1], /bad\.npy: Row 1 holds NaN\. .* leave it out, or extract it again/],
    [[1, Infinity], /bad\.npy: Row 1 holds Infinity/],
    [[0, 0], /bad\.npy: Row 1 is a zero vector.* Leave it out, or extract it again/],
  ] as const) {
    writeFileSync(join(folder, "bad.npy"), writeNpy(Float32Array.of(1, 2, ...bad), { shape: [2, 2] }));
    assert.match(await message("bad.npy"), said);
    // Trials may not need that row.
    assert.is((await readVectors(join(folder, "bad.npy"))).n, 2);
  }
});

test.run();
