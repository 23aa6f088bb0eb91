import { test } from "uvu";
import * as assert from "uvu/assert";
import { MedianFinder } from "../../src/similarity/median.js";
import { random } from "./vectors.js";

const next = random(3);
const values = Float32Array.from({ length: 20_001 }, () => (next() + next() - 1) / 4);
const sorted = values.slice().sort();

function found(of: Float32Array, kept: number, low = -0.02, high = 0.02, shares = 1): unknown {
  const finders = Array.from({ length: shares }, () => new MedianFinder({ low, high }, kept));
  let below = 0;
  for (const [v, value] of of.entries()) {
    const finder = finders[v % shares];
    if (value < low) below++;
    else if (value < high) finder.take(Float32Array.of(value));
  }
  const joint = new MedianFinder({ low, high }, kept);
  for (const finder of finders) joint.absorb(finder.share());
  return joint.result(of.length, below);
}

test("The median is that of sorting, with values kept and with more than are kept, whole and in shares", () => {
  for (const kept of [10, 500, 1 << 20])
    for (const shares of [1, 3]) {
      assert.equal(
        found(values, kept, 0.002 - 0.02, 0.03, shares),
        { median: sorted[10_000] },
        `${kept} kept`,
      );
      const even = values.subarray(1);
      const half = even.slice().sort();
      assert.equal(found(even, kept, -0.02, 0.03, shares), { median: (half[9999] + half[10_000]) / 2 });
    }
});

test("A median outside the bracket is not found, one among many in a bucket gives a narrower bracket", () => {
  assert.is(found(values, 1 << 20, 0.1, 0.2), null);
  assert.is(found(values, 10, 0.1, 0.2), null);
  const close = Float32Array.from({ length: 1001 }, (_, i) => (i - 500) * 1e-12);
  const result = found(close, 10) as { bracket: { low: number; high: number }; below: number };
  assert.ok(
    result.bracket.low <= 0 && result.bracket.high > 0 && result.bracket.high - result.bracket.low < 2e-9,
  );
});

test.run();
