import { test } from "uvu";
import * as assert from "uvu/assert";
import { heatmap, heatmapSubset } from "../../src/charts/index.js";
import type { Matrix } from "../../src/types.js";
import { reference, someMatrix } from "./data.js";

const names = (n: number) => Array.from({ length: n }, (_, i) => `data-set_speaker-${i}`);
// biome-ignore lint/suspicious/noExplicitAny: specifications are looked into wherever they have what is asked for
const specOf = (n: number, options = {}, matrix = someMatrix(n)): any =>
  heatmap({ keys: names(n), matrix }, options).spec;

test("every pair has its cell, in the order asked for", () => {
  const { keys, matrix } = reference;
  const order = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0];
  const cells = heatmap({ keys, matrix }, { order }).spec.data as { values: number[] };
  assert.is(cells.values.length, 100);
  assert.is(cells.values[0], 1);
  assert.is(cells.values[1], Math.round(matrix.data[98] * 1000) / 1000);
  assert.is(cells.values[90], Math.round(matrix.data[9] * 1000) / 1000);
});

test("the order may be typed, and may leave rows out", () => {
  const spec = heatmap(reference, { order: Uint32Array.of(3, 1) }).spec as never as {
    data: { values: number[] };
  };
  assert.is(spec.data.values.length, 4);
});

test("colours end at two different speakers, not at the diagonal, and zero is in the middle", () => {
  const { scale } = specOf(10, {}, reference.matrix).encoding.color;
  assert.equal(scale.domain, [-0.363, 0.363]);
  assert.is(scale.domainMid, 0);
  const positive = specOf(10, {}, someMatrix(10, { low: 0.3, high: 0.8 })).encoding.color.scale;
  assert.is(positive.scheme, "viridis");
  assert.ok(positive.domain[0] >= 0.3 && positive.domain[1] <= 0.8);
});

test("60 speakers all have their name on both axes, 61 have some", () => {
  assert.is(specOf(60).encoding.x.axis.values.length, 60);
  assert.is(specOf(61).encoding.x.axis.values, undefined);
  assert.is(specOf(61, { maxLabels: 61 }).encoding.y.axis.values.length, 61);
});

test("above 300 speakers a cell is the mean or the maximum of a block, without the diagonal", () => {
  const n = 700;
  const matrix = someMatrix(n);
  for (const aggregate of ["mean", "max"] as const) {
    const spec = specOf(n, { aggregate }, matrix);
    assert.match(JSON.stringify(spec.title), /in blocks of 3 × 3/);
    const size = Math.ceil(n / 3);
    assert.is(spec.data.values.length, size * size);
    for (const [a, b] of [
      [0, 0],
      [5, 17],
      [233, 100],
      [233, 233],
    ]) {
      const pairs: number[] = [];
      for (let i = a * 3; i < Math.min(n, a * 3 + 3); i++)
        for (let j = b * 3; j < Math.min(n, b * 3 + 3); j++) if (i !== j) pairs.push(matrix.data[i * n + j]);
      const expected =
        aggregate === "max" ? Math.max(...pairs) : pairs.reduce((x, y) => x + y, 0) / pairs.length;
      const value = spec.data.values[a * size + b];
      // A block of one speaker with itself holds no pair.
      if (pairs.length === 0) assert.is(value, -9);
      else assert.ok(Math.abs(value - expected) < 6e-4, `${value} ${expected}`);
    }
  }
});

test("specifications stay small at 10, 60, 300, 1,000 and 6,000 speakers with long names", () => {
  for (const n of [10, 60, 300, 1000, 6000]) {
    const matrix =
      n === 6000 ? { data: new Float32Array(n * n).fill(0.123), rows: n, columns: n } : someMatrix(n);
    const keys = Array.from({ length: n }, (_, i) => `一个很长的数据集的名字_${i}`.padEnd(60, "名"));
    const bytes = Buffer.byteLength(JSON.stringify(heatmap({ keys, matrix }).spec));
    assert.ok(bytes < 2e6, `${n}: ${bytes}`);
  }
});

test("one speaker and none are drawn too", async () => {
  assert.match(JSON.stringify(specOf(1).title), /Similarity of 1 speaker".*no pair to compare/);
  assert.match(await heatmap({ keys: [], matrix: someMatrix(0) }).toSvg(), /No speakers/);
  assert.match(await heatmap({ keys: names(1), matrix: someMatrix(1) }).toSvg(), /data-set_speaker-0/);
});

test("what is not a number is grey, like the diagonal", () => {
  const matrix = someMatrix(3);
  matrix.data[1] = matrix.data[3] = Number.NaN;
  const spec = specOf(3, {}, matrix);
  assert.is(spec.data.values[1], -9);
  assert.match(spec.encoding.color.condition.test, /-9/);
});

test("the first 50 of more are a chart of their own, which says so", () => {
  const spec = heatmapSubset({ keys: names(200), matrix: someMatrix(200) }).spec;
  assert.is((spec.data as { values: number[] }).values.length, 2500);
  assert.match(JSON.stringify(spec.title), /the first 50 of 200 speakers/);
});

test("sizes that contradict each other are refused", () => {
  const matrix: Matrix = someMatrix(3);
  assert.throws(
    () => heatmap({ keys: ["a"], matrix }),
    /A heat map of 1 keys needs a matrix of 1 x 1, not 3 x 3\./,
  );
  assert.throws(() => heatmap({ keys: names(3), matrix }, { labels: ["a"] }), /3 rows but 1 labels/);
  assert.throws(
    () => heatmap({ keys: names(3), matrix }, { order: [0, 3] }),
    /names row 3; rows run from 0 to 2/,
  );
});

test("two speakers are one number, and a scale on which it means something", () => {
  const drawn = (cosine: number) =>
    heatmap({
      keys: ["a", "b"],
      matrix: { data: Float32Array.of(1, cosine, cosine, 1), rows: 2, columns: 2 },
    }).spec as unknown as { description: string; encoding: { color: { scale: { domain: number[] } } } };
  assert.match(drawn(0.04).description, "cosine of the two speakers 0.04; the diagonal is grey");
  assert.equal(drawn(0.04).encoding.color.scale.domain, [0, 0.5]);
  assert.equal(drawn(0.9).encoding.color.scale.domain, [0, 0.9]);
});

test.run();
