import { test } from "uvu";
import * as assert from "uvu/assert";
import { quantile, rebin, roundBins, total } from "../../src/charts/bins.js";
import { histogramOf } from "../../src/similarity/histogram.js";
import { numpy, reference } from "./data.js";

const near = (actual: number, expected: number, within: number) =>
  assert.ok(Math.abs(actual - expected) <= within, `${actual} is not within ${within} of ${expected}`);

test("quantile agrees with numpy to a bin's width", () => {
  near(quantile(reference.histogram, 0.25), numpy.q1, 0.01);
  near(quantile(reference.histogram, 0.5), numpy.median, 0.01);
  near(quantile(reference.histogram, 0.75), numpy.q3, 0.01);
  near(quantile(reference.histogram, 0.9), numpy.p90, 0.02);
});

test("quantile of nothing is NaN", () => {
  assert.ok(Number.isNaN(quantile(histogramOf([[]]), 0.5)));
});

test("rebin loses no pair and keeps every bin in one bar", () => {
  for (const histogram of [
    reference.histogram,
    histogramOf([[-1, 1]]),
    histogramOf([[0.5]]),
    histogramOf([[-1, 0.3, 0.31]]),
  ]) {
    const bins = rebin(histogram);
    assert.is(
      bins.reduce((sum, { count }) => sum + count, 0),
      total(histogram),
    );
    assert.ok(bins[0].count > 0 && bins[bins.length - 1].count > 0);
    assert.ok(bins.length <= 60);
    for (const [k, { from, to }] of bins.entries()) {
      assert.ok(from < to);
      if (k > 0) assert.is(from, bins[k - 1].to);
    }
  }
});

test("rebin of nothing is empty", () => {
  assert.equal(rebin(histogramOf([[]])), []);
});

test("histogramOf counts the ends into the outermost bins and leaves NaN out", () => {
  const { counts } = histogramOf([[-1, 1, 1.0000002, Number.NaN, 0.005]]);
  assert.is(counts[0], 1);
  assert.is(counts[199], 2);
  assert.is(counts[100], 1);
  assert.is(total(histogramOf([[Number.NaN]])), 0);
});

test("histogramOf counts an edge into the bin that begins there, whatever its product with 100", () => {
  const { edges, counts } = histogramOf([Array.from({ length: 200 }, (_, b) => (b - 100) / 100)]);
  assert.equal(counts, new Float64Array(200).fill(1));
  assert.is(edges[129], 0.29);
});

test("roundBins counts a value on an edge into the bin that begins there", () => {
  for (const width of [0.001, 0.1, 0.2, 0.5, 1, 5])
    for (const first of [1, 3, 29, 57]) {
      const values = Array.from({ length: 20 }, (_, k) => Number(((first + k) * width).toPrecision(12)));
      // Twenty times the width needs bins of that width.
      const bins = roundBins(values);
      assert.equal(
        bins.map(({ from }) => from),
        values,
      );
      assert.ok(bins.every(({ count }) => count === 1));
    }
});

test("roundBins keeps the edges of large values apart", () => {
  const bins = roundBins([12345678, 12345679, 12345690]);
  assert.equal(
    bins.filter(({ count }) => count > 0).map(({ from }) => from),
    [12345678, 12345679, 12345690],
  );
});

test("roundBins has round edges and every value", () => {
  const bins = roundBins([0.8, 3, 3.1, 27.4]);
  assert.is(
    bins.reduce((sum, { count }) => sum + count, 0),
    4,
  );
  assert.equal(bins[0].from % 1, 0);
  assert.ok(bins[0].from <= 0.8 && bins[bins.length - 1].to >= 27.4);
  assert.equal(roundBins([]), []);
  assert.is(roundBins([5, 5]).length, 1);
});

test.run();
