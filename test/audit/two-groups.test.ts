import { test } from "uvu";
import * as assert from "uvu/assert";
import { twoGroups } from "../../src/audit/two-groups.js";
import { quantile } from "../../src/vectors/quantile.js";
import { random } from "../../src/vectors/random.js";

const next = random(5);
const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
const planted = Float64Array.from({ length: 300 }, () => 10 + 2 * normal());

test("twoGroups tells how many faults there are, and which", () => {
  const observed = Float64Array.from({ length: 5000 }, (_, i) => (i < 20 ? 10 + 2 * normal() : normal()));
  const { oddsOf, expected } = twoGroups(observed, planted, { tail: 100 });
  const logOdds = observed.map(oddsOf);
  assert.ok(Math.abs(expected - 20) < 2, String(expected));
  assert.ok(logOdds.subarray(0, 20).filter((x) => x > 0).length >= 19);
  assert.is(logOdds.subarray(20).filter((x) => x > 0).length, 0);
});

test("twoGroups finds nothing where there is no fault", () => {
  const observed = Float64Array.from({ length: 5000 }, normal);
  const logOdds = observed.map(twoGroups(observed, planted, { tail: 100 }).oddsOf);
  assert.is(logOdds.filter((x) => x > 0).length, 0);
});

test("twoGroups takes lower scores for faults where those are shifted by something unknown", () => {
  const observed = Float64Array.from({ length: 5000 }, (_, i) => (i === 0 ? 9 : normal()));
  assert.ok(
    twoGroups(
      observed,
      planted.map((x) => x + 10),
      { tail: 100 },
    ).oddsOf(9) < 0,
  );
  assert.ok(
    twoGroups(
      observed,
      planted.map((x) => x + 10),
      { tail: 100, isShifted: true },
    ).oddsOf(9) > 0,
  );
});

test("twoGroups says nothing without examples of faults", () => {
  const { oddsOf, expected } = twoGroups(Float64Array.of(1, 2, 3), Float64Array.of(1, 2, 3), { tail: 2 });
  assert.is(oddsOf(3), -Infinity);
  assert.is(expected, 0);
});

test("quantile lies between neighbours", () => {
  assert.is(quantile(Float64Array.of(1, 2, 4), 0.75), 3);
});

test.run();
