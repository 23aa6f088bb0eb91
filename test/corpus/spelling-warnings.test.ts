import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { scan } from "../../src/corpus/scan.js";
import { spellingWarnings } from "../../src/corpus/spelling-warnings.js";
import { merge } from "../../src/merge/merge.js";
import { fakeExtraction } from "../merged/extraction.js";
import { put, temporaryFolder } from "../tiny.js";

const composed = "Jos\u00e9";
const decomposed = "Jose\u0301";
const named = (...paths: string[]) =>
  spellingWarnings(
    paths.map((path) => {
      const [dataset, speakerId, utteranceId] = path.split("/");
      return { dataset: dataset!, speakerId: speakerId!, utteranceId: utteranceId! };
    }),
  );

test("two spellings of one name are a warning that shows both, on each level", () => {
  for (const [level, paths] of Object.entries({
    "data set": [`${composed}/s/u`, `${decomposed}/s/v`],
    speaker: [`d/${composed}/u`, `d/${decomposed}/v`, `d/${composed}/w`],
    utterance: [`d/s/${composed}`, `d/s/${decomposed}`],
  })) {
    const warnings = named(...paths);
    assert.is(warnings.length, 1, level);
    assert.ok(warnings[0]!.startsWith(`1 ${level} name looks like another`), warnings[0]);
    assert.match(warnings[0]!, /"Jos\\u\{e9\}" and "Jose\\u\{301\}"/);
  }
  assert.match(named("d/K/u", "d/\u212a/u")[0]!, /"K" and "\\u\{212a\}"/);
});

test("speakers that differ in case or blanks alone are a warning, utterances that differ in case are none", () => {
  for (const [one, other] of [
    ["anna", "Anna"],
    ["s1", " s1 "],
    ["s 1", "s\u00a0 1"],
    ["s1", "s\u200b1"],
  ] as const)
    assert.is(named(`d/${one}/u`, `d/${other}/v`).length, 1, other);
  assert.match(named("d/s1/u", "d/s1\u200b/v")[0]!, /"s1" and "s1\\u\{200b\}"/);
  assert.equal(named("d/s/dQw4w9WgXcQ", "d/s/dqw4w9wgxcq", "d/s1/u", "d/s 1/u"), []);
});

test("names that are spelled in one way are none", () => {
  assert.equal(
    named("d/s/u", "d/t/u", "e/s/u", `d/${composed}/u`, `e/${composed}/u`, `d/${composed}/v`, "d/Jose/u"),
    [],
  );
  assert.equal(
    named(`d/${composed}/u`, `e/${decomposed}/u`),
    [],
    "speakers of two data sets are two speakers",
  );
});

test("a scan and a merge warn, and keep both", async () => {
  const folder = temporaryFolder();
  const files = [`d/${composed}/a.wav`, `d/${decomposed}/b.wav`];
  for (const file of files) put(join(folder, "corpus", file), "x");
  const { utterances, warnings } = await scan(join(folder, "corpus"));
  assert.is(utterances.length, 2);
  assert.match(warnings.join("\n"), /1 speaker name looks like another/);
  await fakeExtraction(join(folder, "ranks"), Object.fromEntries(files.map((file) => [file, [1, 2]])));
  const lines: string[] = [];
  const options = { outputDir: join(folder, "final"), onLog: (line: string) => lines.push(line) };
  const { speakers } = await merge(join(folder, "ranks"), options);
  assert.is(speakers.length, 2);
  assert.match(lines.join("\n"), /Warning: 1 speaker name looks like another/);
});

test.run();
