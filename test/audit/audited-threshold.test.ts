import { test } from "uvu";
import * as assert from "uvu/assert";
import { auditedThreshold } from "../../src/audit/audited-threshold.js";
import type { Finding } from "../../src/audit/finding.js";
import { voices } from "./voices.js";

const rows = voices(12, 4).map((row) => ({ ...row, utteranceId: row.key, path: `${row.key}.wav` }));
const wrongLabel = (key: string, probability: number): Finding => ({
  kind: "wrongLabel",
  keys: [key],
  score: 1,
  probability,
  evidence: {},
  remedy: { action: "drop" },
});

test("auditedThreshold measures without what was found, and says what the labels as they are give", () => {
  const clean = auditedThreshold(rows, [])!;
  assert.is(clean.asLabelled, undefined);
  const moved = rows.map((row, i) => (i < 4 ? { ...row, speakerId: `s${i + 1}` } : row));
  const found = moved.slice(0, 4).map(({ key }) => wrongLabel(key, 0.9));
  const { eer, asLabelled } = auditedThreshold(moved, found)!;
  assert.is(eer, clean.eer);
  assert.is(asLabelled!.leftOut, 4);
  assert.ok(asLabelled!.eer! > eer + 0.05, `${asLabelled!.eer}`);
});

test("auditedThreshold leaves an utterance out that is rather doubtful than wrong", () => {
  const found = [wrongLabel(rows[0].key, 0.3), wrongLabel(rows[1].key, 0.2)];
  assert.is(auditedThreshold(rows, found)!.asLabelled!.leftOut, 1);
});

test("auditedThreshold leaves nothing out for slight doubts, nor for people who are in two data sets", () => {
  const leakage: Finding = { ...wrongLabel("", 0.9), kind: "leakage", keys: ["x_s0", "x_s1"] };
  assert.equal(auditedThreshold(rows, [wrongLabel(rows[0].key, 0.2), leakage]), auditedThreshold(rows, []));
});

test.run();
