import { test } from "uvu";
import * as assert from "uvu/assert";
import { dealPeople } from "../../src/audit/deal-people.js";
import { random } from "../../src/vectors/random.js";

/** How much of the whole is on a side where it was not asked to be. */
function missed(amounts: readonly number[], sides: readonly number[], rooms: readonly number[]): number {
  const got = rooms.map(() => 0);
  sides.forEach((side, i) => {
    got[side]! += amounts[i]!;
  });
  const whole = rooms.reduce((sum, room) => sum + room);
  return rooms.reduce((sum, room, side) => sum + Math.abs(got[side]! - room), 0) / 2 / whole;
}

/** The best of all ways to put them on sides so that none is empty. */
function leastMissed(amounts: readonly number[], rooms: readonly number[]): number {
  let best = Infinity;
  const sides = amounts.map(() => 0);
  for (let way = 0; way < rooms.length ** amounts.length; way++) {
    for (let i = 0, rest = way; i < sides.length; i++, rest = Math.floor(rest / rooms.length))
      sides[i] = rest % rooms.length;
    if (new Set(sides).size === rooms.length) best = Math.min(best, missed(amounts, sides, rooms));
  }
  return best;
}

const named = (amounts: readonly number[]) => amounts.map((amount, i) => ({ name: `p${i}`, amount }));

test("dealPeople comes close to the best of all ways for few people with very unlike amounts", () => {
  let worst = 0;
  let sum = 0;
  let draws = 0;
  for (const shares of [
    [0.8, 0.1, 0.1],
    [0.6, 0.2, 0.2],
  ])
    for (let seed = 0; seed < 12; seed++) {
      const next = random(seed);
      const amounts = Array.from({ length: 7 }, () =>
        seed < 4 ? 1 + next() : seed < 8 ? next() : Math.exp(4 * next()),
      );
      const rooms = shares.map((share) => share * amounts.reduce((a, b) => a + b));
      const gap = missed(amounts, dealPeople(named(amounts), rooms), rooms) - leastMissed(amounts, rooms);
      worst = Math.max(worst, gap);
      sum += gap;
      draws++;
    }
  assert.ok(worst < 0.04, `worst ${worst}`);
  assert.ok(sum / draws < 0.006, `mean ${sum / draws}`);
});

test("dealPeople gives sides their share of the people too, and none mostly to one, where there are others", () => {
  const amounts = Array.from({ length: 400 }, (_, i) => 1000 / (i + 1));
  const all = amounts.reduce((a, b) => a + b);
  const rooms = [0.8, 0.1, 0.1].map((share) => share * all);
  const sides = dealPeople(named(amounts), rooms);
  assert.ok(missed(amounts, sides, rooms) < 0.002);
  for (const side of [1, 2]) {
    const own = amounts.filter((_, i) => sides[i] === side);
    assert.ok(Math.abs(own.length - 40) <= 4, `${own.length} people`);
    assert.ok(Math.max(...own) <= rooms[side]! / 3);
  }
});

test("dealPeople leaves those where they are who have to be on a side, and fills the sides around them", () => {
  const people = Array.from({ length: 40 }, (_, i) => ({
    name: `p${i}`,
    amount: 1 + (i % 7),
    ...(i % 5 === 0 ? { side: i % 2 } : {}),
  }));
  const all = people.reduce((sum, { amount }) => sum + amount, 0);
  const sides = dealPeople(people, [0.5 * all, 0.3 * all, 0.2 * all]);
  people.forEach(({ side }, i) => {
    if (side !== undefined) assert.is(sides[i], side);
  });
  const amounts = people.map(({ amount }) => amount);
  assert.ok(missed(amounts, sides, [0.5 * all, 0.3 * all, 0.2 * all]) < 0.01);
});

test("dealPeople deals out otherwise for every seed, as close to the shares, and alike for any order", () => {
  const next = random(2);
  const people = named(Array.from({ length: 300 }, () => Math.exp(3 * next())));
  const amounts = people.map(({ amount }) => amount);
  const rooms = [0.8, 0.1, 0.1].map((share) => share * amounts.reduce((a, b) => a + b));
  const dealt = [undefined, 1, 2].map((seed) => dealPeople(people, rooms, seed));
  for (const sides of dealt) assert.ok(missed(amounts, sides, rooms) < 0.002);
  assert.is(new Set(dealt.map((sides) => sides.join())).size, 3);
  const reversed = dealPeople([...people].reverse(), rooms, 2).reverse();
  assert.equal(reversed, dealt[2]);
});

test.run();
