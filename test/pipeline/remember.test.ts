import { existsSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
// The ranks of an extraction are processes of the built package.
import { scan } from "../../dist/src/corpus/scan.js";
import { extract } from "../../dist/src/extract/extract.js";
import { compareSpeakers } from "../../dist/src/pipeline/compare-speakers.js";
import { mergeStage } from "../../dist/src/pipeline/merge-stage.js";
import { prepareEmbeddings } from "../../dist/src/pipeline/prepare-embeddings.js";
import { readDurations } from "../../dist/src/pipeline/read-durations.js";
import { recordings } from "../../dist/src/pipeline/recordings.js";
import { remember } from "../../dist/src/pipeline/remember.js";
import { put, temporaryFolder, tinyCorpus, tinyModel, voice, wav } from "../tiny.js";

const folder = temporaryFolder("remember");
const stagesFile = join(folder, "stages.json");

/** A stage that counts its runs. */
function stage(name: string) {
  const output = join(folder, `${name}.txt`);
  let runs = 0;
  return {
    output,
    runs: () => runs,
    make: (inputs: unknown, file: string | undefined = stagesFile) =>
      remember(file, { name, inputs, outputs: [output] }, async () => {
        runs++;
        put(output, `made ${runs} times`);
      }),
  };
}

test("a stage whose inputs did not change does not run again, and says that it did not", async () => {
  const { make, runs } = stage("same");
  assert.is(await make({ threshold: 0.5 }), true);
  assert.is(await make({ threshold: 0.5 }), false);
  assert.is(runs(), 1);
});

test("a changed option, and going back to the old one, run it", async () => {
  const { make, runs } = stage("options");
  for (const threshold of [0.5, 0.6, 0.6, 0.5]) await make({ threshold });
  assert.is(runs(), 3);
});

test("a file of the stage that is gone or was changed by somebody else is made anew", async () => {
  const { make, output, runs } = stage("outputs");
  await make(1);
  rmSync(output);
  assert.is(await make(1), true);
  writeFileSync(output, "edited by hand, longer");
  assert.is(await make(1), true);
  utimesSync(output, 1, 1);
  assert.is(await make(1), true);
  assert.is(runs(), 4);
});

test("a stage that failed is not remembered", async () => {
  const output = join(folder, "failing.txt");
  const failing = () =>
    remember(stagesFile, { name: "failing", inputs: 1, outputs: [output] }, async () => {
      put(output, "half");
      throw new Error("no space");
    });
  for (let k = 0; k < 2; k++)
    await failing().then(
      () => assert.unreachable(),
      (error: Error) => assert.is(error.message, "no space"),
    );
});

test("without a file of notes it always runs, and damaged notes are none", async () => {
  const { make, runs } = stage("notes");
  await remember(undefined, { name: "notes", inputs: 1, outputs: [] }, async () => {});
  await make(1);
  writeFileSync(stagesFile, "{ not json");
  assert.is(await make(1), true);
  assert.is(await make(1), false);
  assert.is(runs(), 2);
});

const corpusRoot = tinyCorpus(join(folder, "corpus"), {
  "a/s1/u1.wav": 1,
  "a/s1/u2.wav": 2,
  "b/s2/u1.wav": 3,
  "b/s2/u2.wav": 4,
});
const workspace = {
  dataRoot: corpusRoot,
  resultsDir: join(folder, "results"),
  outputDir: join(folder, "results", "embeddings"),
  finalDir: join(folder, "results", "final"),
  stagesFile: join(folder, "results", "stages.json"),
  modelPath: tinyModel(folder),
  numRanks: 1,
  saveIndividual: false,
};

/** What was said, and what came. */
async function said<Result>(
  run: (context: { reporter: { log(line: string): void } }) => Promise<Result>,
): Promise<{ result: Result; lines: string[] }> {
  const lines: string[] = [];
  const result = await run({ reporter: { log: (line) => lines.push(line) } });
  return { result, lines };
}

test("the embeddings of a workspace are made once; merging is remembered with its result", async () => {
  const first = await said((context) => prepareEmbeddings(workspace, context));
  assert.match(first.lines.join("\n"), /^Embedded 4 of 4 files/);
  assert.match(first.lines.join("\n"), /Merged 4 utterances of 2 speakers into/);
  const files = ["utterance_embeddings.pkl", "summary.json"].map((name) => join(workspace.finalDir, name));
  const times = files.map((file) => statSync(file).mtimeMs);
  const second = await said((context) => prepareEmbeddings(workspace, context));
  assert.is(second.lines.length, 2);
  assert.ok(second.lines.every((line) => line.startsWith("Unchanged: 4 ")));
  assert.equal(second.result, first.result);
  assert.equal(
    files.map((file) => statSync(file).mtimeMs),
    times,
  );
});

test("merging by itself gives the same result remembered as made", async () => {
  const settings = { inputDir: workspace.outputDir, outputDir: join(folder, "final2"), stagesFile };
  const made = await said((context) => mergeStage(settings, context));
  const kept = await said((context) => mergeStage(settings, context));
  assert.match(made.lines[0]!, /^Merged/);
  assert.match(kept.lines[0]!, /^Unchanged/);
  assert.equal(kept.result, made.result);
  const normal = await said((context) => mergeStage({ ...settings, normalize: true }, context));
  assert.match(normal.lines[0]!, /^Merged/);
  rmSync(join(folder, "final2", "speaker_list.json"));
  const mended = await said((context) => mergeStage({ ...settings, normalize: true }, context));
  assert.match(mended.lines[0]!, /^Merged/);
});

test("comparing is remembered until the threshold or the embeddings change", async () => {
  const compare = (threshold: number) =>
    said((context) =>
      compareSpeakers(workspace.finalDir, { stagesFile: workspace.stagesFile, threshold }, context),
    );
  assert.match((await compare(0.5)).lines[0]!, /^Similarity of 2 speakers/);
  assert.match((await compare(0.5)).lines[0]!, /^Unchanged: similarity of 2 speakers at threshold 0.5/);
  const files = () =>
    ["speaker_similarity.json", "similarity_heatmap.png"].map((name) =>
      readFileSync(join(workspace.finalDir, name)).toString("base64"),
    );
  const before = files();
  assert.match((await compare(0.6)).lines[0]!, /^Similarity of 2 speakers/);
  assert.is.not(files()[0], before[0]);
});

test("a changed recording reruns what depends on it, down to the similarity", async () => {
  put(join(corpusRoot, "b/s2/u2.wav"), wav([voice(9, { seconds: 2 })]));
  const { lines } = await said((context) => prepareEmbeddings(workspace, context));
  assert.match(lines[0]!, /^Embedded 4 of 4/);
  assert.match(lines[1]!, /^Warning: |^Deleted from .*speaker_similarity\.json/);
  assert.match(lines.at(-1)!, /^Merged/);
  const compared = await said((context) =>
    compareSpeakers(workspace.finalDir, { stagesFile: workspace.stagesFile, threshold: 0.6 }, context),
  );
  assert.match(compared.lines[0]!, /^Similarity/);
});

test("durations come from the log, by key", async () => {
  const seconds = await readDurations(workspace.outputDir);
  assert.equal(Object.fromEntries(seconds), { a_s1_u1: 1.5, a_s1_u2: 1.5, b_s2_u1: 1.5, b_s2_u2: 2 });
  assert.is((await readDurations(folder)).size, 0);
});

test("recordings say how long they are, and why one cannot be decoded; a large corpus is sampled", async () => {
  put(join(corpusRoot, "b/s2/u3.wav"), "no audio");
  const corpus = await scan(corpusRoot);
  const { result, lines } = await said((context) => recordings(corpus, workspace, context));
  assert.is(lines[0], "Decoded 5 recordings");
  assert.equal(result[0], {
    dataset: "a",
    speakerId: "s1",
    file: "a/s1/u1.wav",
    path: join(corpusRoot, "a/s1/u1.wav"),
    seconds: 1.5,
    sampleRate: 16000,
    channels: 1,
    format: "wav",
    codec: "pcm_s16le",
  });
  assert.match(result[4]!.problem!, /Nothing in it is|unknown|no audio|format/i);
  const again = await said((context) => recordings(corpus, workspace, context));
  assert.is(again.lines[0], "Unchanged: decoded before, 5 recordings");
  assert.equal(again.result, result);
  const sample = await said((context) => recordings(corpus, { ...workspace, maxFiles: 2 }, context));
  assert.is(sample.lines[0], "Decoded a sample of 2 of 5 recordings");
  assert.equal(
    sample.result.map(({ file }) => file),
    ["a/s1/u2.wav", "b/s2/u2.wav"],
  );
});

test("an extraction of another kind of folder stays what it was: nothing is remembered without notes", async () => {
  const outputDir = join(folder, "plain");
  await extract(corpusRoot, { outputDir, modelPath: workspace.modelPath, numRanks: 1 });
  const settings = { inputDir: outputDir, outputDir: join(folder, "plain-final") };
  for (let k = 0; k < 2; k++)
    assert.match((await said((context) => mergeStage(settings, context))).lines[0]!, /^Merged/);
  assert.not.ok(existsSync(join(folder, "plain-final", "stages.json")));
});

test.run();
