import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { auditSummary } from "../../src/audit/summary.js";
import { merge } from "../../src/merge/merge.js";
import { compareSpeakers } from "../../src/pipeline/compare-speakers.js";
import { reportStage } from "../../src/pipeline/report-stage.js";
import { fakeExtraction } from "../merged/extraction.js";
import { temporaryFolder } from "../tiny.js";

const folder = temporaryFolder();
const lines: string[] = [];
const context = { reporter: { log: (line: string) => lines.push(line) } };

test("a corpus of unknown speakers alone is merged, and then there is nothing to compare or report", async () => {
  const outputDir = await fakeExtraction(join(folder, "ranks"), { "d//a.wav": [1, 2], "d//b.wav": [2, 1] });
  const final = join(folder, "final");
  const { speakers } = await merge(outputDir, { outputDir: final });
  assert.equal(speakers, []);
  assert.is(await compareSpeakers(final, {}, context), false);
  assert.is(await reportStage({ resultsDir: final }, context), undefined);
  const sentence = `${final} holds no speaker, so there is nothing to compare`;
  assert.equal(lines, [sentence, sentence]);
});

test("one speaker is one speaker in the summary of an audit", () => {
  const found = { wrongLabel: 0, splitSpeaker: 0, leakage: 0, mergedSpeakers: 0 };
  const [first] = auditSummary({
    findings: [],
    summary: { utterances: 1, speakers: 1, unlabelled: 0, found },
    info: { model: "none", why: null, rounds: 0 },
  });
  assert.is(first, "1 utterance of 1 speaker looked at");
});

test.run();
