import { test } from "uvu";
import * as assert from "uvu/assert";
import { makeTrials } from "../../src/scoring/make-trials.js";
import { samplePairs } from "../../src/scoring/sample-pairs.js";
import { random } from "../../src/vectors/random.js";

/** What sampling a list of all pairs gives: as many random numbers as there are pairs, in their order. */
function fromList<Item extends { session?: string }>(
  own: Item[],
  crossSession: boolean,
  count: number,
  seed: number,
) {
  const next = random(seed);
  const pairs = own.flatMap((a, i) =>
    own
      .slice(i + 1)
      .filter((b) => !crossSession || a.session === undefined || a.session !== b.session)
      .map((b) => [a, b]),
  );
  let wanted = Math.min(count, pairs.length);
  return pairs.filter((_, at) => {
    const isTaken = next() * (pairs.length - at) < wanted;
    if (isTaken) wanted--;
    return isTaken;
  });
}

test("The sample is the one that a list of all pairs gives", () => {
  const next = random(5);
  for (let round = 0; round < 60; round++) {
    const own = Array.from({ length: 1 + Math.floor(next() * 30) }, (_, name) => {
      const session = Math.floor(next() * 5);
      return session === 0 ? { name } : { name, session: String(session) };
    });
    const [crossSession, count] = [next() < 0.7, 1 + Math.floor(next() * 40)];
    assert.equal(
      samplePairs(own, crossSession, count, random(round)),
      fromList(own, crossSession, count, round),
    );
  }
});

test("A speaker of 20,000 utterances has trials like any other, evenly drawn, in a moment", () => {
  const n = 20_000;
  const many = Array.from({ length: n }, (_, i) => ({ key: `a${i}`, speakerId: "a", session: `${i % 7}` }));
  const few = Array.from({ length: 3 }, (_, i) => ({ key: `b${i}`, speakerId: "b" }));
  const { trials } = makeTrials([...many, ...few], { perSpeaker: 5000 });
  const targets = trials.filter(({ isTarget, enroll }) => isTarget && enroll.startsWith("a"));
  const places = targets.map(({ enroll, test }) => [enroll, test].map((key) => Number(key.slice(1))));
  assert.is(new Set(places.map(String)).size, 5000);
  assert.ok(places.every(([a, b]) => a! < b! && (b! - a!) % 7 !== 0));
  // The first of two even draws is below the median of the lesser one, n (1 - sqrt(1/2)), in half of the pairs.
  const low = places.filter(([a]) => a! < n * (1 - Math.SQRT1_2)).length;
  assert.ok(Math.abs(low - 2500) < 150, String(low));
  assert.equal(makeTrials([...many, ...few], { perSpeaker: 5000 }).trials, trials);
});

test.run();
