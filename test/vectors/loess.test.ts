import { test } from "uvu";
import * as assert from "uvu/assert";
import { loess } from "../../src/vectors/loess.js";
import { random } from "../../src/vectors/random.js";

const grid = (first: number, last: number, n = 60) =>
  Float64Array.from({ length: n }, (_, k) => first + (k / (n - 1)) * (last - first));
const near = (actual: Float64Array, wanted: (at: number) => number, at: Float64Array, within: number) =>
  at.forEach((place, k) => {
    assert.ok(Math.abs(actual[k] - wanted(place)) < within, `${place}: ${actual[k]}, not ${wanted(place)}`);
  });

test("points on a straight line give that line, at its ends too", () => {
  const x = grid(1, 9, 200);
  const at = grid(1, 9);
  near(
    loess(
      x,
      x.map((v) => 2 - 0.3 * v),
      at,
    ),
    (v) => 2 - 0.3 * v,
    at,
    1e-9,
  );
});

test("gross outliers do not bend the line", () => {
  const next = random(3);
  const x = grid(0, 10, 400);
  const y = x.map((v, i) => 0.5 + 0.02 * v + 0.05 * (next() - 0.5) - (i % 10 === 0 ? 3 : 0));
  const at = grid(0, 10);
  near(loess(x, y, at), (v) => 0.5 + 0.02 * v, at, 0.02);
  assert.ok(loess(x, y, at, { robustFits: 0 })[30] < 0.5, "without robust fits they do");
});

test("the line is smooth where points crowd, and where they are few", () => {
  const next = random(5);
  const lengths = [...Array.from({ length: 1000 }, () => 3 + 0.1 * next()), ...grid(4, 30, 25)];
  const x = Float64Array.from(lengths).sort();
  const y = x.map((v) => 0.8 - 0.4 / v + 0.3 * (next() - 0.5));
  const at = grid(x[0], x[x.length - 1]);
  // What the curve under the noise never does.
  const fall = (line: Float64Array) =>
    line.reduce((sum, value, k) => sum + (k === 0 ? 0 : Math.max(0, line[k - 1] - value)), 0);
  assert.ok(fall(loess(x, y, at)) < 0.04, `falls by ${fall(loess(x, y, at))}`);
  assert.ok(fall(loess(x, y, at, { reach: 0 })) > 0.04, "with the nearest points alone it does");
});

test("points at one place, and a single point, give their mean", () => {
  assert.equal(
    [...loess(new Float64Array([2, 2, 2]), new Float64Array([1, 2, 3]), new Float64Array([2]))],
    [2],
  );
  assert.equal([...loess(new Float64Array([2]), new Float64Array([7]), new Float64Array([2]))], [7]);
});

test.run();
