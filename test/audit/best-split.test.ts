import { test } from "uvu";
import * as assert from "uvu/assert";
import { bestSplit } from "../../src/audit/best-split.js";
import { pldaScore } from "../../src/scoring/plda-score.js";

const between = Float64Array.of(4, 2);

test("bestSplit finds the split of all that speaks most for two people", () => {
  const rows = Float64Array.of(2, 0, 2.5, 0.4, -2, 0.1, -1.7, -0.6, 1.6, -0.3, 0.1, 0.2);
  const { ratio } = bestSplit(rows, between)!;
  let best = -Infinity;
  for (let mask = 0; mask < 1 << 6; mask++) {
    const set = (bit: number) => {
      const own = [...Array(6).keys()].filter((i) => ((mask >> i) & 1) === bit);
      const mean = Float64Array.from(
        [0, 1],
        (r) => own.reduce((sum, i) => sum + rows[2 * i + r], 0) / own.length,
      );
      return { count: own.length, mean };
    };
    const [a, b] = [set(1), set(0)];
    if (a.count > 1 && b.count > 1) best = Math.max(best, -pldaScore({ between }, a, b));
  }
  assert.ok(Math.abs(ratio - best) < 1e-9, `${ratio} ${best}`);
});

test("bestSplit leaves no part of one row", () => {
  const { isFirst } = bestSplit(Float64Array.of(0, 0, 0.1, 0, 0, 0.1, 9, 9), between)!;
  assert.is(
    isFirst.reduce((sum, x) => sum + x, 0),
    2,
  );
});

test("bestSplit has nothing to say about three rows", () => {
  assert.is(bestSplit(Float64Array.of(0, 0, 5, 5, 9, 9), between), undefined);
});

test.run();
