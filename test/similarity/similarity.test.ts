import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { writeNpy } from "../../src/format/npy.js";
import { backend, backendNames } from "../../src/similarity/backend.js";
import { cosineMatrix } from "../../src/similarity/cosine-matrix.js";
import { similarity } from "../../src/similarity/similarity.js";
import type { Matrix } from "../../src/types.js";
import { python, runPython } from "../python.js";
import { rowsOf, vectors } from "./vectors.js";

const n = 901;
const rows = vectors(n, 48);

/** What numpy makes of our matrix: exact where the matrix decides, float64 from the vectors for mean and deviation. */
const oracle = `
import json, sys
import numpy as np
x, m = (np.load(sys.argv[1] + name) for name in ("/x.npy", "/m.npy"))
threshold, k = float(sys.argv[2]), int(sys.argv[3])
u = x.astype(np.float64)
u /= np.linalg.norm(u, axis=1, keepdims=True)
s = u @ u.T
n = len(x)
upper = np.triu_indices(n, 1)
exact, values = s[upper], m[upper].astype(np.float64)
counts, _ = np.histogram(values, bins=np.arange(-100, 101) / 100)
counts[-1] += (values > 1).sum()
high = [(float(m[i, j]), int(i), int(j)) for i, j in zip(*upper) if m[i, j] >= threshold]
both = np.triu(m, 1)
both = (both + both.T).astype(np.float64)
np.fill_diagonal(both, -9)
index = np.argsort(-both, axis=1, kind="stable")[:, :k]
print(json.dumps(dict(
    error=float(np.abs(m - s).max()), mean=exact.mean(), std=exact.std(),
    min=values.min(), max=values.max(), median=float(np.median(values)), total=len(values),
    counts=counts.tolist(), high=sorted(high, key=lambda p: (-p[0], p[1], p[2])),
    index=index.ravel().tolist(), score=np.take_along_axis(both, index, 1).ravel().tolist())))
`;

interface Expected {
  error: number;
  mean: number;
  std: number;
  min: number;
  max: number;
  median: number;
  total: number;
  counts: number[];
  high: [number, number, number][];
  index: number[];
  score: number[];
}

function numpy(matrix: Matrix, threshold: number, k: number): Expected {
  const folder = mkdtempSync(join(tmpdir(), "similarity-"));
  try {
    writeFileSync(join(folder, "x.npy"), writeNpy(rows.data, { shape: [rows.rows, rows.columns] }));
    writeFileSync(join(folder, "m.npy"), writeNpy(matrix.data, { shape: [matrix.rows, matrix.columns] }));
    return JSON.parse(runPython(oracle, [folder, String(threshold), String(k)])) as Expected;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

for (const name of backendNames)
  test(`similarity on ${name} is what numpy finds`, async () => {
    if (python === null) return console.log("SKIPPED similarity against numpy: no Python with numpy");
    if (!(await has(name))) return console.log(`SKIPPED similarity on ${name}: no such backend here`);
    const result = await similarity(rows, { backend: name, topK: 12, threshold: 0.35 });
    const want = numpy(result.matrix!, 0.35, 12);
    assert.is(result.backend, name);
    assert.ok(want.error < 1e-6, `matrix is off by ${want.error}`);
    const { statistics: got } = result;
    assert.ok(Math.abs(got.mean - want.mean) < 1e-8, `mean ${got.mean}, ${want.mean}`);
    assert.ok(Math.abs(got.std - want.std) < 1e-8, `std ${got.std}, ${want.std}`);
    assert.equal(
      [got.min, got.max, got.median, got.totalPairs],
      [want.min, want.max, want.median, want.total],
    );
    assert.equal(Array.from(result.histogram.counts), want.counts);
    assert.is(got.highPairs, want.high.length);
    assert.ok(want.high.length > 20);
    assert.equal(
      result.pairs.map(({ similarity: s, i, j }) => [s, i, j]),
      want.high,
    );
    assert.equal(Array.from(result.neighbours!.index), want.index);
    assert.equal(Array.from(result.neighbours!.score), want.score);
  });

test("A median whose matrix is not kept is within 2e-6, mean and deviation are those of float64", async () => {
  for (const [common, seed] of [
    [0.25, 1],
    [0, 9],
    [3, 4],
  ]) {
    const some = vectors(1500, 24, { common, seed });
    const kept = await similarity(some, { matrix: true });
    const { statistics, matrix } = await similarity(some, { matrix: false });
    assert.is(matrix, undefined);
    assert.ok(Math.abs(statistics.median - kept.statistics.median) <= 2e-6);
    let [count, sum, squares] = [0, 0, 0];
    for (let i = 0; i < 1500; i++)
      for (let j = i + 1; j < 1500; j++) {
        const value = kept.matrix!.data[i * 1500 + j];
        count++;
        sum += value;
        squares += (value - kept.statistics.mean) ** 2;
      }
    assert.ok(Math.abs(statistics.mean - sum / count) < 1e-8);
    assert.ok(Math.abs(statistics.std - Math.sqrt(squares / count)) < 1e-8);
  }
});

test("Every pair is in the bin of its float32 value, also next to an edge", async () => {
  // Two-dimensional vectors whose cosine with the first one is just below, on and just above each edge.
  const cosines: number[] = [];
  for (let k = -99; k <= 99; k++) for (const step of [-2, -1, 0, 1, 2]) cosines.push(k / 100 + step * 3e-8);
  const data = new Float32Array(2 * (cosines.length + 1));
  data[0] = 1;
  for (const [i, c] of cosines.entries()) data.set([c, Math.sqrt(1 - c * c)], 2 * i + 2);
  const result = await similarity({ data, rows: cosines.length + 1, columns: 2 }, {});
  const want = new Array(200).fill(0);
  const { matrix } = result;
  for (let i = 0; i < matrix!.rows; i++)
    for (let j = i + 1; j < matrix!.rows; j++) {
      const value = matrix!.data[i * matrix!.columns + j];
      want[
        Math.min(
          199,
          result.histogram.edges.findLastIndex((edge) => value >= edge),
        )
      ]++;
    }
  assert.equal(Array.from(result.histogram.counts), want);
  assert.equal(Array.from(result.histogram.edges.slice(99, 103)), [-0.01, 0, 0.01, 0.02]);
});

test("A row range gives its part, and against gives all pairs of two sets", async () => {
  const [a, b] = [rowsOf(rows, 0, 200), rowsOf(rows, 150, 420)];
  const [whole, part] = [
    await similarity(rowsOf(rows, 0, 420), { topK: 4 }),
    await similarity(rowsOf(rows, 0, 420), { topK: 4, rowRange: [100, 300] }),
  ];
  // The rows 100 to 299 of 420 have 319 to 120 rows after them.
  assert.is(part.statistics.totalPairs, (200 * (319 + 120)) / 2);
  assert.equal(part.neighbours!.index, whole.neighbours!.index.slice(400, 1200));
  assert.equal(part.neighbours!.score, whole.neighbours!.score.slice(400, 1200));
  const across = await similarity(a, { against: b, topK: 3, threshold: 0.9 });
  assert.is(across.statistics.totalPairs, 200 * 270);
  assert.ok(
    across.pairs.some(({ i, j }) => i === 150 && j === 0),
    "the same vector in both sets is found",
  );
  const { matrix } = across;
  const values = Float64Array.from(matrix!.data).sort();
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const std = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length);
  assert.ok(Math.abs(across.statistics.mean - mean) < 1e-7);
  assert.ok(Math.abs(across.statistics.std - std) < 1e-7);
  assert.is(across.statistics.median, (values[26999] + values[27000]) / 2);
  assert.equal([across.statistics.min, across.statistics.max], [values[0], values.at(-1)]);
  const best = Array.from({ length: 270 }, (_, j) => matrix!.data[7 * 270 + j]);
  assert.is(across.neighbours!.score[7 * 3], Math.max(...best));
});

test("Rows that are all alike have that mean and no deviation, in however many pairs", async () => {
  for (const count of [2, 3, 50, 700]) {
    const data = Float32Array.from({ length: count * 3 }, (_, at) => [0.3, -0.7, 0.2][at % 3]);
    const { statistics } = await similarity({ data, rows: count, columns: 3 }, { matrix: false });
    assert.ok(Math.abs(statistics.mean - 1) < 2e-7, `mean ${statistics.mean}`);
    assert.ok(statistics.std < 1e-8, `std ${statistics.std}`);
  }
});

test("Rows longer than a product may be deep are compared exactly", async () => {
  const long = vectors(40, 500);
  const { matrix } = await similarity(long, { matrix: true });
  const row = (i: number) => long.data.subarray(i * 500, (i + 1) * 500);
  const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, k) => sum + x * b[k], 0);
  for (const [i, j] of [
    [0, 39],
    [7, 7],
    [20, 3],
  ]) {
    const cosine = dot(row(i), row(j)) / Math.sqrt(dot(row(i), row(i)) * dot(row(j), row(j)));
    assert.ok(Math.abs(matrix!.data[i * 40 + j] - cosine) < 5e-7, `${i}, ${j}`);
  }
});

test("A signal in the middle of a product harms nothing", () => {
  // A profiler sends one every fifth of a millisecond.
  const script = `
    const { similarity } = require(${JSON.stringify(join(__dirname, "../../src/similarity/similarity.ts"))});
    const data = Float32Array.from({ length: 3000 * 256 }, (_, i) => Math.sin(i * i));
    similarity({ data, rows: 3000, columns: 256 }, { topK: 3, matrix: false }).then(({ n }) => console.log("compared", n));
  `;
  const folder = mkdtempSync(join(tmpdir(), "similarity-signals-"));
  const profiler = ["--cpu-prof", "--cpu-prof-interval", "200", "--cpu-prof-dir", folder];
  try {
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      [...profiler, "--import", "tsx", "--eval", script],
      { encoding: "utf8" },
    );
    assert.match(stdout, "compared 3000", stderr);
    assert.is(status, 0, stderr);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("The list of pairs keeps the most similar, the count goes on", async () => {
  const all = await similarity(rows, { threshold: 0.2 });
  assert.ok(all.pairs.length > 3000);
  for (const maxPairs of [0, 1, 700]) {
    const few = await similarity(rows, { threshold: 0.2, maxPairs });
    assert.is(few.statistics.highPairs, all.statistics.highPairs);
    assert.equal(few.pairs, all.pairs.slice(0, maxPairs));
  }
});

test("No row, one row, two rows, the same row", async () => {
  const none = await similarity({ data: new Float32Array(), rows: 0, columns: 0 });
  assert.equal([none.n, none.statistics.totalPairs, none.pairs.length], [0, 0, 0]);
  const one = await similarity([{ key: "a", embedding: Float32Array.of(3, 4) }], { topK: 5 });
  assert.ok(Number.isNaN(one.statistics.mean) && Number.isNaN(one.statistics.median));
  assert.is(one.neighbours!.k, 0);
  assert.is(one.matrix!.data.length, 1);
  const two = await similarity(rowsOf(rows, 0, 2), { topK: 5 });
  assert.is(two.statistics.totalPairs, 1);
  assert.is(two.statistics.mean.toFixed(6), two.statistics.max.toFixed(6));
  assert.is(two.statistics.median, two.statistics.max);
  assert.ok(two.statistics.std < 1e-7);
  // The type knows what was asked for.
  assert.equal(Array.from(two.neighbours.index), [1, 0]);
  const same = { data: new Float32Array(300 * 4).fill(0.3), rows: 300, columns: 4 };
  const equal = await similarity(same, { topK: 3 });
  assert.is(equal.statistics.highPairs, (300 * 299) / 2);
  assert.ok(equal.statistics.std < 1e-7);
  assert.equal(Array.from(equal.neighbours!.index.slice(0, 9)), [1, 2, 3, 0, 2, 3, 0, 1, 3]);
});

test("The median is exact near 0 too, where floats lie close", async () => {
  const centred = vectors(901, 32, { common: 0, seed: 9 });
  const { statistics, matrix } = await similarity(centred);
  const values: number[] = [];
  for (let i = 0; i < 901; i++) for (let j = i + 1; j < 901; j++) values.push(matrix!.data[i * 901 + j]);
  values.sort((a, b) => a - b);
  const middle = values.length / 2;
  assert.is(statistics.median, (values[Math.ceil(middle) - 1] + values[Math.floor(middle)]) / 2);
  assert.ok(Math.abs(statistics.median) < 0.01);
});

test("The caller's arrays stay as they are, and two runs give the same", async () => {
  const before = rows.data.slice();
  const [a, b] = [await similarity(rows, { topK: 3 }), await similarity(rows, { topK: 3 })];
  assert.equal(rows.data, before);
  assert.equal(a, b);
});

test("The cosine matrix has the diagonal as computed", async () => {
  const { data, rows: height } = await cosineMatrix(rowsOf(rows, 0, 50));
  assert.is(height, 50);
  const whole = await similarity(rowsOf(rows, 0, 50));
  assert.equal(data, whole.matrix!.data);
  for (let i = 0; i < 50; i++) assert.ok(Math.abs(data[i * 51] - 1) < 1e-6);
});

test("Rows arrive in order when they are asked for, and a failure of who takes them is told", async () => {
  const { matrix } = await similarity(rows, { backend: "onnx" });
  for (const rowRange of [
    [0, n],
    [100, 850],
  ] as [number, number][]) {
    let next = rowRange[0];
    const onRows = async ({ data, rows: height }: Matrix, first: number) => {
      await new Promise((resolve) => setTimeout(resolve, 2));
      assert.is(first, next);
      next += height;
      assert.equal(data.slice(), matrix!.data.slice(first * n, next * n));
    };
    await similarity(rows, { backend: "onnx", matrix: false, rowRange, onRows });
    assert.is(next, rowRange[1]);
  }
  const onRows = () => Promise.reject(new Error("The disk is full."));
  await similarity(rows, { matrix: false, onRows }).then(
    () => assert.unreachable(),
    (error) => assert.is(error.message, "The disk is full."),
  );
});

test("Progress only rises and ends at the total; an abort ends the work", async () => {
  let last = -1;
  let end = 0;
  await similarity(rows, {
    onProgress: (progress) => {
      if (progress.stage !== "similarity") throw new Error("wrong stage");
      assert.ok(progress.done >= last);
      last = progress.done;
      end = progress.total;
    },
  });
  assert.is(last, end);
  const signal = AbortSignal.abort("enough");
  await similarity(rows, { abortSignal: signal }).then(
    () => assert.unreachable(),
    (error) => assert.is(error.tag, "interrupted"),
  );
});

async function has(name: string): Promise<boolean> {
  return backend(name).then(
    () => true,
    () => false,
  );
}

test.run();
