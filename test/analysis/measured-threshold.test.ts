import { test } from "uvu";
import * as assert from "uvu/assert";
import { analyze } from "../../src/analysis/analyze.js";
import { intraInterScores } from "../../src/analysis/intra-inter-scores.js";
import { measuredThreshold } from "../../src/analysis/measured-threshold.js";
import { reportText } from "../../src/analysis/report-text.js";
import { equalErrorRate } from "../../src/scoring/equal-error-rate.js";
import { histogramOf } from "../../src/similarity/histogram.js";
import type { SpeakerInfo, UtteranceEmbedding } from "../../src/types.js";
import { random } from "../../src/vectors/random.js";

/** Utterances of people, each a direction with some noise; a person may have names in several data sets. */
function utterances(
  people: number,
  datasets: readonly string[],
  each: number,
  noise = 0.5,
): UtteranceEmbedding[] {
  const next = random(7);
  const voices = Array.from({ length: people }, () => Array.from({ length: 24 }, () => next() - 0.5));
  return datasets.flatMap((dataset) =>
    voices.flatMap((voice, p) =>
      Array.from({ length: each }, (_, u) => ({
        key: `${dataset}_${p}_${u}`,
        dataset,
        speakerId: `${p}`,
        utteranceId: `${u}`,
        path: `${dataset}/${p}/${u}.wav`,
        embedding: Float32Array.from(voice, (x) => x + noise * (next() - 0.5)),
      })),
    ),
  );
}

test("people who are in two data sets do not move the threshold", () => {
  const one = measuredThreshold(utterances(12, ["a"], 4))!;
  const two = measuredThreshold(utterances(12, ["a", "b"], 4))!;
  assert.ok(one.eer < 0.02 && two.eer < 0.02, `${one.eer}, ${two.eer}`);
  assert.ok(Math.abs(one.threshold - two.threshold) < 0.1);
  assert.is(one.targetPairs, 12 * 6);
  assert.is(one.nonTargetPairs, (12 * 11 * 16) / 2);
});

test("of more pairs than are scored, the sample is even over all data sets", () => {
  // The second has a sixth of the pairs, and a channel that makes its voices alike.
  const rows = [
    ...utterances(55, ["a"], 20),
    ...utterances(25, ["b"], 20).map((row) => ({ ...row, embedding: row.embedding.map((x) => x + 0.3) })),
  ];
  const parts = ["a", "b"].map((name) =>
    intraInterScores(
      rows.filter(({ dataset }) => dataset === name),
      { maxPairs: 1e7 },
    ),
  );
  const all = (kind: "target" | "nonTarget") => parts.flatMap((part) => Array.from(part[kind]));
  assert.ok(all("nonTarget").length > 700_000);
  const exact = equalErrorRate({ target: all("target"), nonTarget: all("nonTarget") });
  const { eer, threshold } = measuredThreshold(rows)!;
  assert.ok(Math.abs(eer - exact.eer) < 0.001, `${eer} ${exact.eer}`);
  assert.ok(Math.abs(threshold - exact.threshold) < 0.002, `${threshold} ${exact.threshold}`);
});

test("with one speaker in each data set, pairs across data sets are taken", () => {
  const rows = utterances(2, ["a"], 3).map((row) => ({ ...row, dataset: row.speakerId! }));
  assert.is(measuredThreshold(rows)!.nonTargetPairs, 9);
});

test("labels that nearly all pairs contradict give no threshold", () => {
  const rows = utterances(6, ["a"], 4);
  const shuffled = rows.map((row, i) => ({ ...row, speakerId: rows[(i * 7) % rows.length]!.speakerId }));
  assert.is(measuredThreshold(shuffled), undefined);
});

test("labels that say nothing give no threshold", () => {
  assert.is(measuredThreshold([]), undefined);
  assert.is(measuredThreshold(utterances(1, ["a"], 5)), undefined, "one speaker");
  assert.is(measuredThreshold(utterances(9, ["a"], 1)), undefined, "one utterance each");
});

const speaker = (dataset: string, speakerId: string): SpeakerInfo => ({
  key: `${dataset}_${speakerId}`,
  dataset,
  speakerId,
  numUtterances: 3,
});
const pairs = [
  { speaker1: speaker("a", "1"), speaker2: speaker("b", "1"), similarity: 0.85 },
  { speaker1: speaker("a", "2"), speaker2: speaker("b", "2"), similarity: 0.6 },
  { speaker1: speaker("a", "3"), speaker2: speaker("a", "4"), similarity: 0.55 },
  { speaker1: speaker("a", "3"), speaker2: speaker("b", "4"), similarity: 0.3 },
];
const comparison = {
  speakers: pairs.flatMap(({ speaker1, speaker2 }) => [speaker1, speaker2]),
  statistics: {
    mean: 0.1,
    std: 0.1,
    min: 0,
    max: 0.85,
    median: 0.1,
    totalPairs: 28,
    highPairs: 1,
    threshold: 0.8,
  },
  histogram: histogramOf([pairs.map(({ similarity }) => similarity)]),
  pairs,
};
const measured = { threshold: 0.45, eer: 0.01, targetPairs: 24, nonTargetPairs: 1000 };

test("duplicates and leakage are judged by the measured threshold, the table by the given one", () => {
  const { duplicates, leakage, pairs: table, summary } = analyze(comparison, { measured });
  assert.equal([duplicates.length, leakage.length, table.length], [1, 2, 1]);
  assert.is(summary.betweenThresholds, 2);
  const text = reportText(analyze(comparison, { measured }));
  for (const part of [
    "High similarity (0.8 or more): 1 pair",
    "The labels of this corpus give 0.45: 2 pairs between the two",
    "Likely duplicates (within a data set, 0.45 or more): 1 pair",
    "Possible leakage (pairs across data sets, 0.45 or more): 2 pairs",
    "Most similar pairs (0.8 or more)",
    "The bands are those of the original Python pipeline",
  ])
    assert.ok(text.includes(part), `${part} in\n${text}`);
});

test("the report names the similarity that its lists begin at", () => {
  const text = reportText(analyze(comparison, { minSimilarity: 0.3 }));
  assert.match(text, /across data sets, 0\.3 or more\): 3 pairs/);
  assert.match(text, /Most similar pairs \(0\.3 or more\)/);
});

test("all pairs within a data set are counted beside the listed ones", () => {
  const text = reportText(analyze(comparison));
  assert.match(text, /pairs within +listed +their mean/);
  assert.match(text, /^ +a +5 +15 +10 +1 +0\.5500$/m);
});

test.run();
