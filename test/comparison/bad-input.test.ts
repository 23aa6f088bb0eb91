import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compareVectors } from "../../src/comparison/compare-vectors.js";
import { highSimilarityPairs } from "../../src/comparison/high-similarity-pairs.js";
import { MatrixFile } from "../../src/comparison/matrix-file.js";
import { pairsInMatrix } from "../../src/comparison/pairs-in-matrix.js";
import { readSimilarity } from "../../src/comparison/read-similarity.js";
import { writeNpy } from "../../src/format/npy.js";
import { similarity } from "../../src/similarity/similarity.js";
import { readVectors } from "../../src/store/read-vectors.js";
import { vectors } from "../similarity/vectors.js";

const folder = mkdtempSync(join(tmpdir(), "similarity bad "));
test.after(() => rmSync(folder, { recursive: true }));

const rows = (...embeddings: number[][]) =>
  embeddings.map((values, i) => ({ key: `speaker_${i}`, embedding: Float32Array.from(values) }));

async function fails(job: () => Promise<unknown>, tag: string, pattern: RegExp): Promise<void> {
  const error = await job().then(
    () => undefined,
    (reason) => reason,
  );
  assert.ok(error, `expected an error like ${pattern}`);
  assert.is(error.tag, tag, error.message);
  assert.match(error.message, pattern);
}

test("A NaN, an infinite value, a zero vector and another dimension are errors that name the row", async () => {
  await fails(() => similarity(rows([1, 2], [3, Number.NaN])), "invalid", /Row 1 \(speaker_1\).*NaN/);
  await fails(() => similarity(rows([1, 2], [3, Infinity])), "invalid", /speaker_1.*Infinity/);
  await fails(() => similarity(rows([1, 2], [0, 0])), "invalid", /speaker_1.*zero vector/);
  await fails(() => similarity(rows([1, 2], [1, 2, 3])), "invalid", /speaker_1.*3 values, row 0 has 2/);
  await fails(
    () => similarity(rows([1, 2]), { against: rows([1, 2, 3]) }),
    "invalid",
    /have 2 numbers.*with 3/,
  );
  await fails(
    () => similarity({ data: new Float32Array(5), rows: 2, columns: 3 }),
    "invalid",
    /5 values.*2 x 3/,
  );
});

test("Values far from 1 are no trouble", async () => {
  const { statistics } = await similarity(rows([1e-30, 2e-30], [2e30, 4e30], [-1e-38, 5e-39]));
  assert.is(statistics.max.toFixed(6), "1.000000");
  assert.is(statistics.min.toFixed(6), "0.000000");
});

test("Options out of range are errors", async () => {
  const two = rows([1, 2], [2, 1]);
  for (const threshold of [1.1, -1.5, Number.NaN])
    await fails(() => similarity(two, { threshold }), "invalid", /threshold.*between -1 and 1/);
  await fails(() => similarity(two, { topK: -1 }), "invalid", /topK/);
  await fails(() => similarity(two, { topK: 1.5 }), "invalid", /topK/);
  await fails(() => similarity(two, { maxPairs: -1 }), "invalid", /maxPairs/);
  await fails(() => similarity(two, { rowRange: [0, 3] }), "invalid", /row range.*0:3.*0:2/);
  await fails(() => similarity(two, { backend: "webgl" }), "unknown", /webgl.*onnx or tensorflow/);
});

test("The pairs of other speakers are refused", async () => {
  const result = await similarity(rows([1, 2], [2, 1]));
  assert.throws(() => highSimilarityPairs(result, []), /0.*2/);
  const speakers = ["a", "b"].map((key) => ({ key, dataset: "d", speakerId: key, numUtterances: 1 }));
  assert.throws(() => highSimilarityPairs(result, speakers, { threshold: Number.NaN }), /threshold is NaN/);
  assert.throws(() => pairsInMatrix(result.matrix!, Number.NaN), /threshold is NaN/);
});

test("A .npy file that is cut off, of integers or of one axis is refused before any work", async () => {
  const good = writeNpy(vectors(20, 8).data, { shape: [20, 8] });
  const cases: [string, Uint8Array, string, RegExp][] = [
    ["cut.npy", good.slice(0, 300), "invalid", /300 of 768 bytes.*20 x 8/],
    ["header.npy", good.slice(0, 40), "invalid", /header/],
    ["integers.npy", writeNpy(new Int32Array(8), { shape: [4, 2] }), "unsupported", /int32.*astype/],
    ["flat.npy", writeNpy(new Float32Array(8)), "invalid", /shape of \(8\)/],
    ["empty.npy", writeNpy(new Float32Array(), { shape: [0, 8] }), "invalid", /no vectors/],
  ];
  for (const [name, bytes, tag, pattern] of cases) {
    writeFileSync(join(folder, name), bytes);
    await fails(() => compareVectors(join(folder, name), join(folder, "out")), tag, pattern);
  }
  await fails(
    () => compareVectors(join(folder, "absent.npy"), join(folder, "out")),
    "missing",
    /absent\.npy/,
  );
});

test("float64, another byte order and Fortran order are read as what they are", async () => {
  const { data } = vectors(6, 4);
  writeFileSync(join(folder, "f8.npy"), writeNpy(Float64Array.from(data), { shape: [6, 4] }));
  const bytes = writeNpy(data, { shape: [6, 4] });
  const text = Buffer.from(bytes);
  text.write(text.toString("latin1", 0, 128).replace("<f4", ">f4"), "latin1");
  text.subarray(128).swap32();
  writeFileSync(join(folder, "big.npy"), text);
  const turned = Float32Array.from({ length: 24 }, (_, at) => data[(at % 6) * 4 + Math.floor(at / 6)]);
  const fortran = Buffer.from(writeNpy(turned, { shape: [6, 4] }));
  fortran.write(
    fortran.toString("latin1", 0, 128).replace("'fortran_order': False", "'fortran_order': True "),
    "latin1",
  );
  writeFileSync(join(folder, "fortran.npy"), fortran);
  for (const name of ["f8.npy", "big.npy", "fortran.npy"])
    assert.equal((await readVectors(join(folder, name))).rows, { data, rows: 6, columns: 4 }, name);
});

test("A matrix file that fails leaves nothing behind", async () => {
  const place = join(folder, "full");
  const file = await MatrixFile.create(join(place, "m.npy"), [2, 2]);
  await file.write(Float32Array.of(1, 2));
  assert.equal(
    readdirSync(place).map((name) => name.endsWith(".tmp")),
    [true],
  );
  await file.discard();
  assert.equal(readdirSync(place), []);
});

test("A matrix file that cannot be written names its path, as a full disk would", async () => {
  const path = join(folder, "closed", "m.npy");
  const file = await MatrixFile.create(path, [2, 2]);
  await (file as unknown as { file: { close(): Promise<void> } }).file.close();
  const error = await file.write(Float32Array.of(1, 2)).then(
    () => undefined,
    (reason: NodeJS.ErrnoException) => reason,
  );
  assert.is(error?.path, path);
  assert.ok(error?.message.includes(path), error?.message);
  assert.equal(readdirSync(join(folder, "closed")), []);
});

test("An interrupt keeps nothing half-written", async () => {
  const place = join(folder, "interrupted");
  const controller = new AbortController();
  writeFileSync(join(folder, "many.npy"), writeNpy(vectors(2500, 16).data, { shape: [2500, 16] }));
  const onProgress = () => controller.abort("enough");
  await fails(
    () =>
      compareVectors(join(folder, "many.npy"), place, {
        abortSignal: controller.signal,
        onProgress,
        topK: 5,
      }),
    "interrupted",
    /Comparing was stopped/,
  );
  assert.not.ok(existsSync(place));
});

test("What is no similarity file is refused", () => {
  assert.throws(() => readSimilarity(folder), /does not exist/);
  writeFileSync(join(folder, "speaker_similarity.json"), "[]");
  assert.throws(() => readSimilarity(folder), /speaker_keys/);
  writeFileSync(join(folder, "speaker_similarity.json"), '{"speaker_keys": [');
  assert.throws(() => readSimilarity(folder), /JSON/);
});

test("A part of a similarity file that is of another kind is an error that names the file", () => {
  const place = mkdtempSync(join(folder, "parts "));
  const path = join(place, "speaker_similarity.json");
  const info = { dataset: "d", speaker_id: "a", num_utterances: 1 };
  const pair = { speaker1: "d_a", speaker2: "d_a", similarity: 1, speaker1_info: info, speaker2_info: info };
  const good = {
    similarity_matrix: null,
    speaker_keys: ["d_a"],
    high_similarity_pairs: [pair],
    statistics: { mean_similarity: null },
  };
  const read = (changes: object) => {
    writeFileSync(path, JSON.stringify({ ...good, ...changes }));
    return readSimilarity(place);
  };
  assert.is(read({}).pairs.length, 1);
  const outside = join(folder, "outside.npy");
  writeFileSync(outside, writeNpy(Float32Array.of(1), { shape: [1, 1] }));
  for (const [changes, pattern] of [
    [{ similarity_matrix_file: "../outside.npy" }, /"\.\.\/outside\.npy" leads out of/],
    [{ similarity_matrix_file: 5 }, /similarity_matrix_file is 5, not text/],
    [{ similarity_matrix_file: "" }, /leads out of/],
    [{ high_similarity_pairs: [pair, null] }, /pair 2 is null/],
    [{ high_similarity_pairs: [{ ...pair, speaker2_info: null }] }, /pair 1 is/],
    [{ high_similarity_pairs: [{ ...pair, similarity: "1" }] }, /pair 1 is/],
    [{ speaker_keys: [null] }, /speaker key 1 is null/],
    [{ statistics: { mean_similarity: "high" } }, /mean_similarity is "high"/],
    [{ histogram: { edges: [0, 1], counts: null } }, /histogram/],
    [{ similarity_matrix: [[null]] }, /similarity_matrix is not 1 rows of 1 numbers/],
    [{ similarity_matrix: [null] }, /similarity_matrix is not/],
    [{ similarity_matrix: "x" }, /similarity_matrix is not/],
  ] as const)
    assert.throws(
      () => read(changes),
      (error: { tag: string; message: string }) =>
        error.tag === "invalid" && error.message.includes(path) && pattern.test(error.message),
      `${JSON.stringify(changes)} gives no error like ${pattern}`,
    );
});

test.run();
