import { suite } from "uvu";
import * as assert from "uvu/assert";
import { calibrate } from "../../src/scoring/calibrate.js";
import { reliability } from "../../src/scoring/reliability.js";
import { scoreCalibration } from "../../src/scoring/score-calibration.js";
import { scoreTrials } from "../../src/scoring/score-trials.js";
import { near } from "../analysis/reference.js";
import { noisy, pairs } from "./reference.js";

const suiteOf = suite("reliability");
suiteOf("weighs trials by the prior, whatever the list holds of each kind", () => {
  const half = scoreCalibration({ scale: 1e-9, offset: 0 });
  const scores = { target: [1, 2, 3], nonTarget: [1, 2, 3, 4, 5, 6] };
  const [bin] = reliability(scores, half, { prior: 0.25 });
  assert.ok(near([bin.predicted, bin.observed], [0.25, 0.25], 1e-6));
  assert.equal([bin.from, bin.to, bin.targets, bin.nonTargets], [0.2, 0.3, 3, 6]);
});
suiteOf("of a calibration that fits lies near the diagonal, of one that is too sure does not", async () => {
  const scored = await scoreTrials(pairs, noisy);
  const good = calibrate(scored);
  const error = (scale: number) => {
    const { offset } = good;
    const line = scoreCalibration({ scale: scale * good.scale, offset: scale * offset });
    const bins = reliability(scored, line, { bins: 5 });
    return Math.max(...bins.map(({ predicted, observed }) => Math.abs(predicted - observed)));
  };
  assert.ok(error(1) < 0.12, String(error(1)));
  assert.ok(error(4) > 2 * error(1), String(error(4)));
});
suiteOf("refuses what makes no sense", () => {
  const line = scoreCalibration({ scale: 1, offset: 0 });
  assert.throws(() => reliability({ target: [1], nonTarget: [] }, line), /no nonTarget/);
  assert.throws(() => reliability({ target: [1], nonTarget: [0] }, line, { bins: 0 }), /bins is 0/);
  assert.throws(() => reliability({ target: [1], nonTarget: [0] }, line, { prior: 2 }), /prior is 2/);
});
suiteOf.run();
