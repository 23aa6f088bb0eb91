import { test } from "uvu";
import * as assert from "uvu/assert";
import { faultOdds, tailOdds } from "../../src/audit/fault-odds.js";
import { quantile } from "../../src/vectors/quantile.js";

test("faultOdds asks the more of a score the more pairs are possible", () => {
  const scores = Float64Array.of(30, 28, 9, -40);
  assert.ok(faultOdds(scores, 100)(9) > 0);
  assert.ok(faultOdds(scores, 1e6)(9) < 0);
});

test("faultOdds expects the more faults the more scores speak for them", () => {
  const few = faultOdds(Float64Array.of(30), 10_000)(6);
  const many = faultOdds(new Float64Array(20).fill(30), 10_000)(6);
  assert.ok(many - few > 2.5, `${few} ${many}`);
});

test("faultOdds finds nothing where no score speaks for a fault", () => {
  const oddsOf = faultOdds(Float64Array.of(2, 1, 0.5, -3), 1_000);
  assert.ok(oddsOf(2) < 0);
});

test("tailOdds takes scores for faults that lie beyond the tail of the others", () => {
  const rest = Array.from({ length: 60 }, (_, i) => -10 - Math.log(1 - i / 60));
  const oddsOf = tailOdds(Float64Array.of(...rest, 8, 9, 12), { most: 15, tail: 30 });
  assert.ok(oddsOf(8) > 0);
  assert.is(oddsOf(-1), -Infinity);
});

test("tailOdds takes the end of a long tail for no fault", () => {
  const rest = Array.from({ length: 60 }, (_, i) => -3 * Math.log(1 - i / 60));
  const oddsOf = tailOdds(Float64Array.from(rest), { most: 15, tail: 30 });
  assert.ok(oddsOf(Math.max(...rest)) < 0);
});

test("quantile lies between neighbours", () => {
  assert.is(quantile(Float64Array.of(1, 2, 4), 0.75), 3);
});

test.run();
