import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { intraInterScores } from "../../src/analysis/intra-inter-scores.js";
import { detCurve } from "../../src/scoring/det-curve.js";
import { equalErrorRate } from "../../src/scoring/equal-error-rate.js";
import { minDcf } from "../../src/scoring/min-dcf.js";
import { random } from "../format/random.js";
import { python, runPython } from "../python.js";
import { temporaryFolder } from "../tiny.js";
import { madeUp, near, numbers, referenceUtterances } from "./reference.js";

const folder = temporaryFolder("verification");
const moments = (values: Float64Array) => {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return [mean, Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length)];
};

const scores = suite("intraInterScores");
scores("of the reference utterances lie where the reference says", () => {
  const { target, nonTarget, targetPairs, nonTargetPairs } = intraInterScores(referenceUtterances());
  assert.equal([target.length, nonTarget.length, targetPairs, nonTargetPairs], [450, 4500, 450, 4500]);
  assert.ok(near(moments(target), [0.79, 0.08], 0.005), String(moments(target)));
  assert.ok(near(moments(nonTarget), [0.1, 0.1], 0.005), String(moments(nonTarget)));
});
scores("samples evenly, without a pair twice, and the same in every run", () => {
  const utterances = madeUp([30, 1, 50, 20], { noise: 1 });
  const all = intraInterScores(utterances);
  const few = intraInterScores(utterances, { maxPairs: 1500 });
  assert.equal([few.target.length, few.nonTarget.length], [1500, 1500]);
  assert.equal([few.targetPairs, few.nonTargetPairs], [all.target.length, all.nonTarget.length]);
  // Cosines of different pairs are different numbers.
  assert.is(new Set(few.target).size, 1500);
  assert.is(new Set(few.nonTarget).size, 1500);
  const known = [new Set(all.target), new Set(all.nonTarget)];
  assert.ok(few.target.every((x) => known[0].has(x)) && few.nonTarget.every((x) => known[1].has(x)));
  assert.ok(near(moments(few.nonTarget), moments(all.nonTarget), 0.02));
  assert.equal(intraInterScores(utterances, { maxPairs: 1500 }), few);
  assert.throws(() => intraInterScores(utterances, { maxPairs: 2.5 }), /whole number, 1 or more, not 2\.5/);
  assert.not.equal(intraInterScores(utterances, { maxPairs: 1500, seed: 2 }), few);
});
scores("does not need the utterances of a speaker side by side", () => {
  const utterances = madeUp([3, 4, 5]);
  const shuffled = utterances.map((_, i) => utterances[(i * 5) % 12]);
  const sorted = (list: Float64Array) => Array.from(list, (x) => x.toFixed(12)).sort();
  assert.equal(sorted(intraInterScores(shuffled).target), sorted(intraInterScores(utterances).target));
  assert.equal(sorted(intraInterScores(shuffled).nonTarget), sorted(intraInterScores(utterances).nonTarget));
});
scores.run();

const rate = suite("equalErrorRate");
rate("of the reference utterances is 0 with the threshold in the middle of the gap", () => {
  const trials = intraInterScores(referenceUtterances());
  const { eer, threshold } = equalErrorRate(trials);
  assert.is(eer, 0);
  assert.is(threshold, (Math.max(...trials.nonTarget) + Math.min(...trials.target)) / 2);
  assert.ok(near(threshold, 0.45, 0.02), String(threshold));
});
rate("knows the textbook cases", () => {
  assert.is(equalErrorRate({ target: [1, 2], nonTarget: [1, 2] }).eer, 0.5);
  assert.is(equalErrorRate({ target: [1], nonTarget: [2] }).eer, 1);
  // One of four each: 25 %.
  assert.equal(equalErrorRate({ target: [1, 5, 6, 7], nonTarget: [0, 0.5, 0.7, 6.5] }), {
    eer: 0.25,
    threshold: 3,
  });
  // 1 of 3 misses against 1 of 2 false alarms: the lines cross between.
  assert.ok(near(equalErrorRate({ target: [1, 3, 5], nonTarget: [0, 4] }).eer, 0.5, 1e-12));
});
rate("refuses scores that are none", () => {
  assert.throws(() => equalErrorRate({ target: [], nonTarget: [1] }), /no target scores/);
  assert.throws(() => equalErrorRate({ target: [1], nonTarget: [Number.NaN] }), /nonTarget scores.*NaN/);
});
rate.run();

const det = suite("detCurve");
det("goes from accepting all to accepting none", () => {
  const points = detCurve({ target: [2, 3], nonTarget: [1, 2] });
  assert.equal(
    points.map(({ missRate, falseAlarmRate }) => [missRate, falseAlarmRate]),
    [
      [0, 1],
      [0, 0.5],
      [0.5, 0],
      [1, 0],
    ],
  );
  assert.equal(
    points.slice(1, 3).map(({ threshold }) => threshold),
    [1.5, 2.5],
  );
});
det("is thinned evenly with both ends kept", () => {
  const next = random(3);
  const target = Float64Array.from({ length: 20_000 }, () => next() + 0.3);
  const nonTarget = Float64Array.from({ length: 30_000 }, () => next());
  const points = detCurve({ target, nonTarget }, { maxPoints: 200 });
  assert.ok(points.length <= 201 && points.length > 190, String(points.length));
  assert.is(points[0].falseAlarmRate, 1);
  assert.is(points.at(-1)!.missRate, 1);
  const steps = points
    .slice(1)
    .map(
      ({ missRate, falseAlarmRate }, i) =>
        missRate - points[i].missRate + points[i].falseAlarmRate - falseAlarmRate,
    );
  assert.ok(Math.max(...steps) < 0.03 && Math.min(...steps) > 0, String(Math.max(...steps)));
});
det.run();

const cost = suite("minDcf");
cost("is 0 for scores that are apart and 1 for scores that say nothing", () => {
  assert.is(minDcf({ target: [2, 3], nonTarget: [0, 1] }).minDcf, 0);
  assert.is(minDcf({ target: [0, 1], nonTarget: [2, 3] }).minDcf, 1);
});
cost("refuses a prior or costs that make no sense", () => {
  assert.throws(() => minDcf({ target: [1], nonTarget: [0] }, { pTarget: 1 }), /pTarget/);
  assert.throws(() => minDcf({ target: [1], nonTarget: [0] }, { costMiss: 0 }), /costs/);
});
cost.run();

const oracle = suite("verification and numpy");
if (python === null) {
  console.log("SKIPPED verification against numpy: there is no Python with numpy");
} else {
  oracle("agree on the equal error rate and the least cost by brute force", () => {
    const next = random(11);
    const draw = (n: number, centre: number, digits: number) =>
      Array.from({ length: n }, () => Number((centre + next() + next() + next()).toFixed(digits)));
    const cases = [
      { target: draw(200, 0.6, 6), nonTarget: draw(900, 0, 6) },
      // Coarse scores: many are equal.
      { target: draw(150, 0.4, 1), nonTarget: draw(170, 0, 1) },
      { target: draw(7, 0.2, 3), nonTarget: draw(5, 0, 3) },
      intraInterScores(madeUp([10, 10, 10], { noise: 2, dimension: 8 })),
    ].map(({ target, nonTarget }) => ({ target: Array.from(target), nonTarget: Array.from(nonTarget) }));
    const path = join(folder, "scores.json");
    writeFileSync(path, JSON.stringify(cases));
    const expected = JSON.parse(
      runPython(
        `
import json, sys, numpy as np
out = []
with open(sys.argv[1]) as file: cases = json.load(file)
for case in cases:
    t, n = np.array(case["target"]), np.array(case["nonTarget"])
    # Accept at or above a score: every score as a threshold, and above all of them.
    thresholds = np.append(np.unique(np.concatenate([t, n])), 9e9)
    miss = np.array([(t < x).mean() for x in thresholds])
    alarm = np.array([(n >= x).mean() for x in thresholds])
    k = int(np.argmax(miss >= alarm))
    f = (alarm[k-1] - miss[k-1]) / (alarm[k-1] - miss[k-1] + miss[k] - alarm[k])
    eer = miss[k-1] + f * (miss[k] - miss[k-1])
    costs = [float(np.min((c * p * miss + d * (1 - p) * alarm) / min(c * p, d * (1 - p)))) for p, c, d in [(0.01, 1, 1), (0.05, 1, 1), (0.5, 10, 1)]]
    out.append([float(eer), *costs])
print(json.dumps(out))`,
        [path],
      ),
    );
    cases.forEach((trials, i) => {
      const actual = [
        equalErrorRate(trials).eer,
        minDcf(trials).minDcf,
        minDcf(trials, { pTarget: 0.05 }).minDcf,
        minDcf(trials, { pTarget: 0.5, costMiss: 10 }).minDcf,
      ];
      assert.ok(near(actual, expected[i], 1e-12), `${actual} against ${expected[i]}`);
    });
  });
  oracle("agree on the scores of all pairs", () => {
    const utterances = madeUp([3, 1, 4], { dimension: 5 });
    const path = join(folder, "pairs.json");
    writeFileSync(path, JSON.stringify([numbers(utterances), utterances.map(({ speakerId }) => speakerId)]));
    const [target, nonTarget] = JSON.parse(
      runPython(
        `
import json, sys, numpy as np
with open(sys.argv[1]) as file: e, s = json.load(file)
e = np.array(e); e /= np.linalg.norm(e, axis=1, keepdims=True)
pairs = [(i, j) for i in range(len(s)) for j in range(i + 1, len(s))]
print(json.dumps([[float(e[i] @ e[j]) for i, j in pairs if (s[i] == s[j]) == same] for same in (True, False)]))`,
        [path],
      ),
    );
    const actual = intraInterScores(utterances);
    assert.ok(near(Array.from(actual.target), target, 1e-6));
    assert.ok(near(Array.from(actual.nonTarget), nonTarget, 1e-6));
  });
}
oracle.run();
