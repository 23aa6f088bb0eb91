import { suite } from "uvu";
import * as assert from "uvu/assert";
import { calibrate } from "../../src/scoring/calibrate.js";
import { cllr } from "../../src/scoring/cllr.js";
import { detCurve } from "../../src/scoring/det-curve.js";
import { equalErrorRate } from "../../src/scoring/equal-error-rate.js";
import { minCllr } from "../../src/scoring/min-cllr.js";
import { minDcf } from "../../src/scoring/min-dcf.js";
import { type ScoreTrialsOptions, scoreTrials } from "../../src/scoring/score-trials.js";
import { near } from "../analysis/reference.js";
import { cohort, expected, nearestPoint, noisy, pairs } from "./reference.js";

const oracle = suite("scores and measures are those of WeSpeaker and scikit-learn");
const systems: Record<string, { options: ScoreTrialsOptions; tolerance: number }> = {
  cosine: { options: {}, tolerance: 1e-6 },
  asnorm_top20: { options: { cohort, topN: 20 }, tolerance: 1e-5 },
  asnorm_top100: { options: { cohort, topN: 100 }, tolerance: 1e-5 },
  snorm: { options: { cohort }, tolerance: 1e-5 },
};
for (const [name, { options, tolerance }] of Object.entries(systems))
  oracle(name, async () => {
    const want = expected[name];
    const scored = await scoreTrials(pairs, noisy, options);
    assert.equal(
      scored.map(({ score, ...trial }) => trial),
      pairs,
    );
    const first = scored.slice(0, 10).map(({ score }) => score);
    assert.ok(near(first, want.first_scores, tolerance), `${first}`);
    for (const pTarget of [0.01, 0.05, 0.001]) {
      const { minDcf: cost } = minDcf(scored, { pTarget });
      assert.ok(near(cost, want[`min_dcf_${pTarget}`], 1e-9), `${pTarget}: ${cost}`);
    }
    // Ours lies between two operating points, theirs on the nearest of them.
    const { eer, threshold } = equalErrorRate(scored);
    const curve = detCurve(scored, { maxPoints: Infinity });
    assert.ok(near(nearestPoint(curve), want.eer, 1e-9), `${nearestPoint(curve)}`);
    assert.ok(near(eer, want.eer, 1 / 450), `${eer}`);
    const next = curve.filter((point) => Math.abs(point.threshold - threshold) < 0.1);
    assert.ok(next.some(({ threshold: at }) => near(at, want.eer_threshold, 0.01)));
    const calibration = calibrate(scored);
    assert.ok(near(calibration.scale, want.calibration.scale, 1e-4), `${calibration.scale}`);
    assert.ok(near(calibration.offset, want.calibration.offset, 1e-4), `${calibration.offset}`);
    const llrs = scored.map((trial) => ({ ...trial, score: calibration.toLogLikelihoodRatio(trial.score) }));
    assert.ok(near(cllr(llrs), want.cllr_calibrated, 1e-6), `${cllr(llrs)}`);
    assert.ok(near(minCllr(scored), want.min_cllr, 1e-6), `${minCllr(scored)}`);
    assert.ok(near(minCllr(llrs), want.min_cllr, 1e-6), `${minCllr(llrs)}`);
  });
oracle.run();
