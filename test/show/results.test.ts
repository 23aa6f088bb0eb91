import { inspect } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { format } from "../../kernels/speakerscope/display/format.js";
import { showExtraction } from "../../src/extract/extract-result.js";
import {
  analyze,
  audit,
  cluster,
  enroll,
  highSimilarityPairs,
  identify,
  inspectModel,
  makeTrials,
  measures,
  openModel,
  readManifest,
  readSimilarity,
  scan,
  scoreTrials,
  similarity,
  variability,
  writeSimilarity,
} from "../../src/index.js";
import { showEmbeddings } from "../../src/store/show-embeddings.js";
import { put, temporaryFolder, tinyCorpus, tinyModel } from "../tiny.js";

/** The text and the HTML of a result; the text is short wherever it is shown. */
async function shown(value: object) {
  const bundle = (await format(value, false)) as Record<string, string>;
  const text = inspect(value);
  assert.is(bundle["text/plain"], text);
  assert.ok(text.split("\n").length <= 25, text);
  assert.is(
    inspect([value], { breakLength: Infinity }).split("\n").length,
    1,
    "one line within another value",
  );
  return { text, html: bundle["text/html"] };
}

const folder = temporaryFolder("speakerscope-show");

test("a corpus shows data sets, speakers, warnings and what could not be read", async () => {
  const root = tinyCorpus(`${folder}/corpus`, {
    "a/<i>ann/u1.wav": 1,
    "a/<i>ann/u2.wav": 2,
    "b/bob/u1.wav": 3,
  });
  put(`${root}/b/misplaced.wav`, "");
  const { text, html } = await shown(await scan(root));
  assert.match(text, `3 recordings in ${root}: 2 speakers, 2 data sets`);
  assert.match(text, /Warning: 1 audio files do not lie below a speaker's folder/);
  assert.match(text, /data set +speakers +recordings +size\n.*\n {2}a +1 +2 +/);
  assert.match(html, '<th style="text-align:left">data set</th>');
  const { utterances } = await scan(root);
  assert.match((await shown(utterances)).html, '<td style="text-align:left">&lt;i&gt;ann</td>');
});

test("a corpus of a manifest shows where it is listed and how long it is", async () => {
  const root = tinyCorpus(`${folder}/listed`, { "a/ann/u1.wav": 1, "a/ann/u2.wav": 2 });
  const rows = ["u1", "u2"].map((name) => ({
    audio_filepath: `a/ann/${name}.wav`,
    duration: 1800,
    speaker: "ann",
  }));
  const manifest = `${root}/manifest.jsonl`;
  put(manifest, rows.map((row) => JSON.stringify(row)).join("\n"));
  const { text } = await shown(await readManifest(manifest));
  assert.match(text, "1 speaker, 1 data set, 60 min");
  assert.match(text, `Listed in ${manifest} (nemo)`);
});

test("embeddings are a table with the norms, whatever they hold", async () => {
  const rows = Array.from({ length: 50 }, (_, i) => ({
    key: `a_s${i}`,
    dataset: "a",
    speakerId: `s${i}`,
    numUtterances: i + 1,
    embedding: Float32Array.from({ length: 192 }, (_, d) => (d === 0 ? 3 : d === 1 ? 4 : 0)),
  }));
  const { text, html } = await shown(showEmbeddings(rows, "speaker"));
  assert.match(text, "50 speakers, 192 numbers each");
  assert.match(text, /a_s9 +a +s9 +10 +5 +3\.000, 4\.000, 0\.000, …/);
  assert.match(text, "the first 10 of 50 speakers");
  assert.match(html, '<td style="text-align:left">a_s0</td>');
  // What is left when somebody filters and copies the rows.
  const copied = rows.filter(({ numUtterances }) => numUtterances < 5).map((row) => ({ ...row }));
  const bundle = (await format(copied, false)) as Record<string, string>;
  assert.ok(bundle["text/plain"].split("\n").length <= 25, bundle["text/plain"]);
  assert.match(bundle["text/html"], "Float32Array (192), norm 5: 3, 4, 0, 0, 0, 0, 0, 0, …");
});

test("an extraction shows its rates, and failures by reason", async () => {
  const failure = (path: string, reason: string) => ({
    ...{ path, dataset: "a", speakerId: "s", utteranceId: path },
    stage: "decode" as const,
    reason,
  });
  const result = showExtraction({
    outputDir: "out",
    total: 100,
    embedded: 95,
    resumed: 10,
    failures: [
      failure("a.wav", "no audio"),
      ...Array.from({ length: 4 }, (_, i) => failure(`b${i}.wav`, `the file ends early: ${i} bytes`)),
    ],
    doubts: [
      { path: "c.wav", dataset: "a", speakerId: "s", utteranceId: "c", warning: "short", detail: "0.4 s" },
    ],
    ranks: [{ rank: 0, device: "cpu", done: 85, failed: 5, seconds: 10 }],
  });
  const { text, html } = await shown(result);
  assert.match(text, "95 of 100 files are embedded in out\nUnchanged: 10 of 100 files were done before");
  assert.match(text, /0 +cpu +85 +5 +10 +8\.5/);
  assert.match(text, /decode +the file ends early +4 +b0\.wav\n {2}decode +no audio +1 +a\.wav/);
  assert.match(text, /short +1 +c\.wav/);
  assert.match(html, '<td style="text-align:left">the file ends early</td>');
  assert.match((await shown(result.failures)).text, "5 failures");
});

const voices = Array.from({ length: 12 }, (_, i) => ({
  key: `<i>a_s${i >> 1}_u${i}`,
  dataset: i < 6 ? "a" : "b",
  speakerId: `s${i >> 1}`,
  utteranceId: `u${i}`,
  path: `u${i}.wav`,
  embedding: Float32Array.from({ length: 8 }, (_, d) => (d === i >> 1 ? 1 : 0.1 * ((i * 7 + d * 3) % 5))),
}));
const speakers = voices
  .filter((_, i) => i % 2 === 0)
  .map(({ dataset, speakerId, embedding }) => ({
    ...{ key: `${dataset}_${speakerId}`, dataset, speakerId, numUtterances: 2, embedding },
  }));

test("a comparison shows statistics, a histogram and the top pairs by name, as does one from a file", async () => {
  const compared = await similarity(voices, { threshold: 0.3 });
  const { text, html } = await shown(compared);
  assert.match(text, /^Similarity of 12 rows: \d+ of 66 pairs at or above 0\.3\nmean \S+, std \S+, min \S+/);
  assert.match(text, /\n-?\d\.\d\d [▁▂▃▄▅▆▇█ ]+ \d\.\d\d\n/);
  assert.match(text, /<i>a_s\d_u\d+ +<i>a_s\d_u\d+ +0\.\d+/);
  assert.match(html, /<svg class="sparkline"[^>]*><path d="M0 40v-/);
  assert.match(html, '<td style="text-align:left">&lt;i&gt;a_s');
  assert.not.match(html, "<i>");
  const of = await similarity(speakers, { threshold: 0.1, against: speakers.slice(0, 2) });
  assert.match((await shown(of)).text, "Similarity of 6 rows against 2: ");
  const folder = temporaryFolder("speakerscope-show-similarity");
  const result = await similarity(speakers, { threshold: 0.1, matrix: true });
  await writeSimilarity(folder, speakers, result);
  const stored = await shown(readSimilarity(folder));
  assert.match(stored.text, /^Similarity of 6 speakers: /);
  assert.match(stored.text, /[ab]_s\d +[ab]_s\d +0\.\d+/);
  assert.match((await shown(await similarity([], {}))).text, "0 of 0 pairs at or above 0.8");
});

test("an analysis shows bands, data sets and pairs, variability what does not fit", async () => {
  const result = await similarity(speakers, { threshold: -1 });
  const analysis = analyze({ speakers, ...result, pairs: highSimilarityPairs(result, speakers) });
  const { text } = await shown(analysis);
  assert.match(text, /^6 speakers, 15 pairs: 0 likely duplicates, \d+ pairs across data sets from -1 on/);
  assert.match(text, "0.7 - 0.9");
  assert.match(text, "the first 5 of 15 pairs");
  assert.match((await shown(analysis.top)).text, "15 pairs");
  const varied = await shown(variability(voices));
  assert.match(varied.text, /^12 utterances of 6 speakers: mean cosine 0\.\d+ within a speaker/);
  assert.match(varied.text, /a_s\d +2 +0\.\d+/);
});

test("trials, scores and measures show how many there are and how good", async () => {
  const made = makeTrials(voices);
  assert.match((await shown(made)).text, "12 trials: 6 of one speaker, 6 of two");
  const scored = await scoreTrials(made.trials, voices);
  const { text } = await shown(scored);
  assert.match(text, /mean score of one speaker 0\.\d+, mean score of two speakers/);
  assert.match(text, "the first 8 of 12 trials");
  const measured = await shown(measures(scored, { resamples: 10 }));
  assert.match(measured.text, /^EER \S+ % at \S+: 6 target, 6 non-target trials/);
  assert.match(measured.text, /measure +value +95 % interval/);
  const answers = await shown(await identify(voices.slice(0, 1), enroll(voices.slice(1)), { topK: 2 }));
  assert.match(answers.text, "2 answers");
  assert.not.match(answers.text, "probability", "a column without a value is left out");
});

test("a clustering shows how many people there are and who speaks most", async () => {
  const result = await cluster(voices, { count: 6 });
  const { text } = await shown(result);
  assert.match(text, /^12 utterances of 6 people\n/);
  assert.match(text, /person-001 +\d+ +[\d.]+ +<i>a_s/);
});

test("an audit shows what it found and what to do", async () => {
  const result = await audit(voices);
  const { text } = await shown(result);
  assert.match(text, /^Audit of 12 utterances of 6 speakers: \d+ finding/);
  assert.match(text, `Note: ${result.info.why?.split(" ")[0]}`);
  assert.match((await shown(result.findings)).text, /^\d+ finding/);
});

test("a model shows what it takes, its front end, its dimension and its golden check", async () => {
  const { text, html } = await shown(inspectModel("ge2e"));
  assert.match(text, /^ge2e-256: 256 numbers an utterance\nFile: data\/models/);
  assert.match(text, "Takes: filter banks at 16000 Hz, any length, in parts of 160 frames");
  assert.match(text, "Front end: numMelBins 40, frameLengthMs 25");
  assert.match(html, "<p>Golden check: none");
  const model = await openModel({ modelPath: tinyModel(folder) });
  await model.close();
  assert.match((await shown(model)).text, " on cpu: ");
});

test.run();
