import { test } from "uvu";
import * as assert from "uvu/assert";
import { tiltedOdds } from "../../src/audit/tilted-odds.js";
import { random } from "../../src/vectors/random.js";

const next = random(5);
const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
const planted = Float64Array.from({ length: 300 }, () => 4 + normal());
const observedWith = (faults: number, n: number) =>
  Float64Array.from({ length: n }, (_, i) => (i < faults ? 4 + normal() : normal()));

test("tiltedOdds finds the share of faults, and the odds of every score", () => {
  const { oddsOf, expected } = tiltedOdds(observedWith(140, 2000), planted);
  assert.ok(Math.abs(expected - 140) < 20, String(expected));
  // Of two normal curves of equal width, 4 apart: log(140 / 1860) + 4 (x - 2).
  for (const x of [1, 2, 3])
    assert.ok(Math.abs(oddsOf(x) - (Math.log(140 / 1860) + 4 * (x - 2))) < 1.2, `${x} ${oddsOf(x)}`);
});

test("tiltedOdds finds next to nothing where there is no fault", () => {
  assert.ok(tiltedOdds(observedWith(0, 2000), planted).expected < 4);
});

test("tiltedOdds counts many scores in bins, with the same result", () => {
  const observed = observedWith(400, 8000);
  const { expected, oddsOf } = tiltedOdds(observed, planted);
  assert.ok(Math.abs(expected - 400) < 40, String(expected));
  assert.ok(Math.abs(oddsOf(2) - Math.log(400 / 7600)) < 1, String(oddsOf(2)));
});

test("tiltedOdds says nothing without examples of faults", () => {
  assert.is(tiltedOdds(Float64Array.of(1, 2, 3), Float64Array.of(1)).oddsOf(3), -Infinity);
});

test.run();
