import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { DType } from "../../src/format/nd-array.js";
import { npyHeader, readNpy, readNpyHeader, writeNpy } from "../../src/format/npy.js";
import { python, runPython } from "../python.js";
import { broken } from "./random.js";

const reference = readFileSync(join(__dirname, "../fixtures/origin/similarity_matrix.npy"));
const folder = mkdtempSync(join(tmpdir(), "npy-"));
process.on("exit", () => rmSync(folder, { recursive: true }));

const write = suite("writeNpy");
write("writes the reference matrix byte for byte", () => {
  const { data, shape } = readNpy(reference);
  assert.is(Buffer.compare(writeNpy(data, { shape }), reference), 0);
});
write("takes a typed array as one row", () => {
  assert.equal(readNpy(writeNpy(Float32Array.of(1, 2))), {
    data: Float32Array.of(1, 2),
    shape: [2],
    dtype: "float32",
  });
});
write("refuses a shape that is not the number of values", () => {
  assert.throws(() => writeNpy(new Float32Array(5), { shape: [2, 3] }), /has 5 numbers. It must have 6/);
  assert.throws(() => writeNpy(new Float32Array(5), { shape: [-5, -1] }), /shape.*not negative/);
});
write("refuses data of another type than the dtype", () => {
  assert.throws(
    () => writeNpy(new Float32Array(5), { dtype: "int32" }),
    /is a Float32Array.*must be a Int32Array/,
  );
});
write.run();

const read = suite("readNpy");
read("says how many bytes are missing", () => {
  const cut = reference.subarray(0, reference.length - 4);
  assert.throws(
    () => readNpy(cut, { path: "a.npy" }),
    /^a\.npy: The array of shape \(10, 10\) has 396 bytes of data\. It must have 400\./,
  );
  assert.throws(() => readNpy(Buffer.concat([reference, Buffer.alloc(1)])), /has 401 bytes of data/);
});
read("says that other files are no .npy", () => {
  assert.throws(() => readNpy(Buffer.from("PK\x03\x04 and so on")), /no \.npy file.*50 4b 03 04/);
  assert.throws(() => readNpy(new Uint8Array()), /^0 bytes are no \.npy file/);
});
read("refuses a version of the future and a header that claims too much", () => {
  const version9 = Uint8Array.from(reference);
  version9[6] = 9;
  assert.throws(() => readNpy(version9), /has version 9\.0/);
  const long = Uint8Array.from(reference);
  long[9] = 0xff;
  assert.throws(() => readNpy(long), /claims 65398 bytes. It may have at most 10000/);
});
read("does not change the bytes it reads", () => {
  const bytes = Buffer.from(reference);
  bytes.write(">f4", bytes.indexOf("<f4"));
  const before = Buffer.from(bytes);
  readNpy(bytes);
  assert.is(Buffer.compare(bytes, before), 0);
});
read("gives an error or an array for any broken file", () => {
  const small = writeNpy(Float32Array.of(1, 2, 3, 4, 5, 6), { shape: [2, 3] });
  for (const bytes of broken(small, 5000)) {
    try {
      const { data, shape } = readNpy(bytes);
      assert.is(
        data.length,
        shape.reduce((a, b) => a * b, 1),
      );
    } catch (error) {
      assert.is((error as Error).name, "ScopeError", String(error));
    }
  }
});
read.run();

const header = suite("npyHeader");
header("ends where readNpyHeader says that the numbers begin", () => {
  const bytes = npyHeader("float32", [1_300_000, 192]);
  const { dataOffset, dataLength, shape, code } = readNpyHeader(bytes);
  assert.is(bytes.length % 64, 0);
  assert.equal(
    [dataOffset, dataLength, shape, code],
    [bytes.length, 1_300_000 * 192 * 4, [1_300_000, 192], "f4"],
  );
});
header.run();

const numpy = suite("npy and numpy");
if (python === null) {
  console.log("SKIPPED npy against numpy: there is no Python with numpy");
} else {
  numpy("agree byte for byte on every dtype and shape", () => {
    runPython(
      `
import numpy as np, sys, json
names = []
for dtype in "bool int8 uint8 int16 uint16 int32 uint32 int64 uint64 float32 float64".split():
    for shape in [(), (0,), (1,), (7,), (2, 3), (3, 0), (2, 3, 4), (1,) * 32]:
        name = f"{dtype}-{'x'.join(map(str, shape))}.npy"
        np.save(f"{sys.argv[1]}/{name}", (np.arange(np.prod(shape)) % 2 * 100).astype(dtype).reshape(shape))
        names.append([name, dtype, shape])
with open(f"{sys.argv[1]}/names.json", "w") as file: json.dump(names, file)`,
      [folder],
    );
    const names: [string, DType, number[]][] = JSON.parse(readFileSync(join(folder, "names.json"), "utf8"));
    assert.is(names.length, 88);
    for (const [name, dtype, shape] of names) {
      const bytes = readFileSync(join(folder, name));
      const array = readNpy(bytes);
      assert.equal([array.dtype, array.shape], [dtype, shape], name);
      assert.is(Buffer.compare(writeNpy(array.data, array), bytes), 0, name);
    }
  });
  numpy("agree on Fortran order, byte orders, float16 and versions 2.0 and 3.0", () => {
    const expected = JSON.parse(
      runPython(
        `
import numpy as np, sys, json, warnings
from numpy.lib import format
a = np.arange(24).reshape(2, 3, 4)
cases = dict(fortran=np.asfortranarray(a.astype("f4")), columns=np.asfortranarray(a[0].astype("i8")), big=a.astype(">f8"),
  bigint=a.astype(">i8"), bigfortran=np.asfortranarray(a.astype(">u2")),
  half=np.array([0, 1, -2.5, 65504, 6e-8, 1e-5, 0.1, np.inf], "f2"))
for name, array in cases.items(): np.save(f"{sys.argv[1]}/{name}.npy", array)
for version in (2, 0), (3, 0):
    with open(f"{sys.argv[1]}/v{version[0]}.npy", "wb") as file: format.write_array(file, a[0].astype("f4"), version)
    cases[f"v{version[0]}"] = a[0].astype("f4")
print(json.dumps({name: array.ravel().astype(float).tolist() if name != "half" else array[:7].astype(float).tolist() + [9e99] for name, array in cases.items()}))`,
        [folder],
      ),
    );
    for (const [name, values] of Object.entries<number[]>(expected)) {
      const { data } = readNpy(readFileSync(join(folder, `${name}.npy`)));
      const numbers = Array.from(data as Float64Array, (n) =>
        Number(n) === Number.POSITIVE_INFINITY ? 9e99 : Number(n),
      );
      assert.equal(numbers, values, name);
    }
  });
  numpy("numpy reads a header and the rows that were written after it", () => {
    const rows = [Float32Array.of(1, 2), Float32Array.of(3, 4.5)];
    const path = join(folder, "rows.npy");
    writeFileSync(
      path,
      Buffer.concat([npyHeader("float32", [2, 2]), ...rows.map((row) => Buffer.from(row.buffer))]),
    );
    assert.is(
      runPython("import numpy as np, sys; print(np.load(sys.argv[1]).tolist())", [path]),
      "[[1.0, 2.0], [3.0, 4.5]]\n",
    );
  });
  numpy("structures, text, complex numbers and objects are refused by name", () => {
    runPython(
      `
import numpy as np, sys
np.save(f"{sys.argv[1]}/structure.npy", np.zeros(2, [("a", "f4"), ("b", "i4")]))
np.save(f"{sys.argv[1]}/text.npy", np.array(["a"]))
np.save(f"{sys.argv[1]}/complex.npy", np.zeros(2, "c8"))
np.save(f"{sys.argv[1]}/object.npy", np.array([{}], object), allow_pickle=True)`,
      [folder],
    );
    for (const name of ["structure", "text", "complex", "object"])
      assert.throws(
        () => readNpy(readFileSync(join(folder, `${name}.npy`))),
        (error: { tag?: string }) => error.tag === "unsupported",
        name,
      );
  });
}
numpy.run();
