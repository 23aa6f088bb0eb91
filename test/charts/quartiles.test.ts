import { test } from "uvu";
import * as assert from "uvu/assert";
import { boxFacts } from "../../src/charts/box-plot.js";
import { cdfFacts } from "../../src/charts/cdf.js";
import { histogramOf } from "../../src/similarity/histogram.js";

/** What similarity says of some cosines. */
const summaryOf = (values: number[], median: number) => ({
  histogram: histogramOf([values]),
  statistics: {
    mean: median,
    std: 0,
    min: Math.min(...values),
    max: Math.max(...values),
    median,
    totalPairs: values.length,
    highPairs: 0,
    threshold: 0.8,
  },
});

test("quartiles lie on their sides of the median and within the extremes, where all pairs are in one bin", () => {
  const summary = summaryOf([0.8011, 0.8012, 0.8013, 0.8014], 0.80125);
  assert.is(boxFacts(summary), "min 0.80, quartiles 0.80 and 0.80 (to 0.01), median 0.80, max 0.80");
  assert.is(cdfFacts(summary), "90 % of the pairs up to 0.80, 99 % up to 0.80 (to 0.01)");
});

test.run();
