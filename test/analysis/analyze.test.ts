import { readFileSync } from "node:fs";
import { join } from "node:path";
import stringWidth from "string-width";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { analyze, type Comparison } from "../../src/analysis/analyze.js";
import { csv } from "../../src/analysis/csv.js";
import { pairTable } from "../../src/analysis/pair-table.js";
import { reportText } from "../../src/analysis/report-text.js";
import { readNpy } from "../../src/format/npy.js";
import type { SpeakerInfo, SpeakerPair } from "../../src/types.js";
import { python, runPython } from "../python.js";
import { put, temporaryFolder } from "../tiny.js";
import { origin } from "./reference.js";

const folder = temporaryFolder("analyze");
const json = (name: string) => JSON.parse(readFileSync(join(origin, name), "utf8"));

interface FilePair {
  speaker1: string;
  speaker2: string;
  similarity: number;
  speaker1_info: { dataset: string; speaker_id: string; num_utterances: number };
  speaker2_info: { dataset: string; speaker_id: string; num_utterances: number };
}

const info = (
  key: string,
  { dataset, speaker_id, num_utterances }: FilePair["speaker1_info"],
): SpeakerInfo => ({
  key,
  dataset,
  speakerId: speaker_id,
  numUtterances: num_utterances,
});

/** Counts of similarities in the 200 bins. */
function histogramOf(similarities: readonly number[]) {
  const counts = new Float64Array(200);
  for (const s of similarities) counts[Math.min(199, Math.floor(Math.round((s + 1) * 1e6) / 1e4))]++;
  return { edges: Float64Array.from({ length: 201 }, (_, b) => (b - 100) / 100), counts };
}

/** What the Python pipeline found at threshold 0.25. */
function reference(): Comparison {
  const { statistics: s } = json("speaker_similarity.json");
  const speakers: (FilePair["speaker1_info"] & { key: string })[] = json("speaker_list.json");
  const { data } = readNpy(readFileSync(join(origin, "similarity_matrix.npy")));
  const similarities = Array.from({ length: 100 }, (_, at) =>
    at % 10 > at / 10 ? Number(data[at]) : Number.NaN,
  );
  return {
    speakers: speakers.map((row) => info(row.key, row)),
    statistics: {
      mean: s.mean_similarity,
      std: s.std_similarity,
      min: s.min_similarity,
      max: s.max_similarity,
      median: s.median_similarity,
      totalPairs: s.total_pairs,
      highPairs: s.num_high_similarity_pairs,
      threshold: s.threshold_used,
    },
    histogram: histogramOf(similarities.filter((x) => !Number.isNaN(x))),
    pairs: (json("high_similarity_pairs.json") as FilePair[]).map((pair) => ({
      speaker1: info(pair.speaker1, pair.speaker1_info),
      speaker2: info(pair.speaker2, pair.speaker2_info),
      similarity: pair.similarity,
    })),
  };
}

const speaker = (dataset: string, speakerId: string, numUtterances = 3): SpeakerInfo => ({
  key: `${dataset}_${speakerId}`,
  dataset,
  speakerId,
  numUtterances,
});

/** Four speakers of two data sets, their six pairs listed from 0.3 on. */
function small(): Comparison {
  const [a, b, c, d] = [
    speaker("studio", "anna"),
    speaker("studio", "ben"),
    speaker("podcast", "说话", 7),
    speaker("podcast", 'd,"x"', 1),
  ];
  const all: [SpeakerInfo, SpeakerInfo, number][] = [
    [a, b, 0.2],
    [a, c, 0.97],
    [a, d, 0.6],
    [b, c, -0.1],
    [b, d, 0.91],
    [c, d, 0.75],
  ];
  const similarities = all.map(([, , s]) => s);
  const pairs: SpeakerPair[] = all
    .filter(([, , s]) => s >= 0.3)
    .map(([speaker1, speaker2, similarity]) => ({ speaker1, speaker2, similarity }));
  return {
    speakers: [a, b, c, d],
    statistics: {
      mean: 0.555,
      std: 0.4,
      min: -0.1,
      max: 0.97,
      median: 0.675,
      totalPairs: 6,
      highPairs: 4,
      threshold: 0.3,
    },
    histogram: histogramOf(similarities),
    pairs,
  };
}

const nothing: Comparison = {
  speakers: [],
  statistics: { mean: 0, std: 0, min: 0, max: 0, median: 0, totalPairs: 0, highPairs: 0, threshold: 0.8 },
  histogram: histogramOf([]),
  pairs: [],
};

const table = suite("csv");
table("writes the reference table byte for byte", () => {
  assert.is(csv(analyze(reference()).pairs), readFileSync(join(origin, "similarity_analysis.csv"), "utf8"));
});
table("has its header when there are no pairs", () => {
  const header = readFileSync(join(origin, "similarity_analysis.csv"), "utf8").split("\n")[0];
  assert.is(csv([]), `${header}\n`);
});
table("writes any other rows with a column for each field, and nothing where a number is missing", () => {
  const rows = [
    { query: "a, b", score: 0.5, isIn: true, embedding: Float32Array.of(1) },
    { query: "c", score: Number.NaN, isIn: false, size: Infinity },
  ];
  assert.is(csv(rows), 'query,score,isIn,size\n"a, b",0.5,True,\nc,,False,inf\n');
  assert.is(csv([{ id: 2n ** 53n + 1n }, { id: 5n }, { id: null }]), 'id\n9007199254740993\n5\n""\n');
});
table("writes True and False, floats as Python does, and quotes where it must", () => {
  const lines = csv(pairTable(small().pairs)).split("\n");
  assert.is(lines[1], "studio_anna,podcast_说话,0.97,studio,anna,3,podcast,说话,7,False,cross_dataset");
  assert.is(
    lines[3],
    'podcast_说话,"podcast_d,""x""",0.75,podcast,说话,7,podcast,"d,""x""",1,True,intra_dataset',
  );
  const one = { speaker1: speaker("a", "b"), speaker2: speaker("a", "line\nend"), similarity: 1 };
  assert.is(
    csv(pairTable([one]))
      .split("\n")
      .slice(1)
      .join("\n"),
    'a_b,"a_line\nend",1.0,a,b,3,a,"line\nend",3,True,intra_dataset\n',
  );
});
if (python === null) {
  console.log("SKIPPED csv against Python: there is none");
} else {
  table("is read back by Python's csv module", () => {
    const path = put(join(folder, "a.csv"), csv(pairTable(small().pairs)));
    const text = runPython(
      "import csv, sys, json\nwith open(sys.argv[1], newline='', encoding='utf8') as file: print(json.dumps([[r['speaker2_id'], float(r['similarity'])] for r in csv.DictReader(file)]))",
      [path],
    );
    assert.equal(JSON.parse(text), [
      ["说话", 0.97],
      ['d,"x"', 0.91],
      ['d,"x"', 0.75],
      ['d,"x"', 0.6],
    ]);
  });
}
table.run();

const suites = suite("analyze");
suites("counts the bands of the reference", () => {
  const { bands, summary, datasets, top } = analyze(reference());
  assert.equal(
    bands.map(({ pairs }) => pairs),
    [0, 0, 0, 45],
  );
  assert.equal(summary, {
    speakers: 10,
    utterances: 100,
    datasets: 1,
    totalPairs: 45,
    highPairs: 5,
    listedPairs: 5,
    duplicates: 0,
    leakage: 0,
  });
  assert.equal(datasets.length, 1);
  assert.is(top[0].similarity, 0.3628607988357544);
});
suites("sorts pairs into bands, duplicates and leakage", () => {
  const { bands, duplicates, leakage, top, summary, datasets } = analyze(small());
  assert.equal(
    bands.map(({ pairs }) => pairs),
    [2, 1, 1, 2],
  );
  assert.ok(Math.abs(bands.reduce((sum, { share }) => sum + share, 0) - 1) < 1e-12);
  assert.equal(
    duplicates.map(({ speaker2Id }) => speaker2Id),
    ["说话"],
  );
  assert.equal(
    leakage.map(({ similarity }) => similarity),
    [0.97, 0.91, 0.6],
  );
  assert.equal(
    top.map(({ similarity }) => similarity),
    [0.97, 0.91, 0.75, 0.6],
  );
  assert.equal([summary.duplicates, summary.leakage, summary.datasets], [1, 3, 2]);
  assert.equal(datasets, [
    { dataset: "studio", speakers: 2, utterances: 6, pairs: 0, meanSimilarity: Number.NaN },
    { dataset: "podcast", speakers: 2, utterances: 8, pairs: 1, meanSimilarity: 0.75 },
  ]);
});
suites("limits what is shown, not the table", () => {
  const { top, leakage, pairs } = analyze(small(), { minSimilarity: 0.7, maxResults: 2 });
  assert.equal([top.length, leakage.length, pairs.length], [2, 2, 4]);
  assert.equal(analyze(small(), { maxResults: 0 }).top, []);
});
suites("does not reorder what it is given", () => {
  const comparison = reference();
  const before = comparison.pairs.map(({ similarity }) => similarity);
  analyze(comparison);
  assert.equal(
    comparison.pairs.map(({ similarity }) => similarity),
    before,
  );
});
suites("refuses options out of range and a histogram without the edges it needs", () => {
  assert.throws(
    () => analyze(small(), { minSimilarity: 60 }),
    /minSimilarity must be a cosine from -1 to 1, not 60/,
  );
  assert.throws(() => analyze(small(), { maxResults: -1 }), /maxResults/);
  const histogram = { edges: Float64Array.of(-1, 0, 1), counts: Float64Array.of(1, 5) };
  assert.throws(() => analyze({ ...small(), histogram }), /no bin edge at 0\.9/);
});
suites.run();

const report = suite("reportText");
report("says what matters about the pairs", () => {
  const text = reportText(analyze(small()), { csvPath: "results/similarity_analysis.csv" });
  for (const part of [
    "4 speakers, 14 utterances, 2 data sets; 6 pairs of speakers",
    /> 0\.9 +very high +2 +33\.33 %/,
    /< 0\.5 +low +2/,
    "mean 0.5550   std 0.4000   min -0.1000   median 0.6750   max 0.9700",
    "High similarity (0.3 or more): 4 pairs",
    "Likely duplicates (above 0.95): 1 pair\n",
    "Possible leakage (pairs across data sets, 0.3 or more): 3 pairs",
    /1 +0\.9700 +studio\/anna \(3\) +podcast\/说话 \(7\) +two/,
    "Table of all 4 listed pairs: results/similarity_analysis.csv",
  ])
    assert.ok(typeof part === "string" ? text.includes(part) : part.test(text), `${part} in\n${text}`);
});
report("fits into 100 columns and survives any name", () => {
  const long = "a-very-long-name-of-a-data-set-with-no-end-to-it".repeat(3);
  const pairs = ["说话".repeat(40), "x\u001b[31mred\n", "é".repeat(100)].map((id, k) => ({
    speaker1: speaker(long, id, 123456),
    speaker2: speaker("b", id, 1),
    similarity: 0.99 - k / 100,
  }));
  const comparison = { ...small(), pairs, speakers: pairs.map(({ speaker1 }) => speaker1) };
  const text = reportText(analyze(comparison));
  for (const line of text.split("\n")) assert.ok(stringWidth(line) <= 100, line);
  assert.not.ok(/[^\P{Cc}\n]/u.test(text));
  // Columns stand under each other whatever the width of the letters.
  const starts = text
    .split("\n")
    .filter((line) => / b\//.test(line))
    .map((line) => stringWidth(line.slice(0, line.indexOf(" b/"))));
  assert.is(new Set(starts).size, 1);
});
report("says so when there is nothing", () => {
  const text = reportText(analyze(nothing));
  assert.ok(text.includes("0 speakers, 0 utterances, 0 data sets; 0 pairs"));
  assert.ok(text.includes("Most similar pairs: none at 0.8 or more"));
  assert.not.ok(text.includes("NaN"));
});
report("says when pairs are not listed", () => {
  const comparison = small();
  const text = reportText(
    analyze({
      ...comparison,
      pairs: comparison.pairs.slice(2, 3),
      statistics: { ...comparison.statistics, highPairs: 4 },
    }),
  );
  assert.ok(text.includes("of which the 1 most similar are listed"));
  assert.ok(text.includes("1 of them are not in the list of pairs."));
});
report("cuts long lists and says how many more there are", () => {
  const pairs = Array.from({ length: 130 }, (_, k) => ({
    speaker1: speaker("a", `${k}`),
    speaker2: speaker("b", `${k}`),
    similarity: 0.94 - k / 1000,
  }));
  const text = reportText(analyze({ ...small(), pairs }));
  assert.ok(text.includes("  and 110 more"));
  assert.is(
    text
      .split("Most similar pairs")[1]
      .split("\n")
      .filter((line) => line.includes(" two")).length,
    100,
  );
});
report.run();
