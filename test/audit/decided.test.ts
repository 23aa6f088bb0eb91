import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { audit } from "../../src/audit/audit.js";
import { auditSummary } from "../../src/audit/summary.js";
import { proposeDecisions } from "../../src/decisions/propose-decisions.js";
import { writePickle } from "../../src/format/write-pickle.js";
import { speakerscope } from "../cli.js";
import { put, temporaryFolder } from "../tiny.js";
import { voices } from "./voices.js";

/** Thirty speakers, where two recordings changed places and the last speaker goes by two names. */
function faulty() {
  const rows = voices(30, 6);
  [rows[0]!.embedding, rows[60]!.embedding] = [rows[60]!.embedding, rows[0]!.embedding];
  for (const row of rows.slice(-3)) row.speakerId = "other";
  return rows;
}

test("what people decided is not asked again, what they changed is taken as given, and they say how often findings hold", async () => {
  const rows = faulty();
  const { findings } = await audit(rows);
  const found = findings.filter(({ probability }) => probability >= 0.5);
  assert.equal(found.map(({ kind }) => kind).sort(), ["splitSpeaker", "wrongLabel", "wrongLabel"]);
  const proposals = proposeDecisions(findings);
  const decisions = proposals.map((proposal, i) => ({
    ...proposal,
    by: "anna",
    ...(i === 0 ? { action: "keep" as const, to: undefined } : {}),
  }));
  const again = await audit(rows, { decisions });
  assert.ok(Object.values(again.summary.found).every((count) => count === 0));
  assert.ok([...auditSummary(again)].includes("Nothing found"));
  const { agreed, disagreed, bands } = again.summary.decided!;
  assert.equal([agreed, disagreed], [2, 1]);
  assert.is(
    bands.reduce((sum, band) => sum + band.agreed + band.disagreed, 0),
    3,
  );
  assert.is(again.summary.speakers, proposals[0]!.kind === "splitSpeaker" ? 31 : 30);
});

test("where everybody sounds like one person, the audit says so instead of failing", async () => {
  const same = voices(1, 12, { spread: 0.01 }).map((row, i) => ({ ...row, speakerId: `s${i % 4}` }));
  const { info } = await audit(same);
  assert.equal(
    [info.model, info.why],
    [
      "none",
      "All speakers sound like one person, or are too few to tell, so that there is nobody to compare with.",
    ],
  );
});

test("the audit's own proposals are not taken as given", async () => {
  const rows = faulty();
  const { findings } = await audit(rows);
  const again = await audit(rows, { decisions: proposeDecisions(findings) });
  assert.equal(again.findings, findings);
  assert.is(again.summary.decided!.proposals, 3);
  // What is not found is not listed.
  assert.match(
    [...auditSummary(again)].join("\n"),
    /looked at\n2 utterances with a wrong label:\n.*\n.*\n1 pair of names of one person:\n.*\n(\d+ doubts? |Not looked for)/,
  );
  assert.match(
    [...auditSummary(again)].join("\n"),
    "Decided before: 0 findings hold, 0 do not, 0 unsure\n  3 lines by the audit itself were ignored: put your own name",
  );
});

test("speakerscope audit also writes Parquet, and decisions to be edited that a second run keeps", () => {
  const cwd = temporaryFolder();
  const entries = faulty().map(({ key, speakerId, embedding }) => [
    `x/${speakerId}/${key}`,
    { data: embedding, shape: [embedding.length], dtype: "float32" },
  ]);
  put(join(cwd, "voices.pkl"), writePickle(Object.fromEntries(entries)));
  const run = (...more: string[]) =>
    speakerscope(["audit", "--embeddings", "voices.pkl", "--output_dir", "out", ...more], { cwd });
  assert.match(
    run().stdout,
    /decisions\.jsonl: \d+ new proposals\. Delete or change lines .*\n.*\n {2}npx speakerscope apply --decisions out\/decisions\.jsonl --data_root CORPUS --out clean\.csv\n$/,
  );
  assert.is(readFileSync(join(cwd, "out", "findings.parquet")).toString("latin1", 0, 4), "PAR1");
  const path = join(cwd, "out", "decisions.jsonl");
  const proposed = readFileSync(path, "utf8").split("\n");
  const [first] = proposed;
  const { kind, keys, probability } = JSON.parse(first!);
  const own = JSON.stringify({
    kind,
    keys,
    action: "keep",
    by: "anna",
    at: "2026-01-31T09:30:00Z",
    probability,
  });
  const edited = [own, ...proposed.slice(1)].join("\n");
  put(path, edited);
  assert.match(run().stdout, "0 new proposals, beside 1 line of people");
  assert.is(readFileSync(path, "utf8"), edited);
  // What anna decided is not asked again.
  const { stdout } = run("--decisions", "out/decisions.jsonl", "--output_dir", "next");
  assert.match(stdout, "Decided before: 0 findings hold, 1 does not, 0 unsure");
  assert.not.ok(
    readFileSync(join(cwd, "next", "findings.jsonl"), "utf8").includes(
      `"kind":"${kind}","key1":"${keys[0]}"`,
    ),
  );
});

test.run();
