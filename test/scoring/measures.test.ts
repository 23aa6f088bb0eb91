import { suite } from "uvu";
import * as assert from "uvu/assert";
import { actDcf } from "../../src/scoring/act-dcf.js";
import { areaUnderCurve } from "../../src/scoring/area-under-curve.js";
import { calibrate } from "../../src/scoring/calibrate.js";
import { cllr } from "../../src/scoring/cllr.js";
import { detCurve } from "../../src/scoring/det-curve.js";
import { equalErrorRate } from "../../src/scoring/equal-error-rate.js";
import { measures } from "../../src/scoring/measures.js";
import { minCllr } from "../../src/scoring/min-cllr.js";
import { minDcf } from "../../src/scoring/min-dcf.js";
import { scoreTrials } from "../../src/scoring/score-trials.js";
import { near } from "../analysis/reference.js";
import { noisy, pairs } from "./reference.js";

const ratios = suite("cllr and minCllr");
ratios("are what their formulas say by hand", () => {
  assert.ok(near(cllr({ target: [0, 0], nonTarget: [0] }), 1, 1e-12));
  assert.ok(near(cllr({ target: [Math.log(3)], nonTarget: [-Math.log(3)] }), Math.log2(4 / 3), 1e-12));
  assert.ok(cllr({ target: [800], nonTarget: [-800] }) < 1e-300);
  // A loud wrong answer costs as many bits as it is sure.
  assert.ok(near(cllr({ target: [-700], nonTarget: [-700] }), 700 / Math.LN2 / 2, 1e-9));
  assert.is(minCllr({ target: [2, 3], nonTarget: [0, 1] }), 0);
  assert.ok(near(minCllr({ target: [0, 1], nonTarget: [2, 3] }), 1, 1e-12));
  // Pools: [1 | 0] and [1, 2]: 1 of 2 targets against 1 of 2 others, and the ends apart.
  const pooled = (Math.log2(2) * 0.5 * 2) / 2;
  assert.ok(near(minCllr({ target: [1, 4], nonTarget: [0, 2] }), pooled, 1e-12));
});
ratios("do not depend on the order of trials, and equal scores are one pool", () => {
  assert.ok(near(minCllr({ target: [1, 1], nonTarget: [1, 1] }), 1, 1e-12));
  const scores = { target: [3, 1, 2, 2], nonTarget: [2, 0, 1, -1] };
  const turned = { target: scores.target.toReversed(), nonTarget: scores.nonTarget.toReversed() };
  assert.is(minCllr(scores), minCllr(turned));
});
ratios.run();

const other = suite("actDcf and areaUnderCurve");
other("decide at the threshold of the prior", () => {
  const llrs = { target: [5, 3, 1], nonTarget: [-5, -3, 4] };
  // log(0.99 / 0.01) = 4.6: two targets are missed, nothing is let in.
  const at = actDcf(llrs, { pTarget: 0.01 });
  assert.ok(near([at.actDcf, at.threshold], [2 / 3, Math.log(99)], 1e-12));
  // At a prior of one half the threshold is 0: one false alarm.
  assert.ok(near(actDcf(llrs, { pTarget: 0.5 }).actDcf, 1 / 3, 1e-12));
  assert.ok(actDcf(llrs, { pTarget: 0.5 }).actDcf >= minDcf(llrs, { pTarget: 0.5 }).minDcf);
  assert.throws(() => actDcf(llrs, { pTarget: 0 }), /pTarget must lie between 0 and 1, not be 0/);
});
other("count the pairs of scores that stand the right way round", () => {
  assert.is(areaUnderCurve({ target: [2, 3], nonTarget: [0, 1] }), 1);
  assert.is(areaUnderCurve({ target: [0, 1], nonTarget: [2, 3] }), 0);
  assert.is(areaUnderCurve({ target: [1, 1], nonTarget: [1] }), 0.5);
  const [target, nonTarget] = [
    [0.3, 0.5, 0.5, 0.9],
    [0.1, 0.5, 0.6],
  ];
  const won = target.flatMap((t) => nonTarget.map((n) => (t > n ? 1 : t === n ? 0.5 : 0)));
  const mean = won.reduce((sum: number, x) => sum + x, 0) / won.length;
  assert.ok(near(areaUnderCurve({ target, nonTarget }), mean, 1e-12));
});
other("give thresholds that part the trials as they say, for scores of any size and however close", () => {
  for (const [low, high] of [
    [1e12 - 1, 1e12],
    [0.5, 0.5 + 2 ** -53],
    [-1e308, 1e308],
    [0, 5e-324],
    [-3e15, -3e15 + 0.5],
  ]) {
    const scores = { target: [high, low], nonTarget: [low] };
    for (const { threshold, missRate, falseAlarmRate } of detCurve(scores)) {
      assert.is(scores.target.filter((score) => score < threshold).length / 2, missRate);
      assert.is(Number(low >= threshold), falseAlarmRate);
    }
  }
});
other.run();

const all = suite("measures");
all("gives every number with an interval around it, the same in every run", async () => {
  const scored = await scoreTrials(pairs, noisy);
  const { toLogLikelihoodRatio } = calibrate(scored);
  const llrs = scored.map((trial) => ({ ...trial, score: toLogLikelihoodRatio(trial.score) }));
  const found = measures(llrs, { logLikelihoodRatios: true, resamples: 200 });
  assert.equal([found.targets, found.nonTargets], [450, 4500]);
  assert.ok(near(found.eer, equalErrorRate(scored).eer, 1e-9));
  assert.is(found.cllr, cllr(llrs));
  assert.ok(near(found.minCllr, minCllr(scored), 1e-9));
  assert.equal(
    found.dcf.map(({ pTarget }) => pTarget),
    [0.01, 0.05, 0.001],
  );
  const { intervals, dcf } = found;
  assert.equal([intervals!.speakers, intervals!.resamples], [10, 200]);
  for (const [value, interval] of [
    [found.eer, intervals!.eer],
    [found.auc, intervals!.auc],
    [found.minCllr, intervals!.minCllr],
    [found.cllr, intervals!.cllr],
    ...dcf.flatMap((d) => [[d.minDcf, d.minDcfInterval] as const, [d.actDcf, d.actDcfInterval] as const]),
  ] as const)
    assert.ok(interval![0] <= value! && value! <= interval![1], `${value} ${interval}`);
  assert.equal(measures(llrs, { logLikelihoodRatios: true, resamples: 200 }), found);
});
all("gives wider intervals than a bootstrap over trials would", async () => {
  const scored = await scoreTrials(pairs, noisy);
  const { eer } = measures(scored, { resamples: 300 }).intervals!;
  // Of 450 target trials, independent ones, the standard error would be 1.4 %: an interval of 5.4 % at most.
  const independent = 2 * 1.96 * Math.sqrt((0.094 * 0.906) / 450);
  assert.ok(eer[1] - eer[0] > 0.8 * independent, String(eer));
  // Labels tell the speakers as well as the list does.
  const named = measures(scored, { resamples: 50, speakerOf: (key) => key.split("/")[1] });
  assert.is(named.intervals!.speakers, 10);
});
all("of plain scores has no intervals, and of cosines no cost of ratios", () => {
  const found = measures({ target: [0.5, 0.9], nonTarget: [0.1, 0.6] });
  assert.equal([found.intervals, found.cllr, found.dcf[0].actDcf], [null, null, null]);
});
all("refuses what makes no sense", async () => {
  const scored = await scoreTrials(pairs, noisy);
  const targets = scored.filter(({ isTarget }) => isTarget);
  assert.throws(() => measures(targets), /There are no nonTarget scores/);
  assert.throws(() => measures([{ ...targets[0], score: Number.NaN }, ...scored]), /target scores hold NaN/);
  assert.throws(
    () => measures(scored.map((trial) => ({ ...trial, score: 0.5 }))),
    /All scores are 0\.5\. Scores that do not vary/,
  );
  assert.throws(
    () => measures(scored.map(({ enroll, test, score }) => ({ enroll, test, score }))),
    /Trial 0 has no label/,
  );
  assert.throws(() => measures({ target: [1, 2], nonTarget: [0] }, { resamples: 9 }), /have to be named/);
  assert.throws(() => measures(scored, { confidence: 95 }), /confidence is 95/);
  assert.throws(() => measures(scored, { costs: [{ pTarget: 2 }] }), /pTarget/);
  const two = [
    { enroll: "a1", test: "a2", isTarget: true, score: 0.9 },
    { enroll: "a1", test: "b1", isTarget: false, score: 0.2 },
  ];
  assert.is(measures(two, { resamples: 0 }).intervals, null);
});
all.run();
