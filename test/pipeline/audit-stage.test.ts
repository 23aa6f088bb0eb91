import { existsSync, readdirSync, readFileSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Audit, audit } from "../../src/audit/audit.js";
import { readAuditUtterances } from "../../src/audit/read-utterances.js";
import { splitCorpus } from "../../src/audit/split-corpus.js";
import { readDecisions } from "../../src/decisions/read-decisions.js";
import { writePickle } from "../../src/format/write-pickle.js";
import { type PublishSettings, publishAudit } from "../../src/pipeline/publish-audit.js";
import { runPipeline } from "../../src/pipeline/run-pipeline.js";
import { exportEmbeddings } from "../../src/store/export-embeddings.js";
import { readEmbeddings } from "../../src/store/read-embeddings.js";
import { writeTogether } from "../../src/util/write-together.js";
import { decode } from "../audio/decode.js";
import { voices } from "../audit/voices.js";
import { fakeExtraction } from "../merged/extraction.js";
import { contentsOf, put, temporaryFolder, voice, wav } from "../tiny.js";

const folder = temporaryFolder();
const lines: string[] = [];
const context = { reporter: { log: (line: string) => void lines.push(line) } };

const publish = (
  found: Audit,
  utterances: Parameters<typeof publishAudit>[2],
  settings: PublishSettings,
): Promise<void> =>
  writeTogether(settings.outputDir, { purpose: "testing" }, (files) =>
    publishAudit(files, found, utterances, settings, context),
  );

/** Thirty speakers of four utterances, of whom two pairs changed one recording. */
async function faulty(outputDir: string): Promise<string> {
  const rows = voices(30, 4);
  for (const [a, b] of [
    [0, 60],
    [33, 90],
  ] as const)
    [rows[a]!.embedding, rows[b]!.embedding] = [rows[b]!.embedding, rows[a]!.embedding];
  const files = rows.map(({ key, speakerId, embedding }) => [`x/${speakerId}/${key}.wav`, [...embedding]]);
  return fakeExtraction(outputDir, Object.fromEntries(files));
}

test("stage 3 audits the labels, writes findings and decisions beside, and measures its threshold without what it found", async () => {
  const outputDir = await faulty(join(folder, "ranks"));
  const finalDir = join(folder, "final");
  await runPipeline({ outputDir, finalDir, stage: 2, threshold: "eer" }, context);
  const text = lines.join("\n");
  assert.match(
    text,
    "AUDIT OF THE LABELS\n\n120 utterances of 30 speakers looked at\n4 utterances with a wrong label",
  );
  const [, audited, raw] = /equal error rate is (\S+) %.*as they are have (\S+) %/s.exec(text) ?? [];
  assert.ok(Number(audited) < Number(raw) / 3, `${audited} and ${raw}`);
  assert.match(
    text,
    /It leaves out what the audit found \(4 utterances\); the labels as they are have \d+\.\d\d % at 0\.\d+\./,
  );
  assert.match(
    text,
    /Threshold \S+, measured on the labels as they are\n.*Threshold \S+, measured on the labels without what the audit found\n/s,
  );
  assert.match(text, "  audit: what is wrong with the labels");
  // There is no audio to listen to.
  assert.equal(readdirSync(join(finalDir, "audit")).sort(), [
    "decisions.jsonl",
    "findings.csv",
    "findings.jsonl",
    "findings.parquet",
    "proposals.jsonl",
  ]);
  assert.is(readDecisions(join(finalDir, "audit", "decisions.jsonl")).decisions.length, 4);
  // The pairs are listed by the threshold that was measured so, too.
  const { statistics } = JSON.parse(readFileSync(join(finalDir, "speaker_similarity.json"), "utf8"));
  assert.match(text, `The labels of this corpus give ${Math.round(statistics.threshold_used * 1e4) / 1e4}:`);
});

test("the same utterances, in any order and at any time, give the same bytes", async () => {
  const rows = voices(30, 4).map((row) => ({ ...row, path: "" }));
  [rows[0]!.embedding, rows[60]!.embedding] = [rows[60]!.embedding, rows[0]!.embedding];
  rows.push({ ...rows[5]!, key: "x_other_1", speakerId: "other" });
  const written: unknown[] = [];
  for (const [i, order] of [rows, rows.toReversed(), rows.toSorted(byLastLetter)].entries()) {
    const outputDir = join(folder, `order-${i}`);
    const embeddings = put(join(folder, `embeddings-${i}`), "");
    utimesSync(embeddings, i, i);
    await publish(await audit(order), order, { embeddings, outputDir, page: false });
    written.push(contentsOf(outputDir));
  }
  assert.equal(Object.keys(written[0]!).length, 5);
  assert.ok(statSync(join(folder, "order-0", "decisions.jsonl")).size > 0);
  for (const other of written.slice(1)) assert.equal(other, written[0]);

  function byLastLetter(a: { key: string }, b: { key: string }): number {
    return a.key.at(-1)!.localeCompare(b.key.at(-1)!);
  }
});

test("without the audit there is neither section nor folder, and no speakers are no error", async () => {
  lines.length = 0;
  const outputDir = await faulty(join(folder, "ranks-2"));
  const finalDir = join(folder, "final-2");
  await runPipeline({ outputDir, finalDir, stage: 2, audit: false, computeSimilarity: false }, context);
  assert.not.match(lines.join("\n"), "AUDIT");
  assert.not.ok(existsSync(join(finalDir, "audit")));
});

test("the page plays the spans that utterances are of, and the audit knows their sessions", async () => {
  const merged = join(folder, "spans");
  const path = put(join(folder, "long.wav"), wav([voice(1, { seconds: 4 })]));
  const fact = { key: "x_a_1", path, span: { start: 1, end: 2.5 }, session: "monday", seconds: 1.5 };
  put(join(merged, "utterances.jsonl"), `${JSON.stringify(fact)}\n`);
  const finding = {
    kind: "wrongLabel" as const,
    keys: ["x_a_1"],
    score: 2,
    probability: 0.9,
    evidence: { speaker: "x_a", nearestSpeaker: null },
    remedy: { action: "drop" as const },
  };
  const nothing = await audit([]);
  const embedding = Float32Array.of(1, 2);
  const utterance = { key: "x_a_1", dataset: "x", speakerId: "a", path, embedding };
  await publish({ ...nothing, findings: [finding] }, [utterance], { embeddings: merged, outputDir: merged });
  const { channels, sampleRate } = decode(readFileSync(join(merged, "page", "audio", "000001.wav")));
  assert.is(channels[0]!.length / sampleRate, 1.5);
  await writeEmbeddings(merged);
  assert.equal(
    (await readAuditUtterances(merged)).map(({ session }) => session),
    ["monday"],
  );

  // In a cell as well, where splits go by the lengths.
  const rows = await readEmbeddings(merged, { level: "utterance" });
  assert.equal(
    rows.map(({ session, seconds }) => [session, seconds]),
    [["monday", 1.5]],
  );
  const { summary } = splitCorpus(rows, { parts: { all: 1 } });
  assert.is(summary.unit, "seconds");
  await exportEmbeddings(merged, join(merged, "rows.parquet"));
  assert.is((await readAuditUtterances(join(merged, "rows.parquet")))[0]!.session, "monday");

  async function writeEmbeddings(to: string): Promise<void> {
    const row = {
      embedding: { data: embedding, shape: [2], dtype: "float32" },
      dataset: "x",
      speaker_id: "a",
      utterance_id: "1",
      path,
    };
    put(join(to, "utterance_embeddings.pkl"), writePickle({ x_a_1: row }));
  }
});

test.run();
