import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { audit } from "../../src/audit/audit.js";
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

test("one speaker is one speaker in the summary of an audit", async () => {
  const embedding = Float32Array.of(1, 2);
  const [first] = auditSummary(await audit([{ key: "d_s_u", dataset: "d", speakerId: "s", embedding }]));
  assert.is(first, "1 utterance of 1 speaker looked at");
});

test.run();
