import { inspect } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { format } from "../../kernels/speakerscope/display/format.js";
import { showExtraction } from "../../src/extract/extract-result.js";
import { readManifest, scan } from "../../src/index.js";
import { showEmbeddings } from "../../src/store/show-embeddings.js";
import { put, temporaryFolder, tinyCorpus } from "../tiny.js";

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
  assert.match(html, "<th>data set</th>");
  const { utterances } = await scan(root);
  assert.match((await shown(utterances)).html, "<td>&lt;i&gt;ann</td>");
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
  assert.match(text, "the first 10 of 50 rows");
  assert.match(html, "<td>a_s0</td>");
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
  assert.match(text, "95 of 100 files are embedded in out\n10 of them were done before");
  assert.match(text, /0 +cpu +85 +5 +10 +8\.5/);
  assert.match(text, /decode +the file ends early +4 +b0\.wav\n {2}decode +no audio +1 +a\.wav/);
  assert.match(text, /short +1 +c\.wav/);
  assert.match(html, "<td>the file ends early</td>");
  assert.match((await shown(result.failures)).text, "5 failures");
});

test.run();
