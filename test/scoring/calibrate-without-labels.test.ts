import { suite } from "uvu";
import * as assert from "uvu/assert";
import { intraInterScores } from "../../src/analysis/intra-inter-scores.js";
import { calibrateWithoutLabels } from "../../src/scoring/calibrate-without-labels.js";
import { equalErrorRate } from "../../src/scoring/equal-error-rate.js";
import { unlabelledScores } from "../../src/scoring/unlabelled-scores.js";
import { madeUp, near, referenceUtterances } from "../analysis/reference.js";
import { random } from "../format/random.js";
import { noisy } from "./reference.js";

const blind = suite("calibrateWithoutLabels");
for (const [name, utterances] of [
  ["the bundled speech", referenceUtterances()],
  ["noisy embeddings", noisy.map((row) => ({ ...row, utteranceId: row.key, path: row.key }))],
] as const)
  blind(`finds the threshold of ${name} within 0.03, whatever is drawn`, async () => {
    const { threshold: want } = equalErrorRate(intraInterScores(utterances));
    for (const seed of [1, 2, 3]) {
      const scores = await unlabelledScores(utterances, { seed });
      const { threshold, thresholdInterval, toProbability, separation } = calibrateWithoutLabels(scores, {
        seed,
      });
      assert.ok(near(threshold, want, 0.03), `${threshold}, with labels ${want}`);
      assert.ok(thresholdInterval[0] < threshold && threshold < thresholdInterval[1], `${thresholdInterval}`);
      assert.ok(thresholdInterval[1] - thresholdInterval[0] < 0.08);
      assert.ok(near(toProbability(threshold), 0.5, 1e-9));
      assert.ok(separation > 2.5);
    }
  });
blind("finds the two Gaussians that scores were drawn from", () => {
  const next = random(3);
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const scores = Float64Array.from({ length: 8000 }, (_, i) => (i % 4 === 0 ? 0.7 : 0.2) + 0.1 * normal());
  const found = calibrateWithoutLabels(scores);
  assert.ok(near([found.nonTargetMean, found.targetMean, found.deviation], [0.2, 0.7, 0.1], 0.01));
  assert.ok(near(found.targetShare, 0.25, 0.02));
  // (0.7 - 0.2) / 0.1^2
  assert.ok(near([found.scale, found.offset], [50, -22.5], 1.5), `${found.scale}`);
  assert.equal(JSON.parse(JSON.stringify(found)).threshold, found.threshold);
});
blind("pairs each utterance with its nearest and with others, none twice", async () => {
  const utterances = madeUp([6, 6, 6]);
  const scores = await unlabelledScores(utterances, { k: 3 });
  const names = scores.map(({ enroll, test }) => [enroll, test].sort().join());
  assert.is(new Set(names).size, names.length);
  assert.ok(scores.every(({ enroll, test }) => enroll !== test));
  assert.ok(utterances.every(({ key }) => scores.some(({ enroll, test }) => enroll === key || test === key)));
  assert.equal(await unlabelledScores(utterances, { k: 3 }), scores);
});
blind("takes trials that share an utterance, which a resample may lack", () => {
  const trials = Array.from({ length: 24 }, (_, i) => ({
    enroll: "hub",
    test: `t${i}`,
    score: (i < 8 ? 0.7 : 0.1) + i / 300,
  }));
  const { threshold, thresholdInterval } = calibrateWithoutLabels(trials);
  assert.ok(threshold > 0.2 && threshold < 0.7, `${threshold}`);
  assert.ok(thresholdInterval[0] <= threshold && threshold <= thresholdInterval[1], `${thresholdInterval}`);
  // Of five utterances, most resamples lack one of the two that all different scores are of.
  const few = trials.map((trial) => ({ ...trial, test: "a" }));
  few.push(...["cd", "ce", "de"].map(([enroll, test]) => ({ enroll: enroll!, test: test!, score: 0.1 })));
  const { thresholdInterval: none } = calibrateWithoutLabels(few, { resamples: 1000 });
  assert.equal(none, [Number.NaN, Number.NaN]);
});
blind("refuses what holds no two kinds", async () => {
  assert.throws(() => calibrateWithoutLabels([1, 2, 3]), /There are 3 scores, too few/);
  assert.throws(() => calibrateWithoutLabels([1, 2, 3], { resamples: Infinity }), /resamples is Infinity/);
  assert.throws(() => calibrateWithoutLabels(new Float64Array(50).fill(0.5)), /All scores are 0\.5/);
  assert.throws(() => calibrateWithoutLabels(new Float64Array(50).fill(Number.NaN)), /Score 0 is NaN/);
  const message = async (promise: Promise<unknown>) =>
    promise.then(
      () => "",
      (error) => error.message,
    );
  assert.match(await message(unlabelledScores(madeUp([4]))), /There are 4 embeddings, too few/);
  assert.match(await message(unlabelledScores(madeUp([9, 9]), { k: 0 })), /k is 0/);
});
blind.run();
