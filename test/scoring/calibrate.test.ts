import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { calibrate } from "../../src/scoring/calibrate.js";
import { cllr } from "../../src/scoring/cllr.js";
import { readCalibration, writeCalibration } from "../../src/scoring/score-calibration.js";
import { scoreTrials } from "../../src/scoring/score-trials.js";
import { near } from "../analysis/reference.js";
import { random } from "../format/random.js";
import { temporaryFolder } from "../tiny.js";
import { noisy, pairs } from "./reference.js";

const suiteOf = suite("calibrate");
suiteOf("finds the line of two Gaussians of one variance", () => {
  const next = random(5);
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const draw = (count: number, mean: number) =>
    Float64Array.from({ length: count }, () => mean + 0.1 * normal());
  const { scale, offset, toProbability, toLogLikelihoodRatio } = calibrate({
    target: draw(20_000, 0.6),
    nonTarget: draw(60_000, 0.2),
  });
  // (0.6 - 0.2) / 0.1^2 = 40, 0 in the middle.
  assert.ok(near([scale, offset], [40, -16], 0.8), `${scale} ${offset}`);
  assert.ok(near(toProbability(-offset / scale), 0.5, 1e-12));
  assert.ok(near(toProbability(-offset / scale, 0.01), 0.01, 1e-12));
  assert.ok(near(toLogLikelihoodRatio(0.5), scale * 0.5 + offset, 1e-12));
  assert.throws(() => toProbability(0.5, 1), /prior is 1/);
});
suiteOf("is judged by lines that know neither speaker", async () => {
  const scored = await scoreTrials(pairs, noisy);
  const { report, scale, offset, targets, nonTargets } = calibrate(scored);
  assert.equal([targets, nonTargets, report.targets, report.nonTargets], [450, 4500, 450, 4500]);
  assert.is(report.on, "cross-validated");
  const flattered = cllr(scored.map((trial) => ({ ...trial, score: scale * trial.score + offset })));
  assert.ok(report.cllr > flattered && report.cllr < flattered + 0.05, `${report.cllr} ${flattered}`);
  assert.ok(report.minCllr < flattered);
});
suiteOf("learnt on one data set is reported on another", async () => {
  const scored = await scoreTrials(pairs, noisy);
  const isFirst = (key: string) => key.split("/")[1] < "3";
  const train = scored.filter(({ enroll, test }) => isFirst(enroll) && isFirst(test));
  const held = scored.filter(({ enroll, test }) => !isFirst(enroll) && !isFirst(test));
  const { report, scale, offset, targets } = calibrate(held, { with: train });
  const alone = calibrate(train);
  assert.equal([scale, offset], [alone.scale, alone.offset]);
  assert.is(report.on, "other trials");
  assert.is(report.targets, held.filter(({ isTarget }) => isTarget).length);
  assert.is(targets, train.filter(({ isTarget }) => isTarget).length);
  assert.is(report.cllr, cllr(held.map((trial) => ({ ...trial, score: scale * trial.score + offset }))));
});
suiteOf("says when there are too few speakers to leave any out", () => {
  const trial = (enroll: string, test: string, isTarget: boolean, score: number) => ({
    enroll,
    test,
    isTarget,
    score,
  });
  const { report } = calibrate([
    trial("a1", "a2", true, 0.7),
    trial("b1", "b2", true, 0.4),
    trial("a1", "b1", false, 0.5),
    trial("a2", "b2", false, 0.1),
  ]);
  assert.is(report.on, "same trials");
  assert.is(calibrate({ target: [1, 3], nonTarget: [0, 2] }).report.on, "same trials");
});
suiteOf("is saved as JSON and read again", async () => {
  const path = join(temporaryFolder("calibration"), "calibration.json");
  const calibration = calibrate(await scoreTrials(pairs, noisy));
  await writeCalibration(path, calibration);
  const again = readCalibration(path);
  assert.is(again.toProbability(0.3, 0.1), calibration.toProbability(0.3, 0.1));
  assert.equal(again.report, calibration.report);
  await writeCalibration(path, { ...calibration, scale: "7" } as never);
  assert.throws(() => readCalibration(path), /has no numbers "scale" and "offset"/);
  await writeCalibration(path, { ...calibration, scale: -7 });
  assert.throws(() => readCalibration(path), /a scale of -7/);
  assert.throws(() => readCalibration(`${path}.none`), /does not exist/);
});
suiteOf("refuses what has no best line", () => {
  assert.throws(() => calibrate({ target: [1, 2], nonTarget: [] }), /no nonTarget scores/);
  assert.throws(
    () => calibrate({ target: [1, 1], nonTarget: [1] }),
    /All scores are 1\. Scores that do not vary/,
  );
  assert.throws(
    () => calibrate({ target: [2, 3], nonTarget: [0, 1] }),
    /at or above every non-target trial .* Add harder trials/,
  );
  assert.throws(() => calibrate({ target: [0, 1], nonTarget: [0.5, 3] }), /labels the other way round/);
  assert.throws(() => calibrate({ target: [0, Number.NaN], nonTarget: [0.5, 3] }), /NaN/);
  assert.throws(() => calibrate({ target: [0, 2], nonTarget: [1, 0] }, { folds: 1 }), /folds is 1/);
});
suiteOf.run();
