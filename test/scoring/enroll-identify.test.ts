import { suite } from "uvu";
import * as assert from "uvu/assert";
import { calibrate } from "../../src/scoring/calibrate.js";
import { cosine } from "../../src/scoring/cosine.js";
import { detCurve } from "../../src/scoring/det-curve.js";
import { enroll } from "../../src/scoring/enroll.js";
import { equalErrorRate } from "../../src/scoring/equal-error-rate.js";
import { identify } from "../../src/scoring/identify.js";
import { minDcf } from "../../src/scoring/min-dcf.js";
import { neighbourRows } from "../../src/scoring/neighbour-rows.js";
import { scoreTrials } from "../../src/scoring/score-trials.js";
import { similarity } from "../../src/similarity/similarity.js";
import { madeUp, near, referenceUtterances } from "../analysis/reference.js";
import { expected, nearestPoint, noisy, pairs } from "./reference.js";

const enrolment = suite("enroll");
/** The first three utterances of each speaker enrol it, all others are tests. */
const firstThree = (() => {
  const seen = new Map<string, number>();
  return noisy.filter(({ speakerId }) => {
    seen.set(speakerId, (seen.get(speakerId) ?? 0) + 1);
    return seen.get(speakerId)! <= 3;
  });
})();
enrolment("of three each scores as the reference does", async () => {
  const models = enroll(firstThree);
  const trials = models.flatMap(({ key }) =>
    noisy
      .filter((utterance) => !firstThree.includes(utterance) || `test-other_${utterance.speakerId}` !== key)
      .map((utterance) => ({
        enroll: key,
        test: utterance.key,
        isTarget: `test-other_${utterance.speakerId}` === key,
      })),
  );
  const want = expected.enrol3_unit_mean;
  assert.is(trials.length, want.trials);
  const scored = await scoreTrials(trials, [...models, ...noisy]);
  assert.ok(
    near(
      scored.slice(0, 10).map(({ score }) => score),
      want.first_scores,
      1e-6,
    ),
  );
  assert.ok(near(nearestPoint(detCurve(scored, { maxPoints: Infinity })), want.eer, 1e-9));
  assert.ok(near(equalErrorRate(scored).eer, want.eer, 0.01));
  for (const pTarget of [0.01, 0.05, 0.001])
    assert.ok(near(minDcf(scored, { pTarget }).minDcf, want[`min_dcf_${pTarget}`], 1e-9));
});
enrolment("says what each model stands on, and takes any names", () => {
  const utterances = madeUp([3, 2]).map((utterance, i) => ({ ...utterance, seconds: i + 1 }));
  assert.equal(
    enroll(utterances).map(({ key, numUtterances, seconds }) => [key, numUtterances, seconds]),
    [
      ["made_s0", 3, 6],
      ["made_s1", 2, 9],
    ],
  );
  const by = ({ speakerId }: { speakerId: string | null }) =>
    speakerId === "s0" ? null : `voice of ${speakerId}`;
  assert.equal(
    enroll(utterances, { by }).map(({ key }) => key),
    ["voice of s1"],
  );
  assert.is(enroll(madeUp([1]))[0].seconds, null);
});
enrolment("averages unit vectors, by duration if asked", () => {
  const two = [
    { key: "a", speakerId: "s", embedding: new Float32Array([10, 0]), seconds: 3 },
    { key: "b", speakerId: "s", embedding: new Float32Array([0, 1]), seconds: 1 },
  ];
  assert.equal(Array.from(enroll(two)[0].embedding), [0.5, 0.5]);
  assert.equal(Array.from(enroll(two, { byDuration: true })[0].embedding), [0.75, 0.25]);
});
enrolment("refuses what cannot enrol anybody", () => {
  const [one] = madeUp([1]);
  assert.throws(() => enroll([]), /no utterances to enrol/);
  assert.throws(() => enroll([{ ...one, speakerId: null }]), /Nobody knows whose voice made_s0_u0 is/);
  assert.throws(() => enroll([one], { by: () => null }), /left out every utterance/);
  assert.throws(() => enroll([one], { byDuration: true }), /does not say how many seconds/);
  const other = (embedding: number[]) => ({ ...one, key: "other", embedding: new Float32Array(embedding) });
  assert.throws(() => enroll([one, other([1])]), /other has 1 value, that of made_s0_u0 has 16/);
  assert.throws(() => enroll([one, other(Array(16).fill(0))]), /other is a zero vector/);
  assert.throws(() => enroll([one, other(Array(16).fill(Number.NaN))]), /not finite/);
  const opposite = other(Array.from(one.embedding, (x) => -x));
  assert.throws(() => enroll([one, opposite]), /opposite directions/);
});
enrolment.run();

const identification = suite("identify");
const utterances = referenceUtterances();
const queries = utterances.filter((_, i) => i % 10 >= 7);
const models = enroll(utterances.filter((_, i) => i % 10 < 7));
identification("names the speaker of every query, best first", async () => {
  const rows = await identify(queries, models, { topK: 3 });
  assert.is(rows.length, 3 * queries.length);
  for (const [q, { key, dataset, speakerId, embedding }] of queries.entries()) {
    const own = rows.slice(3 * q, 3 * q + 3);
    assert.ok(own.every(({ query }) => query === key));
    assert.equal(
      own.map(({ rank }) => rank),
      [1, 2, 3],
    );
    assert.is(own[0].key, `${dataset}_${speakerId}`);
    const scores = models.map((model) => cosine(embedding, model.embedding)).sort((a, b) => b - a);
    assert.ok(
      near(
        own.map(({ score }) => score),
        scores.slice(0, 3),
        1e-6,
      ),
    );
    assert.is(own[0].probability, null);
  }
});
identification("says nobody of a stranger, with the score of the nearest", async () => {
  const [stranger] = models;
  const rows = await identify(queries.slice(0, 4), models.slice(1), { threshold: 0.5 });
  const isStranger = (i: number) => `${queries[i].dataset}_${queries[i].speakerId}` === stranger.key;
  assert.ok(isStranger(0) && !isStranger(3));
  assert.equal([rows[0].key, rows[0].rank], ["nobody", 1]);
  assert.ok(rows[0].score < 0.5);
  const last = rows.filter(({ query }) => query === queries[3].key);
  assert.equal(
    last.map(({ key }) => key),
    [`${queries[3].dataset}_${queries[3].speakerId}`],
  );
});
identification("gives probabilities that sum to one with that of a stranger", async () => {
  const calibration = calibrate(await scoreTrials(pairs, noisy));
  const rows = await identify(noisy.slice(0, 5), enroll(noisy.slice(20)), {
    topK: 8,
    calibration,
    prior: 0.8,
  });
  for (let q = 0; q < 5; q++) {
    const own = rows.filter(({ query }) => query === noisy[q].key);
    const odds = own.map(
      ({ score }) => Math.exp(calibration.toLogLikelihoodRatio(score)) * (0.8 / own.length),
    );
    const total = odds.reduce((sum, x) => sum + x, 0.2);
    assert.is(own.length, 8);
    assert.ok(
      near(
        own.map(({ probability }) => probability),
        odds.map((x) => x / total),
        1e-5,
      ),
    );
    const [none] = await identify([noisy[q]], enroll(noisy.slice(20)), {
      threshold: 1,
      calibration,
      prior: 0.8,
    });
    assert.ok(near(none.probability, 0.2 / total, 1e-5));
  }
});
identification("refuses what makes no sense", async () => {
  const refused = async (pattern: RegExp, ...args: Parameters<typeof identify>) => {
    const error = await identify(...args).then(
      () => undefined,
      (reason) => reason,
    );
    assert.match(String(error?.message), pattern);
  };
  await refused(/There are no queries/, [], models);
  await refused(/Nobody is enrolled/, queries, []);
  await refused(/topK is 0/, queries, models, { topK: 0 });
  await refused(/threshold is 7/, queries, models, { threshold: 7 });
  await refused(/prior is 1/, queries, models, { prior: 1 });
  await refused(/Two of the enrolled are called/, queries, [models[0], models[0]]);
  await refused(/called "nobody"/, queries, [{ ...models[0], key: "nobody" }]);
  await refused(/they are of two models/, queries, enroll(madeUp([2])));
});
identification.run();

const neighbours = suite("neighbourRows");
neighbours("names the neighbours of a comparison", async () => {
  const rows = neighbourRows(await similarity(utterances, { topK: 2 }));
  assert.is(rows.length, 200);
  assert.equal([rows[0].query, rows[1].query, rows[1].rank], [utterances[0].key, utterances[0].key, 2]);
  assert.ok(rows.every(({ query, key }) => query.split("_")[1] === key.split("_")[1]));
  const part = neighbourRows(await similarity(utterances, { topK: 1, rowRange: [50, 52], against: models }));
  assert.equal(
    part.map(({ query }) => query),
    [utterances[50].key, utterances[51].key],
  );
  assert.ok(part.every(({ query, key }) => query.startsWith(`${key}_`)));
  const without = await similarity(utterances);
  assert.throws(() => neighbourRows(without), /looked for no neighbours/);
});
neighbours.run();
