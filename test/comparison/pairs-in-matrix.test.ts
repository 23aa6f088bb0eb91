import { readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { matrixBlocks } from "../../src/comparison/matrix-file.js";
import { pairsInBlocks, pairsInMatrix } from "../../src/comparison/pairs-in-matrix.js";
import { writeNpy } from "../../src/format/npy.js";
import { put, temporaryFolder } from "../tiny.js";

const n = 60;
/** Symmetric, with many equal values. */
const data = Float32Array.from({ length: n * n }, (_, at) => {
  const [i, j] = [Math.floor(at / n), at % n].sort((a, b) => a - b) as [number, number];
  return Math.round(50 * Math.sin(i * 12.9 + j * 78.2)) / 50;
});
const matrix = { data, rows: n, columns: n };
const whole = [{ ...matrix, first: 0 }];

test("without a limit the pairs are those of the matrix", () => {
  for (const threshold of [-1, -0.2, 0.5, 0.99, 1]) {
    const { pairs, total } = pairsInBlocks(whole, threshold, 1e6);
    assert.equal(pairs, pairsInMatrix(matrix, threshold));
    assert.is(total, pairs.length);
  }
});

test("of more pairs than the limit the most similar are listed, and all are counted", () => {
  const all = pairsInMatrix(matrix, 0);
  for (const limit of [0, 1, 7, 100, all.length - 1, all.length]) {
    const { pairs, total } = pairsInBlocks(whole, 0, limit);
    assert.is(total, all.length);
    assert.equal(pairs, all.slice(0, limit));
  }
});

test("equal similarities alone fill the list in the order of the rows", () => {
  const same = [{ data: new Float32Array(n * n).fill(1), rows: n, columns: n, first: 0 }];
  const { pairs, total } = pairsInBlocks(same, 0.5, 10);
  assert.equal(
    pairs.map(({ i, j }) => [i, j]),
    Array.from({ length: 10 }, (_, k) => [0, k + 1]),
  );
  assert.is(total, (n * (n - 1)) / 2);
});

test("a matrix file is read in blocks of rows; one that is cut off or of another size is noticed", () => {
  const path = put(join(temporaryFolder(), "m.npy"), writeNpy(data, { shape: [n, n] }));
  assert.equal(pairsInBlocks(matrixBlocks(path, [n, n])!, 0, 1e6), pairsInBlocks(whole, 0, 1e6));
  assert.is(matrixBlocks(path, [n + 1, n + 1]), undefined);
  truncateSync(path, readFileSync(path).length - 1);
  assert.throws(() => pairsInBlocks(matrixBlocks(path, [n, n])!, 0, 1e6), /m\.npy is cut off/);
});

test.run();
