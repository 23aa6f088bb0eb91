import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { leastSimilarity } from "../../src/analysis/least-similarity.js";
import { variability } from "../../src/analysis/variability.js";
import { unitRows } from "../../src/vectors/unit-rows.js";
import { python, runPython } from "../python.js";
import { temporaryFolder } from "../tiny.js";
import { madeUp, near, numbers, referenceUtterances } from "./reference.js";

const folder = temporaryFolder("variability");

/** As the original's README computes it, with numpy; and the pull by leaving one out. */
const oracle = `
import json, sys, numpy as np
with open(sys.argv[1]) as file: embeddings, speakers = json.load(file)
e = np.array(embeddings); e /= np.linalg.norm(e, axis=1, keepdims=True)
out = {}
for speaker in dict.fromkeys(speakers):
    own = e[[s == speaker for s in speakers]]
    m = own @ own.T
    upper = m[np.triu_indices_from(m, k=1)]
    n = len(own)
    others = (m.sum(1) - np.diag(m)) / (n - 1)
    def without(i):
        k = np.delete(np.delete(m, i, 0), i, 1)
        return np.mean(k[np.triu_indices_from(k, k=1)])
    pull = [without(i) - np.mean(upper) for i in range(n)] if 3 <= n <= 50 else None
    out[speaker] = [float(np.mean(upper)), float(np.std(upper)), float(np.min(upper)), others.tolist(), pull]
print(json.dumps(out))`;

const suites = suite("variability");
if (python === null) {
  console.log("SKIPPED variability against numpy: there is no Python with numpy");
} else {
  suites("agrees with numpy for small and large speakers", () => {
    const cases = [
      referenceUtterances(),
      madeUp([2, 3, 40, 300], { dimension: 16 }),
      madeUp([500], { dimension: 24, noise: 2, seed: 5 }),
    ];
    for (const utterances of cases) {
      const path = join(folder, "embeddings.json");
      writeFileSync(
        path,
        JSON.stringify([numbers(utterances), utterances.map(({ speakerId }) => speakerId)]),
      );
      const expected = JSON.parse(runPython(oracle, [path]));
      const { speakers, utterances: items } = variability(utterances);
      for (const { speakerId, mean, std, min } of speakers) {
        assert.ok(
          near([mean, std, min], expected[speakerId].slice(0, 3), 1e-6),
          `${speakerId} ${[mean, std, min]}`,
        );
        const own = items.filter((item) => item.speakerId === speakerId);
        assert.ok(
          near(
            own.map(({ similarity }) => similarity),
            expected[speakerId][3],
            1e-6,
          ),
        );
        if (expected[speakerId][4])
          assert.ok(
            near(
              own.map(({ pull }) => pull),
              expected[speakerId][4],
              1e-6,
            ),
          );
      }
    }
  });
}
suites("ranks the least consistent speaker first and single utterances last", () => {
  const { speakers, summary } = variability(referenceUtterances());
  const means = speakers.map(({ mean }) => mean!);
  assert.equal(
    means,
    [...means].sort((a, b) => a - b),
  );
  assert.equal([summary.speakers, summary.utterances, summary.singles], [10, 100, 0]);
  const mixed = variability(madeUp([1, 4, 1, 5]));
  assert.equal(
    mixed.speakers.map(({ numUtterances }) => numUtterances === 1),
    [false, false, true, true],
  );
});
suites("says NaN of a speaker with one utterance, and nothing of the utterance", () => {
  const { speakers, utterances, summary } = variability(madeUp([1]));
  assert.equal([speakers[0].mean, speakers[0].std, speakers[0].min], [Number.NaN, Number.NaN, Number.NaN]);
  assert.equal([utterances, summary.mean, summary.utterances], [[], Number.NaN, 1]);
});
suites("takes an empty list", () => {
  assert.equal(variability([]).summary, {
    speakers: 0,
    utterances: 0,
    singles: 0,
    outliers: 0,
    wrongLabels: 0,
    mean: Number.NaN,
  });
});
suites("flags nothing in the reference and finds each utterance that is put under another name", () => {
  const clean = referenceUtterances();
  assert.equal(
    variability(clean).outliers.filter(({ isWrongLabel }) => isWrongLabel),
    [],
  );
  for (const [from, to] of [
    [3, 55],
    [42, 7],
    [99, 10],
  ]) {
    const utterances = referenceUtterances();
    const { speakerId } = utterances[from];
    utterances[from] = { ...utterances[from], speakerId: utterances[to].speakerId };
    const { outliers, summary, utterances: items } = variability(utterances);
    assert.equal(summary.wrongLabels, 1);
    assert.equal(
      [outliers[0].utteranceId, outliers[0].nearestSpeaker],
      [utterances[from].utteranceId, `test-other_${speakerId}`],
    );
    assert.ok(items[from].isWrongLabel && items[from].pull! > 0.05 && items[from].score! < 0.45);
  }
});
suites("keeps two speakers apart who share a key", () => {
  const rows = [...madeUp([2], { dataset: "my_set" }), ...madeUp([2], { dataset: "my", seed: 2 })];
  rows.forEach((row, i) => {
    row.speakerId = i < 2 ? "x" : "set_x";
  });
  const { speakers } = variability(rows);
  assert.equal(
    speakers.map(({ key, numUtterances }) => [key, numUtterances]),
    [
      ["my_set_x", 2],
      ["my_set_x", 2],
    ],
  );
});
suites("names the utterance whose embedding has no direction", () => {
  const rows = madeUp([2, 2]);
  rows[3].embedding.fill(0);
  assert.throws(() => variability(rows), /made_s1_u1.*zero vector/);
  assert.throws(() => variability(madeUp([3, 3]), { deviations: Number.NaN }), /deviations is NaN/);
});
suites("does not change what it is given", () => {
  const rows = madeUp([3, 3]);
  const before = numbers(rows);
  variability(rows);
  assert.equal(numbers(rows), before);
});
suites.run();

const least = suite("leastSimilarity");
least("is the least of all pairs whatever the cloud looks like", () => {
  for (const [seed, noise] of [
    [1, 0.1],
    [2, 1],
    [3, 5],
    [4, 1000],
  ]) {
    const { data, n, dimension } = unitRows(madeUp([60, seed], { noise, seed, dimension: 8 }));
    let brute = Infinity;
    for (let i = 0; i < n; i++)
      for (let j = 0; j < i; j++) {
        let sum = 0;
        for (let k = 0; k < dimension; k++) sum += data[i * dimension + k] * data[j * dimension + k];
        brute = Math.min(brute, sum);
      }
    assert.ok(Math.abs(leastSimilarity(data, n, dimension) - brute) < 1e-12);
  }
  const opposite = Float32Array.of(1, 0, -1, 0);
  assert.is(leastSimilarity(opposite, 2, 2), -1);
});
least.run();
