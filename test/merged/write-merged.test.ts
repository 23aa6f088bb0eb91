import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { merge } from "../../src/merge/merge.js";
import { comparisonFiles, similarityFiles } from "../../src/merged/files.js";
import { verify } from "../../src/merged/verify.js";
import { writeMerged } from "../../src/merged/write-merged.js";
import { compareSpeakers } from "../../src/pipeline/compare-speakers.js";
import { reportStage } from "../../src/pipeline/report-stage.js";
import { temporaryIn } from "../../src/util/temporary.js";
import { put, temporaryFolder } from "../tiny.js";
import { fakeExtraction } from "./extraction.js";

const corpusA = { "d/s1/a.wav": [1, 0, 0.1], "d/s1/b.wav": [1, 0.1, 0], "d/s2/a.wav": [0.9, 0.1, 0] };
const corpusB = { "e/x/a.wav": [0, 1, 0], "e/y/a.wav": [0, 0, 1] };

const root = temporaryFolder();
let count = 0;

/** A new folder that holds the two extractions `a` and `b`. */
async function folders() {
  const folder = join(root, String(count++));
  await fakeExtraction(join(folder, "a"), corpusA);
  await fakeExtraction(join(folder, "b"), corpusB);
  const outputDir = join(folder, "final");
  const lines: string[] = [];
  const reporter = { log: (line: string) => lines.push(line) };
  return {
    folder,
    outputDir,
    lines,
    merge: (name: string, options = {}) =>
      merge(join(folder, name), { outputDir, onLog: reporter.log, ...options }),
    compare: () => compareSpeakers(outputDir, { threshold: 0.5 }, { reporter }),
    report: () => reportStage({ resultsDir: outputDir }, { reporter }),
    files: () => readdirSync(outputDir).sort(),
  };
}

async function thrownBy(promise: Promise<unknown>): Promise<Error & { tag?: string }> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

test("a comparison of other speakers is taken away by a merge, with a word", async () => {
  const { merge, compare, report, lines, files, outputDir } = await folders();
  await merge("a");
  await compare();
  assert.ok((await report())!.pairs.length > 0);
  put(join(outputDir, "pairs.csv"), "mine\n1\n");
  const names = comparisonFiles.map(({ name }) => name);
  assert.ok(names.filter((name) => files().includes(name)).length >= 6);
  lines.length = 0;
  await merge("b");
  assert.equal(
    names.filter((name) => files().includes(name)),
    ["pairs.csv"],
    "a file of another program stays",
  );
  assert.match(
    lines.join("\n"),
    /Warning: .*final holds the embeddings of 3 files, and 3 of them are not among the 2/,
  );
  assert.match(lines.join("\n"), /Deleted from .*final.*speaker_similarity\.json.*similarity_analysis\.csv/);
  const error = await thrownBy(report());
  assert.match(error.message, /were not compared.*--compute_similarity/);
});

test("a merge that changes no speaker leaves the comparison; one that changes a vector does not", async () => {
  const { folder, merge, compare, lines, files } = await folders();
  await merge("a");
  await compare();
  const before = files();
  lines.length = 0;
  await merge("a");
  assert.equal(files(), before);
  assert.equal(lines, []);
  await fakeExtraction(join(folder, "a2"), { ...corpusA, "d/s2/a.wav": [0, 1, 0] });
  await merge("a2");
  assert.not.ok(files().includes(similarityFiles.summary));
});

test("similarity files that compare other speakers are refused by the report and seen by verify", async () => {
  const { folder, outputDir, merge, compare, report } = await folders();
  await merge("a");
  await compare();
  const kept = join(folder, "kept");
  cpSync(outputDir, kept, { recursive: true });
  /** The comparison of before beside what the folder holds now. */
  const putBack = () => {
    for (const { name } of comparisonFiles)
      if (existsSync(join(kept, name))) cpSync(join(kept, name), join(outputDir, name));
  };
  const others = {
    "other names": corpusB,
    "one more": { ...corpusA, "d/s3/a.wav": [1, 1, 1] },
    "another count": { ...corpusA, "d/s2/b.wav": [0.9, 0.1, 0] },
    "other vectors": { ...corpusA, "d/s2/a.wav": [0, 1, 0] },
  };
  for (const [what, files] of Object.entries(others)) {
    await fakeExtraction(join(folder, what), files);
    await merge(what);
    putBack();
    const error = await thrownBy(report());
    assert.is(error.tag, "conflict", what);
    assert.match(error.message, /not that of the speakers in it: .*Compare them again/, what);
    assert.match((await verify(outputDir)).problems.join("\n"), /similarity/, what);
  }
  await merge("a");
  putBack();
  assert.ok(await report());
  assert.equal((await verify(outputDir)).problems, []);
  writeFileSync(join(outputDir, similarityFiles.pairs), "[]");
  assert.match((await verify(outputDir)).problems.join("\n"), /lists other pairs/);
});

test("one speaker is nothing to compare, and no error", async () => {
  const { folder, merge, compare, report, lines, files } = await folders();
  await merge("a");
  await compare();
  await fakeExtraction(join(folder, "one"), { "d/s1/a.wav": [1, 0, 0] });
  await merge("one");
  assert.is(await compare(), false);
  assert.is(await report(), undefined);
  assert.match(lines.at(-1)!, /holds one speaker only, so there is nothing to compare/);
  assert.not.ok(files().includes(similarityFiles.summary));
});

test("two merges into one folder: one says that the other is at work, and the result is whole", async () => {
  const { folder, outputDir, merge } = await folders();
  const files = Object.fromEntries(
    Array.from({ length: 3000 }, (_, i) => [`d/s${i % 7}/u${i}.wav`, [1, i, i % 3]]),
  );
  await fakeExtraction(join(folder, "many"), files);
  const results = await Promise.allSettled([merge("many"), merge("many"), merge("b")]);
  assert.equal(results.map(({ status }) => status).sort(), ["fulfilled", "rejected", "rejected"]);
  for (const result of results)
    if (result.status === "rejected") {
      assert.is(result.reason.tag, "conflict");
      assert.match(result.reason.message, /Process \d+ on .* merging/);
    }
  const { problems } = await verify(outputDir);
  assert.equal(problems, []);
  assert.not.ok(readdirSync(outputDir).some((name) => name.startsWith(".") || name.endsWith(".lock")));
});

test("files of the user stay, in embeddings_individual and beside it; old individual files go", async () => {
  const { outputDir, merge, lines } = await folders();
  await merge("a");
  const own = {
    "embeddings_individual/notes.txt": "mine",
    "embeddings_individual/utterances/d/s1/notes.txt": "mine too",
    "embeddings_individual.old/a.txt": "a copy of mine",
    "embeddings_individual.tmp/a.txt": "another",
    "report.txt": "all mine",
  };
  for (const [name, text] of Object.entries(own)) put(join(outputDir, name), text);
  lines.length = 0;
  await merge("b");
  for (const [name, text] of Object.entries(own))
    assert.is(readFileSync(join(outputDir, name), "utf8"), text, name);
  assert.match(
    lines.join("\n"),
    /Left 2 files in .*embeddings_individual that merging did not write, such as .*notes\.txt/,
  );
  const individual = join(outputDir, "embeddings_individual");
  assert.not.ok(existsSync(join(individual, "utterances/d/s1/a.pkl")));
  assert.ok(existsSync(join(individual, "utterances/e/x/a.pkl")));

  lines.length = 0;
  await merge("b", { mergeIndividual: false });
  assert.not.ok(existsSync(join(individual, "utterances/e/x/a.pkl")), "none of an earlier merge stay");
  assert.not.ok(existsSync(join(individual, "file_index.json")));
  assert.is(readFileSync(join(individual, "notes.txt"), "utf8"), "mine");
  assert.match(lines.join("\n"), /Deleted the individual files of an earlier merge/);
});

test("a folder without a readable index keeps every file but those of the names that are written", async () => {
  const { outputDir, merge } = await folders();
  await merge("a");
  const individual = join(outputDir, "embeddings_individual");
  writeFileSync(join(individual, "file_index.json"), '{"utterances": [null, 3], "speakers": null}');
  put(join(individual, "utterances/e/x/a.pkl"), "in the way");
  await merge("b");
  assert.ok(existsSync(join(individual, "utterances/d/s1/a.pkl")));
  assert.ok(readFileSync(join(individual, "utterances/e/x/a.pkl")).length > 20);
});

test("a folder of individual files that is a link is refused before anything is written", async () => {
  const { folder, outputDir, merge } = await folders();
  mkdirSync(join(folder, "elsewhere"));
  mkdirSync(outputDir);
  symlinkSync(join(folder, "elsewhere"), join(outputDir, "embeddings_individual"));
  assert.match((await thrownBy(merge("a"))).message, /embeddings_individual is a link/);
  assert.equal(readdirSync(outputDir), ["embeddings_individual"]);
});

test("a merge that fails leaves the files of the one before as they were", async () => {
  const { outputDir, merge, files } = await folders();
  await merge("a");
  const before = files();
  const summary = readFileSync(join(outputDir, "summary.json"), "utf8");
  const source = {
    async *utterances() {
      yield {
        key: "k",
        speakerKey: "s",
        dataset: "d",
        speakerId: "s",
        utteranceId: "u",
        path: "p",
        embedding: Float32Array.of(1),
      };
      throw new Error("the disk is gone");
    },
    names: () => [],
    total: 2,
    failures: [],
    doubts: [],
    missing: 0,
  };
  const options = { normalize: false, mergeIndividual: true };
  assert.match((await thrownBy(writeMerged(outputDir, source, options))).message, /the disk is gone/);
  assert.equal(files(), before);
  assert.is(readFileSync(join(outputDir, "summary.json"), "utf8"), summary);
  assert.equal((await verify(outputDir)).problems, []);
});

test("what a killed merge left is cleaned up, and what it had moved aside comes back", async () => {
  const { outputDir, merge, files } = await folders();
  await merge("a");
  const before = files();
  const individual = join(outputDir, "embeddings_individual");
  put(join(individual, "notes.txt"), "mine");
  renameSync(individual, join(outputDir, ".merging-0123456789abcdef-old"));
  const left = temporaryIn(outputDir).replace(/-\d+-\d+\./, "-999999999-1.");
  put(join(left, "utterance_embeddings.pkl"), "half");
  await merge("a");
  assert.equal(files(), before);
  assert.is(readFileSync(join(individual, "notes.txt"), "utf8"), "mine");

  // Killed after the new ones were in place.
  cpSync(individual, join(outputDir, ".merging-0123456789abcdef-old"), { recursive: true });
  put(join(outputDir, ".merging-0123456789abcdef-old/more.txt"), "mine");
  await merge("a");
  assert.equal(files(), before);
  assert.is(readFileSync(join(individual, "more.txt"), "utf8"), "mine");
});

test.run();
