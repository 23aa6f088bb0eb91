import { join } from "node:path";
import { inspect } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { audit } from "../../src/audit/audit.js";
import type { Finding } from "../../src/audit/finding.js";
import { findingText } from "../../src/audit/finding-text.js";
import { readAuditUtterances } from "../../src/audit/read-utterances.js";
import { auditSummary } from "../../src/audit/summary.js";
import { voices } from "./voices.js";

const finding = (kind: Finding["kind"], keys: string[], remedy: Finding["remedy"]): Finding => ({
  kind,
  keys,
  remedy,
  score: 3,
  probability: 0.9,
  evidence: { speaker: "d_a" },
});

test("every finding says in words what it is about and what to do", () => {
  const say = (...of: Parameters<typeof finding>) => findingText(finding(...of));
  assert.equal(
    [
      say("wrongLabel", ["d_a_1"], { action: "relabel", to: "d_b" }),
      say("wrongLabel", ["d_a_1"], { action: "drop" }),
      say("splitSpeaker", ["d_a", "d_b"], { action: "mergeNames", names: ["d_a", "d_b"] }),
      say("leakage", ["d_a", "e_b"], { action: "keepOnOneSide", names: ["d_a", "e_b"] }),
      say("mergedSpeakers", ["d_a"], { action: "splitName", parts: [["1", "2"], ["3"]] }),
      say("nearCopies", ["d_a_1", "d_a_2"], { action: "keepOne", to: "d_a_2" }),
      say("nonSpeech", ["d_a_1"], { action: "drop" }),
      say("short", ["d_a_1"], { action: "keep" }),
    ],
    [
      "d_a_1 sounds like d_b, not d_a: relabel it",
      "d_a_1 sounds neither like d_a nor like anybody else: leave it out",
      "d_a and d_b: give them one name",
      "d_a and e_b: keep both on one side of a split",
      "d_a: split it (2 and 1 utterance)",
      "d_a_1 and d_a_2: keep d_a_2",
      "d_a_1: leave it out",
      "d_a_1: yours to decide",
    ],
  );
});

test("the summary names the first three findings of a kind, and says what is left out and what comes next", async () => {
  const { summary, info } = await audit([]);
  const files = Array.from({ length: 5 }, (_, i) => finding("nonSpeech", [`d_a_${i}`], { action: "drop" }));
  const doubt = { ...files[0], probability: 0.2 };
  const findings = [...files, finding("quiet", ["d_a_9"], { action: "keep" }), doubt];
  const found = { ...summary.found, nonSpeech: 5, quiet: 1 };
  const text = auditSummary(
    { findings, summary: { ...summary, utterances: 7, speakers: 1, unlabelled: 2, found }, info },
    "Listen.",
  );
  assert.equal(
    [...text],
    [
      "7 utterances of 1 speaker looked at; left out: 2 of unknown speakers, 5 without speech",
      `Note: ${info.why}`,
      "5 files without speech:",
      "  d_a_0: leave it out (90 %)",
      "  d_a_1: leave it out (90 %)",
      "  d_a_2: leave it out (90 %)",
      "  and 2 more",
      "1 quiet file",
      "1 doubt besides, of a probability of 0.05 to 0.5",
      "Not looked for, without the audio: copies, files without speech, and short, clipped, quiet, noisy or narrow-band ones. Listen.",
    ],
  );
});

test("very many names of two people may be people who speak in several ways, and the audit says so", async () => {
  const altered = await readAuditUtterances(join(__dirname, "..", "fixtures", "audit", "altered.npz"));
  const audited = await audit(altered);
  const note = / seem to be two people each\. .* listen before you split/;
  assert.match([...auditSummary(audited)].join("\n"), note);
  assert.match(inspect(audited).replace(/\s+/g, " "), note);
  const { summary } = audited;
  const found = { ...summary.found, mergedSpeakers: 2 };
  const few = { ...audited, summary: { ...summary, found } };
  assert.not.match([...auditSummary(few)].join("\n"), note);
});

test("where nobody could be compared, nothing is said to be found or not; without labels, cluster comes next", async () => {
  const unlabelled = voices(2, 3).map((row) => ({ ...row, speakerId: null }));
  const lines = [...auditSummary(await audit(unlabelled))];
  assert.not.ok(lines.includes("Nothing found"));
  assert.is(lines[0], "0 utterances of 0 speakers looked at; left out: 6 of unknown speakers");
  assert.match(lines[2], "speakerscope cluster");
});

test.run();
