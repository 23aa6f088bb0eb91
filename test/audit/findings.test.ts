import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { equalErrorRates } from "../../src/audit/equal-error-rates.js";
import type { Finding } from "../../src/audit/finding.js";
import { findingRows, findingsCsv, findingsJsonLines } from "../../src/audit/findings-table.js";
import { readAuditUtterances } from "../../src/audit/read-utterances.js";
import { withoutFindings } from "../../src/audit/without-findings.js";
import { speakerscope } from "../cli.js";
import { put, temporaryFolder } from "../tiny.js";
import { voices } from "./voices.js";

const finding = (
  kind: Finding["kind"],
  keys: string[],
  remedy: Finding["remedy"],
  probability = 0.9,
): Finding => ({
  kind,
  keys,
  score: 2.5,
  probability,
  evidence: { note: 'a "b", c' },
  remedy,
});
const fixture = join(__dirname, "..", "fixtures", "audit", "wild.npz");

test("findings are rows with the right speaker as target", () => {
  const rows = findingRows([
    finding("wrongLabel", ["x_a_1"], { action: "relabel", to: "x_b" }),
    finding("splitSpeaker", ["x_a", "x_c"], { action: "mergeNames", names: ["x_a", "x_c"] }),
    finding("mergedSpeakers", ["x_d"], { action: "splitName", parts: [["x_d_1"], ["x_d_2"]] }),
  ]);
  assert.equal([...findingsCsv(rows)].slice(0, 3), [
    "kind,key1,key2,score,probability,remedy,target,evidence\n",
    'wrong_label,x_a_1,,2.5,0.9,relabel,x_b,"{""note"":""a \\""b\\"", c""}"\n',
    'split_speaker,x_a,x_c,2.5,0.9,merge_names,,"{""note"":""a \\""b\\"", c""}"\n',
  ]);
  const third = JSON.parse([...findingsJsonLines(rows)][2]);
  assert.equal(third.evidence.parts, [["x_d_1"], ["x_d_2"]]);
  assert.is(third.kind, "merged_speakers");
});

test("scores are rounded to six digits in tables", () => {
  const found = finding("wrongLabel", ["x_a_1"], { action: "drop" });
  const scores = [-0.7650000000000002, 1234567.8, 40, Infinity].map((score) => ({ ...found, score }));
  assert.equal(
    findingRows(scores).map(({ score }) => score),
    [-0.765, 1234570, 40, Infinity],
  );
});

test("kinds, remedies and the names of the evidence are spelt alike in files", () => {
  const [row] = findingRows([
    {
      ...finding("nearCopies", ["x_a_1", "x_b_1"], { action: "keepOne", to: "x_a_1" }),
      evidence: { lagSeconds: 0.5, nearestSpeaker: "x_oneTwo" },
    },
  ]);
  assert.equal(
    [row!.kind, row!.remedy, row!.evidence],
    ["near_copies", "keep_one", '{"lag_seconds":0.5,"nearest_speaker":"x_oneTwo"}'],
  );
});

test("what an audit found is left out of the equal error rate, and names of one person are one", () => {
  const rows = voices(6, 4).map((row) => ({
    ...row,
    speakerId: row.speakerId!,
    utteranceId: row.key,
    path: row.key,
  }));
  rows.forEach((row, i) => {
    if (i === 1) row.embedding = rows[9].embedding;
    // The second speaker's last two utterances go by a name of their own.
    if (i === 6 || i === 7) row.speakerId = "other";
  });
  const found = [
    finding("wrongLabel", ["x_s0_u1"], { action: "drop" }),
    finding("splitSpeaker", ["x_s1", "x_other"], { action: "mergeNames", names: ["x_s1", "x_other"] }),
    finding("mergedSpeakers", ["x_s5"], { action: "splitName", parts: [[], []] }, 0.4),
  ];
  const left = withoutFindings(rows, found);
  assert.is(left.length, 23);
  assert.is(new Set(left.map(({ speakerId }) => speakerId)).size, 6);
  const { raw, audited, leftOut } = equalErrorRates(rows, found);
  assert.is(leftOut, 1);
  assert.ok(raw.eer > 0.05, String(raw.eer));
  assert.is(audited.eer, 0);
});

test("keys of a .npz file name data set and speaker", async () => {
  const [first] = await readAuditUtterances(fixture);
  assert.match(first.key, /^d\/s\d+\/u\d+$/);
  assert.is(first.dataset, "d");
  assert.is(`d/${first.speakerId}/`, first.key.replace(/[^/]*$/, ""));
});

test("speakerscope audit writes its findings, and fails on the kinds that it is told to", () => {
  const cwd = temporaryFolder();
  const run = (...flags: string[]) =>
    speakerscope(["audit", "--embeddings", fixture, "--output_dir", "out", ...flags], { cwd });
  const { status, stdout, stderr } = run("--fail_on", "merged_speakers", "leakage");
  assert.is(status, 1);
  assert.match(stdout, /552 utterances of 110 speakers looked at/);
  assert.match(stdout, /^\d+ names? of two people:$/m);
  assert.not.match(stdout + stderr, /[a-z][A-Z]/);
  assert.match(stderr, /\d findings of merged_speakers, leakage are in out\/findings.csv/);
  const lines = readFileSync(join(cwd, "out", "findings.csv"), "utf8")
    .trim()
    .split("\n");
  assert.is(lines[0], "kind,key1,key2,score,probability,remedy,target,evidence");
  assert.is(
    readFileSync(join(cwd, "out", "findings.jsonl"), "utf8")
      .trim()
      .split("\n").length,
    lines.length - 1,
  );
});

test("speakerscope audit says what is wrong with its input", () => {
  const cwd = temporaryFolder();
  put(join(cwd, "x.npy"), "");
  assert.match(
    speakerscope(["audit", "--embeddings", "none", "--output_dir", "out"], { cwd }).stderr,
    /none does not exist/,
  );
  // Before anything is computed.
  assert.match(
    speakerscope(["audit", "--embeddings", "none", "--output_dir", "x.npy/out"], { cwd }).stderr,
    /Nothing can be written to x\.npy\/out \(\S+x\.npy is not a folder\)/,
  );
  const { stderr } = speakerscope(
    ["audit", "--embeddings", fixture, "--output_dir", "out", "--fail_on", "noise"],
    { cwd },
  );
  assert.match(stderr, /Allowed choices are wrong_label, split_speaker, leakage, merged_speakers/);
});

test.run();
