import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { actDcf } from "../../src/scoring/act-dcf.js";
import { areaUnderCurve } from "../../src/scoring/area-under-curve.js";
import { calibrateWithoutLabels } from "../../src/scoring/calibrate-without-labels.js";
import { cllr } from "../../src/scoring/cllr.js";
import { equalErrorRate } from "../../src/scoring/equal-error-rate.js";
import { identify } from "../../src/scoring/identify.js";
import { minCllr } from "../../src/scoring/min-cllr.js";
import { minDcf } from "../../src/scoring/min-dcf.js";
import { scoreCalibration } from "../../src/scoring/score-calibration.js";
import { scoreTrials } from "../../src/scoring/score-trials.js";
import { near } from "../analysis/reference.js";

const path = join(__dirname, "../fixtures/scoring/numpy.json");
const { lists, identified, normalised, unlabelled } = JSON.parse(readFileSync(path, "utf8"));

const rows = (values: number[][], name: string) =>
  values.map((row, i) => ({ key: `${name}${i}`, embedding: Float32Array.from(row) }));
const queries = rows(identified.queries, "q");

const oracle = suite("rare inputs give what numpy and scikit-learn give");
oracle("error rates and costs of ties, of one score only, and of kinds in reverse", () => {
  for (const { target, nonTarget, eer, auc, cllr: bits, minCllr: least, costs } of lists) {
    const scores = { target, nonTarget };
    assert.ok(near(equalErrorRate(scores).eer, eer, 1e-12), `${equalErrorRate(scores).eer} ${eer}`);
    assert.ok(near(areaUnderCurve(scores), auc, 1e-12));
    assert.ok(near(cllr(scores), bits, 1e-12));
    assert.ok(near(minCllr(scores), least, 1e-9), `${minCllr(scores)} ${least}`);
    for (const { min, act, ...cost } of costs) {
      assert.ok(near(minDcf(scores, cost).minDcf, min, 1e-12));
      assert.ok(near(actDcf(scores, cost).actDcf, act, 1e-12));
    }
  }
});
oracle("probabilities of the enrolled and of a stranger, where two of them are copies", async () => {
  const options = { topK: 9, prior: identified.prior, calibration: scoreCalibration(identified.calibration) };
  const enrolled = rows(identified.enrolled, "e");
  const found = await identify(queries, enrolled, options);
  queries.forEach(({ key }, q) => {
    const own = found.filter(({ query }) => query === key);
    assert.equal(
      own.map((row) => row.key),
      identified.order[q].map((e: number) => `e${e}`),
    );
    assert.ok(
      near(
        own.map(({ probability }) => probability),
        identified.order[q].map((e: number) => identified.probabilities[q][e]),
        1e-5,
      ),
    );
  });
  const nobody = await identify(queries, enrolled, { ...options, threshold: 1 });
  assert.ok(
    near(
      nobody.map(({ probability }) => probability),
      identified.stranger,
      1e-5,
    ),
  );
});
oracle("scores normalised about the mean of a cohort that has copies", async () => {
  const trials = queries.flatMap((a, i) =>
    queries
      .slice(i + 1)
      .map((b) => ({ enroll: a.key, test: b.key, at: [i, i + 1 + queries.slice(i + 1).indexOf(b)] })),
  );
  for (const [topN, want] of [
    [3, normalised.top3],
    [undefined, normalised.top9],
  ] as const) {
    const scored = await scoreTrials(trials, queries, {
      cohort: rows(normalised.cohort, "c"),
      topN,
      mean: "cohort",
    });
    for (const { score, at } of scored)
      assert.ok(near(score, want[at[0]!][at[1]!], 1e-4), `${score} ${want[at[0]!][at[1]!]}`);
  }
});
oracle("the two kinds in scores without labels", () => {
  const found = calibrateWithoutLabels(unlabelled.scores, { resamples: 10 });
  assert.ok(near([found.nonTargetMean, found.targetMean], unlabelled.means, 1e-5));
  assert.ok(near([found.deviation, found.targetShare], [unlabelled.deviation, unlabelled.share], 1e-5));
});
oracle.run();
