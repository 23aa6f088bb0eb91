import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { NdArray } from "../../src/format/nd-array.js";
import { float } from "../../src/format/python-float.js";
import { readPickle, readPickleDictEntries } from "../../src/format/read-pickle.js";
import { pickleDict, writePickle } from "../../src/format/write-pickle.js";
import { python, runPython } from "../python.js";
import { broken } from "./random.js";

const origin = join(__dirname, "../fixtures/origin");
const reference = (name: string) => readFileSync(join(origin, name));
const folder = mkdtempSync(join(tmpdir(), "pickle-"));
process.on("exit", () => rmSync(folder, { recursive: true }));

/** Bytes from the text of a pickle, one character a byte. */
const bytes = (text: string) => Buffer.from(text, "latin1");

const collect = async <T>(items: AsyncIterable<T>) => {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
};

interface Row {
  embedding: NdArray;
  info: Record<string, unknown>;
}

const read = suite("readPickle");
read("reads the reference files", () => {
  const { embedding, info } = readPickle(reference("utterance.pkl")) as unknown as Row;
  assert.equal([embedding.dtype, embedding.shape], ["float32", [192]]);
  assert.is(embedding.data[0], Math.fround(0.15702188));
  assert.is(embedding.data[191], Math.fround(-0.532081425));
  assert.equal(info, {
    path: "data/speech/test-other/533/533-1066-0000.flac",
    dataset: "test-other",
    speaker_id: "533",
    utterance_id: "533-1066-0000",
  });
  const speaker = readPickle(reference("speaker.pkl")) as unknown as Row;
  assert.equal(speaker.info, { dataset: "test-other", speaker_id: "533", num_utterances: 10 });
  assert.is(Object.keys(readPickle(reference("utterance_embeddings.pkl")) as object).length, 100);
});
read("never executes anything", () => {
  const attacks = [
    "cos\nsystem\n(S'echo'\ntR.",
    "cposix\nsystem\n(Vecho\ntR.",
    "\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04echo\x85R.",
    "\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.",
    "c__builtin__\nbytes\n(K\x05tR.",
    "cnumpy\nndarray\n(K\x05tR.",
    "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\ndtype\nK\x00tR.",
    "(ios\nsystem\n.",
  ];
  for (const attack of attacks)
    assert.throws(
      () => readPickle(bytes(attack)),
      (error: { tag?: string }) => error.tag === "unsupported",
      attack,
    );
  assert.throws(
    () => readPickle(bytes("cos\nsystem\n(tR."), { path: "evil.pkl" }),
    /^evil\.pkl: The pickle has the function or class "os\.system" at byte 0\..*nothing was executed/,
  );
});
read("does not let a function or a type out as a value", () => {
  assert.throws(() => readPickle(bytes("cnumpy\nndarray\n.")), /as a value/);
  assert.throws(() => readPickle(bytes("](cnumpy\nndarray\ne.")), /as a value/);
  assert.throws(() => readPickle(bytes("]cnumpy\nndarray\n\x85\x85a.")), /as a value/);
});
read("keeps a key __proto__ as a key", () => {
  const value = readPickle(bytes("}(X\x09\0\0\0__proto__K\x01X\x01\0\0\0aK\x02u.")) as Record<
    string,
    unknown
  >;
  assert.equal(Object.keys(value), ["__proto__", "a"]);
  assert.is(Object.getPrototypeOf(value), Object.prototype);
});
read("says how much is missing from a file that is cut off", () => {
  const whole = reference("speaker.pkl");
  for (let length = 0; length < whole.length; length++)
    assert.throws(
      () => readPickle(whole.subarray(0, length)),
      /The pickle is cut off: it has \d+ bytes and needs at least/,
    );
  assert.throws(() => readPickle(whole.subarray(0, 500)), /has 500 bytes and needs at least 929/);
});
read("refuses bytes after the end, values within themselves and a protocol of the future", () => {
  assert.throws(() => readPickle(bytes("N.N.")), /ends at byte 2, but 2 bytes follow/);
  assert.throws(() => readPickle(bytes("]q\0h\0a.")), /a list within itself/);
  assert.throws(() => readPickle(bytes("\x80\x06N.")), /protocol/);
});
read("refuses more array bytes than the file can hold", () => {
  // 200 bytes are stored once and 20 arrays refer to them.
  const empty = "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85C\x01b\x87R";
  const type =
    "cnumpy\ndtype\nX\x02\0\0\0u1\x89\x88\x87Rq\x01(K\x03X\x01\0\0\0|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb";
  const first = `${empty}(K\x01K\xc8\x85${type}\x89C\xc8${"\0".repeat(200)}q\0tb`;
  const again = `${empty}(K\x01K\xc8\x85h\x01\x89h\0tb`;
  assert.is((readPickle(bytes(`](${first}${again}e.`)) as NdArray[])[1].data.length, 200);
  assert.throws(
    () => readPickle(bytes(`](${first}${again.repeat(20)}e.`)),
    /arrays of \d+ bytes.*more than the \d+ bytes/,
  );
});
read("refuses bytes that are written once as text and made again and again", () => {
  const text = `X\xe8\x03\0\0${"a".repeat(1000)}`;
  const made = (reference: string) => `c_codecs\nencode\n${reference}X\x06\0\0\0latin1\x86R`;
  assert.is((readPickle(bytes(`](${made(`${text}q\0`)}e.`)) as Uint8Array[])[0].length, 1000);
  assert.throws(
    () => readPickle(bytes(`](${made(`${text}q\0`)}${made("h\0").repeat(20)}e.`)),
    /arrays of \d+ bytes.*more than the \d+ bytes/,
  );
});
read("turns the axes of an array that numpy 2.3 and later write in the order of its memory", () => {
  const turned = (order: string, axes: string) =>
    bytes(
      `\x80\x05\x8c\x13numpy._core.numeric\x8c\x0b_frombuffer\x93(\x96\x06\0\0\0\0\0\0\0\0\x01\x02\x03\x04\x05\x8c\x05numpy\x8c\x05dtype\x93\x8c\x02u1\x89\x88\x87R(K\x03\x8c\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tbK\x01K\x02K\x03\x87\x8c\x01${order}${axes}tR.`,
    );
  // np.arange(6, dtype="u1").reshape(1, 2, 3).transpose(2, 0, 1)
  assert.equal(readPickle(turned("K", "K\x02K\0K\x01\x87")), {
    data: Uint8Array.of(0, 3, 1, 4, 2, 5),
    shape: [3, 1, 2],
    dtype: "uint8",
  });
  for (const [order, axes] of [
    ["K", "K\x02K\0K\0\x87"],
    ["K", "K\x02K\0K\x03\x87"],
    ["K", "(K\0K\x01K\x02K\0t"],
    ["K", "N"],
    ["A", "N"],
  ])
    assert.throws(() => readPickle(turned(order!, axes!)), /an array in the order .* with the axes/);
});
read("gives an error or a value for any broken file", () => {
  const files = [
    reference("utterance.pkl"),
    reference("speaker_embeddings.pkl"),
    Buffer.from(writePickle(everything)),
  ];
  for (const file of files)
    for (const copy of broken(file, 4000)) {
      try {
        readPickle(copy);
      } catch (error) {
        assert.is((error as Error).name, "ScopeError", String((error as Error).stack));
      }
    }
});
read("survives deep nesting and millions of values", () => {
  assert.throws(() => readPickle(bytes("(".repeat(1e6))), /cut off/);
  assert.throws(() => readPickle(bytes(`${"]".repeat(2e6)}.`)), /1000000 values at once/);
  assert.ok(Array.isArray(readPickle(bytes(`)${"\x85".repeat(900)}.`))));
  assert.throws(() => readPickle(bytes(`)${"\x85".repeat(1e5)}.`)), /nested more than 1000 levels/);
});
read("refuses references that unfold to more values than anybody could go through", () => {
  // Each tuple, list or dict holds the one before twice: 40 levels are 2^40 values.
  const twice: Record<string, (level: number) => string> = {
    tuples: (level) => `h${String.fromCharCode(level)}h${String.fromCharCode(level)}\x86`,
    lists: (level) => `](h${String.fromCharCode(level)}h${String.fromCharCode(level)}e`,
    dicts: (level) => `}(K\x01h${String.fromCharCode(level)}K\x02h${String.fromCharCode(level)}u`,
  };
  for (const [what, level] of Object.entries(twice)) {
    let text = "\x80\x04\x8c\x03lolq\x00";
    for (let n = 0; n < 40; n++) text += `${level(n)}q${String.fromCharCode(n + 1)}`;
    assert.throws(() => readPickle(bytes(`${text}.`)), /references that unfold to more than a million/, what);
  }
  // Rows that share one dict, as Python writes them, are fine.
  const info = "}(\x8c\x01aK\x01\x8c\x01bK\x02uq\x00";
  assert.is(
    (readPickle(bytes(`\x80\x04](${info}${"h\x00".repeat(200_000)}e.`)) as unknown[]).length,
    200_001,
  );
});
read("looks at the types in a shape before it multiplies them", () => {
  const array = (shape: string) =>
    "\x80\x04cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01" +
    `${shape}cnumpy\ndtype\n\x8c\x02f4\x89\x88\x87R(K\x03\x8c\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89C\x04abcdtb.`;
  assert.equal((readPickle(bytes(array("K\x01\x85"))) as NdArray).shape, [1]);
  const shapes = {
    "an int beyond 64 bits": "\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\x01\x85",
    "a dict with a toString of its own": "}(\x8c\x08toStringK\x02\x8c\x0bconstructorNu\x85",
    "a dict with a key __proto__": "}(\x8c\x09__proto__}u\x85",
    "a float": "G\x3f\xf8\x00\x00\x00\x00\x00\x00\x85",
    "a negative number": "J\xff\xff\xff\xff\x85",
    true: "\x88\x85",
    None: "N\x85",
    text: "\x8c\x011\x85",
    "a tuple": "K\x01\x85\x85",
    "many axes": `(${"K\x01".repeat(100_000)}t`,
    "no tuple": "K\x01",
    "a dict": "}",
  };
  for (const [what, shape] of Object.entries(shapes)) {
    const error = thrownBy(() => readPickle(bytes(array(shape)), { path: "x.pkl" }));
    assert.is(error.name, "ScopeError", `${what}: ${error.stack}`);
    assert.match(error.message, /x\.pkl/, what);
  }
});
read("names what it refuses, whatever a dict in the file calls its keys", () => {
  const dict = "}(\x8c\x0bconstructorN\x8c\x08toStringNu";
  for (const text of [
    `${dict}${dict}s.`,
    `${dict}${dict}R.`,
    `${dict}${dict}b.`,
    `${dict}${dict}\x93.`,
    `${dict}Na.`,
  ]) {
    const error = thrownBy(() => readPickle(bytes(text)));
    assert.is(error.name, "ScopeError", error.stack);
  }
});
read.run();

function thrownBy(action: () => unknown): Error {
  try {
    action();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

const everything = {
  none: null,
  yes: true,
  no: false,
  ints: [
    0,
    1,
    255,
    256,
    65535,
    65536,
    -1,
    -128,
    -129,
    2 ** 31 - 1,
    2 ** 31,
    -(2 ** 31),
    -(2 ** 31) - 1,
    2 ** 53 - 1,
    2n ** 53n,
    -(2n ** 63n),
    2n ** 63n,
    2n ** 200n,
  ],
  floats: [0.5, -1.25, 1e300, 5e-324, float(3), -0],
  texts: ["", "a", "说话 é 😀", "x".repeat(255), "x".repeat(256), "y".repeat(70_000), "line\nfeed\\u0041"],
  bytes: [
    new Uint8Array(),
    Uint8Array.of(0, 255),
    new Uint8Array(300).fill(7),
    new Uint8Array(100_000).fill(9),
  ],
  nested: { a: { b: [[], {}, [[1]]] } },
  f32: Float32Array.of(1, -2.5, 1e-20),
  f64: Float64Array.of(Math.PI),
  i32: Int32Array.of(-1, 2),
  i64: BigInt64Array.of(-(2n ** 62n)),
  u16: Uint16Array.of(65535),
  matrix: { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [2, 3], dtype: "float32" },
  flags: { data: Uint8Array.of(1, 0), shape: [2], dtype: "bool" },
  number: { data: Float64Array.of(7), shape: [], dtype: "float64" },
  big: new Float32Array(40_000).fill(0.25),
  ["__proto__"]: "not the prototype",
};

const write = suite("writePickle");
write("is read back as it was", () => {
  const value = readPickle(writePickle(everything)) as Record<string, unknown>;
  assert.equal(Object.keys(value), Object.keys(everything));
  assert.equal(value.ints, everything.ints);
  assert.equal(value.floats, [0.5, -1.25, 1e300, 5e-324, 3, -0]);
  assert.ok(Object.is((value.floats as number[])[5], -0));
  assert.equal(value.texts, everything.texts);
  assert.equal(value.bytes, everything.bytes);
  assert.equal(value.matrix, everything.matrix);
  assert.equal(value.flags, everything.flags);
  assert.equal(value.f32, { data: everything.f32, shape: [3], dtype: "float32" });
  assert.equal(value.big, { data: everything.big, shape: [40_000], dtype: "float32" });
});
write("gives a Map for a dict with other keys than text", () => {
  const map = new Map<unknown, unknown>([
    [2, "b"],
    [1, "a"],
    ["c", null],
  ]);
  assert.equal(readPickle(writePickle(map)), map);
});
write("refuses what Python has no plain value for", () => {
  assert.throws(() => writePickle({ a: [undefined] }), /^value\.a\[0\] is undefined/);
  assert.throws(() => writePickle({ a: () => 1 }), /^value\.a is a function/);
  assert.throws(() => writePickle(new Date(0)), /is a Date/);
  assert.throws(() => writePickle("\ud800"), /half of a surrogate pair/);
  assert.throws(
    () => writePickle({ data: new Float32Array(3), shape: [2, 2] }),
    /has 3 numbers. It must have 4/,
  );
  const cycle: unknown[] = [];
  cycle.push(cycle);
  assert.throws(() => writePickle(cycle), /nested more than/);
});
write("names each function once however many arrays there are", () => {
  const written = Buffer.from(writePickle(Array.from({ length: 50 }, () => Float32Array.of(1))));
  assert.is(written.toString("latin1").split("_reconstruct").length, 2);
});
write.run();

const rows = (count: number) =>
  Array.from({ length: count }, (_, i): [string, unknown] => [
    `data_${i}`,
    { embedding: Float32Array.from({ length: 8 }, (_, k) => i + k / 8), speaker_id: `${i % 7}`, count: i },
  ]);

const streams = suite("pickleDict and readPickleDictEntries");
streams("agree with writePickle and readPickle for any number of entries", async () => {
  for (const count of [0, 1, 999, 1000, 1001, 3500]) {
    const whole = Buffer.concat(await collect(pickleDict(rows(count))));
    assert.equal(readPickle(whole), readPickle(writePickle(Object.fromEntries(rows(count)))), String(count));
    const entries = await collect(readPickleDictEntries(() => [whole]));
    assert.equal(Object.fromEntries(entries), readPickle(whole));
  }
});
streams("read the reference files in any pieces", async () => {
  for (const name of ["utterance_embeddings.pkl", "speaker_embeddings.pkl"]) {
    const whole = reference(name);
    const expected = readPickle(whole) as object;
    const sources = [1, 7, 1000].map(
      (size) =>
        function* () {
          for (let at = 0; at < whole.length; at += size) yield whole.subarray(at, at + size);
        },
    );
    for (const source of [...sources, () => createReadStream(join(origin, name))]) {
      const entries = await collect(readPickleDictEntries(source));
      assert.equal(Object.fromEntries(entries), expected);
      assert.equal(
        entries.map(([key]) => key),
        Object.keys(expected),
      );
    }
  }
});
streams("write in chunks and draw entries as they go", async () => {
  let drawn = 0;
  async function* entries() {
    for (const row of rows(20_000)) {
      drawn++;
      yield row;
    }
  }
  const first = await pickleDict(entries()).next();
  assert.ok(!first.done && drawn < 2000, `${drawn} entries for the first chunk`);
});
streams("tell of a cut off file before the first entry", async () => {
  const whole = Buffer.concat(await collect(pickleDict(rows(100))));
  let seen = 0;
  try {
    for await (const _ of readPickleDictEntries(() => [whole.subarray(0, 3000)], { path: "a.pkl" })) seen++;
    assert.unreachable();
  } catch (error) {
    assert.match(
      (error as Error).message,
      /^a\.pkl: The pickle is cut off: it has 3000 bytes and needs at least \d+/,
    );
  }
  assert.is(seen, 0);
});
streams("give a key that is there twice both times", async () => {
  const twice = bytes("(X\x01\0\0\0aK\x01X\x01\0\0\0aK\x02d.");
  assert.equal(await collect(readPickleDictEntries(() => [twice])), [
    ["a", 1],
    ["a", 2],
  ]);
});
streams("refuse what is not a dict with text as keys", async () => {
  const fails = async (value: Uint8Array, pattern: RegExp) => {
    try {
      await collect(readPickleDictEntries(() => [value]));
    } catch (error) {
      return assert.match((error as Error).message, pattern);
    }
    assert.unreachable();
  };
  await fails(writePickle([1, 2]), /list as its value.*must be a dict/);
  await fails(writePickle(new Map([[1, 2]])), /has 1 as a key. Every key must be text/);
  await fails(bytes("(K\x01K\x02t."), /It must be a dict/);
  await fails(bytes("N."), /It must be a dict/);
  await fails(bytes("}." + "N"), /ends at byte \d+, but 1 bytes follow/);
  await fails(bytes("}\x85."), /must be a dict|The pickle /);
});
streams("give errors or entries for any broken file", async () => {
  for (const copy of broken(reference("speaker_embeddings.pkl"), 1500, 2)) {
    try {
      await collect(readPickleDictEntries(() => [copy.subarray(0, 999), copy.subarray(999)]));
    } catch (error) {
      assert.is((error as Error).name, "ScopeError", String((error as Error).stack));
    }
  }
});
streams.run();

const inPython = suite("pickle and Python");
if (python === null) {
  console.log("SKIPPED pickle against Python: there is no Python with numpy");
} else {
  inPython("Python loads what is written here, without a warning and with the right types", () => {
    const path = join(folder, "everything.pkl");
    writeFileSync(path, writePickle(everything));
    const text = runPython(
      `
import pickle, sys, numpy as np
with open(sys.argv[1], "rb") as file: v = pickle.load(file)
assert v["none"] is None and v["yes"] is True and v["no"] is False
assert v["ints"] == [0, 1, 255, 256, 65535, 65536, -1, -128, -129, 2**31-1, 2**31, -2**31, -2**31-1, 2**53-1, 2**53, -2**63, 2**63, 2**200]
assert all(type(n) is int for n in v["ints"]) and all(type(x) is float for x in v["floats"])
assert str(v["floats"]) == "[0.5, -1.25, 1e+300, 5e-324, 3.0, -0.0]"
assert v["texts"] == ["", "a", "说话 é 😀", "x" * 255, "x" * 256, "y" * 70000, "line\\nfeed\\\\u0041"]
assert v["bytes"] == [b"", b"\\0\\xff", b"\\7" * 300, b"\\x09" * 100000]
assert v["nested"] == {"a": {"b": [[], {}, [[1]]]}} and v["__proto__"] == "not the prototype"
for name, dtype, shape in ("f32", "<f4", (3,)), ("f64", "<f8", (1,)), ("i32", "<i4", (2,)), ("i64", "<i8", (1,)), ("u16", "<u2", (1,)), ("matrix", "<f4", (2, 3)), ("flags", "|b1", (2,)), ("number", "<f8", ()), ("big", "<f4", (40000,)):
    a = v[name]
    assert type(a) is np.ndarray and a.dtype == np.dtype(dtype) and a.shape == shape and a.flags.writeable, name
assert v["f32"].tolist() == [1, -2.5, float(np.float32(1e-20))] and v["matrix"].tolist() == [[1, 2, 3], [4, 5, 6]]
assert v["flags"].tolist() == [True, False] and v["i64"][0] == -2**62 and v["number"] == 7 and (v["big"] == 0.25).all()
print("ok")`,
      [path],
    );
    assert.is(text, "ok\n");
  });
  inPython("Python's strict unpickler in pure Python loads it too", async () => {
    const path = join(folder, "dict.pkl");
    writeFileSync(path, Buffer.concat(await collect(pickleDict(rows(3500)))));
    const text = runPython(
      `
import pickle, pickletools, sys, io
with open(sys.argv[1], "rb") as file: data = file.read()
one, two = pickle.loads(data), pickle._loads(data)
pickletools.dis(data, io.StringIO())
assert list(one) == list(two) == [f"data_{i}" for i in range(3500)]
assert all(one[k]["count"] == two[k]["count"] == i and one[k]["embedding"][1] == i + 0.125 for i, k in enumerate(one))
frames = [arg for op, arg, pos in pickletools.genops(data) if op.name == "FRAME"]
print(len(frames) > 3, max(frames) < 70000, type(one["data_1"]["count"]).__name__)`,
      [path],
    );
    assert.is(text, "True True int\n");
  });
  inPython("what Python writes is read here, in every protocol", async () => {
    runPython(
      `
import pickle, sys, numpy as np
shared = np.arange(3, dtype="f4")
value = {
    "none": None, "bools": [True, False], "ints": [0, 1, 255, 256, 65535, 65536, -1, -300, 2**31, -2**31, 2**40, -2**40],
    "bigs": [2**53, -2**63, 2**64, 10**40], "floats": [0.5, -1e-300, 1e16, 3.0], "special": [float("inf"), float("-inf"), float("nan")],
    "text": ["", "a\\n\\\\u0041\\r\\0\\x1a", "说 é 😀", "x" * 300], "bytes": [b"", b"\\0\\xff\\n", b"q" * 300], "tuples": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), ((), ((),))],
    "nested": [{}, [], {"a": [{"b": None}]}], "mixed": {1: "a", "b": 2, (1, 2): 3}, "__proto__": "own",
    "long": list(range(2500)), "wide": {f"k{i}": i for i in range(2500)},
    "shared": [shared, shared], "f4": np.arange(6, dtype="f4").reshape(2, 3), "F": np.asfortranarray(np.arange(6, dtype="f8").reshape(2, 3)),
    "be": np.arange(3, dtype=">i4"), "strided": np.arange(10, dtype="i8")[::3], "zero": np.array(3.5), "empty": np.zeros((0, 3), "u2"),
    "flags": np.array([True, False]), "half": np.array([1.5, -2], "f2"), "readonly": np.frombuffer(b"\\1\\2", "u1"),
    "scalars": [np.float32(1.5), np.float64(-2.5), np.int64(7), np.int64(2**62), np.uint8(200), np.bool_(True), np.bool_(False), np.float16(0.5)],
}
for protocol in range(6):
    with open(f"{sys.argv[1]}/p{protocol}.pkl", "wb") as file: pickle.dump(value, file, protocol)`,
      [folder],
    );
    const x300 = "x".repeat(300);
    for (let protocol = 0; protocol <= 5; protocol++) {
      const file = readFileSync(join(folder, `p${protocol}.pkl`));
      // biome-ignore lint/suspicious/noExplicitAny: the value under test has every type
      const check = (v: any) => {
        assert.is(v.none, null);
        assert.equal(v.bools, [true, false]);
        assert.equal(v.ints, [
          0,
          1,
          255,
          256,
          65535,
          65536,
          -1,
          -300,
          2 ** 31,
          -(2 ** 31),
          2 ** 40,
          -(2 ** 40),
        ]);
        assert.equal(v.bigs, [2n ** 53n, -(2n ** 63n), 2n ** 64n, 10n ** 40n]);
        assert.equal(v.floats, [0.5, -1e-300, 1e16, 3]);
        assert.equal(v.special.map(String), ["Infinity", "-Infinity", "NaN"]);
        assert.equal(v.text, ["", "a\n\\u0041\r\0\x1a", "说 é 😀", x300]);
        assert.equal(
          v.bytes.map((b: Uint8Array) => Buffer.from(b).toString("latin1")),
          ["", "\0\xff\n", "q".repeat(300)],
        );
        assert.equal(v.tuples, [[], [1], [1, 2], [1, 2, 3], [1, 2, 3, 4], [[], [[]]]]);
        assert.equal(v.nested, [{}, [], { a: [{ b: null }] }]);
        assert.equal(
          [...v.mixed],
          [
            [1, "a"],
            ["b", 2],
            [[1, 2], 3],
          ],
        );
        assert.is(Object.getOwnPropertyDescriptor(v, "__proto__")?.value, "own");
        assert.equal(
          [v.long.length, v.long[2499], Object.keys(v.wide).length, v.wide.k2499],
          [2500, 2499, 2500, 2499],
        );
        assert.equal(v.shared[0], { data: Float32Array.of(0, 1, 2), shape: [3], dtype: "float32" });
        assert.is(v.shared[0], v.shared[1]);
        assert.equal(v.f4, { data: Float32Array.of(0, 1, 2, 3, 4, 5), shape: [2, 3], dtype: "float32" });
        assert.equal(v.F, { data: Float64Array.of(0, 1, 2, 3, 4, 5), shape: [2, 3], dtype: "float64" });
        assert.equal(v.be, { data: Int32Array.of(0, 1, 2), shape: [3], dtype: "int32" });
        assert.equal(v.strided, { data: BigInt64Array.of(0n, 3n, 6n, 9n), shape: [4], dtype: "int64" });
        assert.equal(v.zero, { data: Float64Array.of(3.5), shape: [], dtype: "float64" });
        assert.equal(v.empty, { data: new Uint16Array(), shape: [0, 3], dtype: "uint16" });
        assert.equal(v.flags, { data: Uint8Array.of(1, 0), shape: [2], dtype: "bool" });
        assert.equal(v.half, { data: Float32Array.of(1.5, -2), shape: [2], dtype: "float32" });
        assert.equal(v.readonly, { data: Uint8Array.of(1, 2), shape: [2], dtype: "uint8" });
        assert.equal(v.scalars, [1.5, -2.5, 7, 2n ** 62n, 200, true, false, 0.5]);
      };
      check(readPickle(file));
      const pieces = () =>
        Array.from({ length: Math.ceil(file.length / 100) }, (_, i) => file.subarray(i * 100, i * 100 + 100));
      const entries = await collect(readPickleDictEntries(pieces));
      check(Object.fromEntries(entries));
    }
  });
  inPython("arrays of every type and layout have Python's values in every protocol", () => {
    const text = runPython(
      `
import json, pickle, sys, numpy as np
rng = np.random.default_rng(1)
def layouts(dtype):
    a = (rng.standard_normal((3, 4, 5)) * 50).astype(dtype)
    readonly = a.copy()
    readonly.setflags(write=False)
    yield from [a, a.T, np.asfortranarray(a), a.transpose(1, 0, 2), a.transpose(2, 0, 1), a.swapaxes(1, 2), a[::2, 1:, ::-1], a[:, 1, 2]]
    yield from [np.broadcast_to(a[0, 0], (4, 5)), a[:1, :1, :1], a[0, 0].copy(), np.array(a[0, 0, 0]), np.zeros((3, 0, 2), dtype), readonly]
arrays = [a for dtype in "f2 f4 f8 >f2 >f4 >f8 i1 u1 >i2 u4 b1".split() for a in layouts(dtype)]
# Bytes below 128 take one byte as text, those above two.
arrays += [np.zeros(3000, "f4"), np.full(400, 0x41414141, "u4").view("f4"), -np.ones(192, "f4"), np.full((1, 2), 0.5).view(np.matrix)]
scalars = [np.float16(1.5), np.float32(-2.5), np.float64(1e300), np.uint8(7), *np.ones(40, "b1")]
for protocol in range(6):
    with open(f"{sys.argv[1]}/arrays-{protocol}.pkl", "wb") as file: pickle.dump([arrays, {"a": {"b": tuple(arrays)}}, scalars], file, protocol, fix_imports=protocol != 1)
print(json.dumps([{"shape": a.shape, "data": a.ravel().tolist()} for a in map(np.asarray, arrays)]))`,
      [folder],
    );
    const expected = JSON.parse(text) as { shape: number[]; data: number[] }[];
    assert.is(expected.length, 11 * 14 + 4);
    for (let protocol = 0; protocol <= 5; protocol++) {
      const [list, dict, scalars] = readPickle(
        readFileSync(join(folder, `arrays-${protocol}.pkl`)),
      ) as unknown as [NdArray[], { a: { b: NdArray[] } }, unknown[]];
      for (const arrays of [list, dict.a.b])
        assert.equal(
          arrays.map(({ data, shape }) => ({ shape, data: Array.from(data as Float32Array) })),
          expected.map(({ data, shape }) => ({ shape, data: data.map(Number) })),
          `protocol ${protocol}`,
        );
      assert.equal(scalars, [1.5, -2.5, 1e300, 7, ...Array(40).fill(true)]);
    }
  });
  inPython("other classes that Python pickles are refused by name", () => {
    runPython(
      `
import pickle, sys, numpy as np, datetime
cases = dict(set={1}, date=datetime.date(2020, 1, 1), text=np.array(["a"]), object=np.array([{}], object), complex=1j, array=np.zeros(2, "c8"), when=np.array(["2020"], "M8[Y]"), type=np.dtype("f4"), structure=np.zeros(1, [("a", "f4")]), function=print)
for protocol in range(6):
    for name, value in cases.items():
        with open(f"{sys.argv[1]}/{name}-{protocol}", "wb") as file: pickle.dump([value], file, protocol)`,
      [folder],
    );
    for (const name of "set date text object complex array when type structure function".split(" "))
      for (let protocol = 0; protocol <= 5; protocol++)
        assert.throws(
          () => readPickle(readFileSync(join(folder, `${name}-${protocol}`))),
          (error: { tag?: string }) => error.tag === "unsupported",
          `${name} ${protocol}`,
        );
  });
}
inPython.run();
