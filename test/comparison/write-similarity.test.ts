import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compareVectors } from "../../src/comparison/compare-vectors.js";
import { highSimilarityPairs } from "../../src/comparison/high-similarity-pairs.js";
import { readSimilarity } from "../../src/comparison/read-similarity.js";
import { writeSimilarity } from "../../src/comparison/write-similarity.js";
import { writeNpy } from "../../src/format/npy.js";
import { similarity } from "../../src/similarity/similarity.js";
import { readEmbeddings } from "../../src/store/read-embeddings.js";
import { python, runPython } from "../python.js";
import { vectors } from "../similarity/vectors.js";

const origin = join(__dirname, "..", "fixtures", "origin");
const folder = mkdtempSync(join(tmpdir(), "similarity-files-"));
test.after(() => rmSync(folder, { recursive: true }));

const text = (name: string) => readFileSync(join(folder, name), "utf8");

test("The files are those of the Python pipeline, but for the last digits of rounding", async () => {
  const speakers = await readEmbeddings(join(origin, "speaker_embeddings.pkl"));
  const result = await similarity(speakers, { threshold: 0.25 });
  await writeSimilarity(folder, speakers, result);
  assert.equal(readdirSync(folder).sort(), [
    "high_similarity_pairs.json",
    "similarity_matrix.npy",
    "speaker_keys_mapping.json",
    "speaker_similarity.json",
  ]);
  const ours = JSON.parse(text("speaker_similarity.json"));
  const theirs = JSON.parse(readFileSync(join(origin, "speaker_similarity.json"), "utf8"));
  const keys = Object.keys(theirs);
  assert.equal(Object.keys(ours), [...keys, "similarity_matrix_file", "histogram"]);
  assert.equal(Object.keys(ours.statistics), Object.keys(theirs.statistics));
  for (const [name, value] of Object.entries(theirs.statistics))
    assert.ok(
      Math.abs(ours.statistics[name] - (value as number)) < 1e-6 ||
        name === "threshold_used" ||
        name === "num_high_similarity_pairs",
      name,
    );
  assert.equal(ours.speaker_keys, theirs.speaker_keys);
  for (const [i, row] of theirs.similarity_matrix.entries())
    for (const [j, value] of row.entries()) assert.ok(Math.abs(ours.similarity_matrix[i][j] - value) < 5e-7);
  assert.is(
    ours.histogram.counts.reduce((sum: number, n: number) => sum + n, 0),
    45,
  );
  assert.is(ours.histogram.edges.length, 201);
  assert.is(
    text("speaker_keys_mapping.json"),
    readFileSync(join(origin, "speaker_keys_mapping.json"), "utf8"),
  );
  // The same layout: theirs with our numbers in it is ours.
  const layout = (s: string) => s.replace(/-?\d+\.\d+(e-?\d+)?/g, "#");
  const beginning = readFileSync(join(origin, "speaker_similarity.json"), "utf8").split(
    '"high_similarity_pairs"',
  )[0];
  assert.is(layout(text("speaker_similarity.json").split('"high_similarity_pairs"')[0]), layout(beginning));
});

test("The pairs are sorted and have the keys of the Python pipeline", async () => {
  const pairs = JSON.parse(text("high_similarity_pairs.json"));
  assert.equal(pairs, JSON.parse(text("speaker_similarity.json")).high_similarity_pairs);
  const theirs = JSON.parse(readFileSync(join(origin, "high_similarity_pairs.json"), "utf8"));
  const name = (pair: { speaker1: string; speaker2: string }) => [pair.speaker1, pair.speaker2].sort().join();
  if (theirs.length > 0) {
    assert.equal(pairs.map(name).sort(), theirs.map(name).sort());
    assert.equal(Object.keys(pairs[0]), Object.keys(theirs[0]));
  }
  assert.equal(Object.keys(pairs[0].speaker1_info), ["dataset", "speaker_id", "num_utterances"]);
  const values = pairs.map(({ similarity: s }: { similarity: number }) => s);
  assert.equal(
    values,
    [...values].sort((a, b) => b - a),
  );
  assert.is(pairs.length, 5);
});

test("What was written is read back, the Python pipeline's files too", async () => {
  const speakers = await readEmbeddings(join(origin, "speaker_embeddings.pkl"));
  const result = await similarity(speakers, { threshold: 0.25 });
  const stored = readSimilarity(folder);
  assert.equal(stored.keys, result.keys);
  assert.equal(stored.statistics, result.statistics);
  assert.equal(stored.histogram, result.histogram);
  assert.equal(stored.pairs, highSimilarityPairs(result, speakers));
  assert.equal(stored.matrix(), result.matrix);
  const theirs = readSimilarity(origin);
  assert.is(theirs.matrix()!.rows, 10);
  assert.equal(Array.from(theirs.histogram!.counts), Array.from(result.histogram.counts));
});

test("One speaker and no pair are written as null and []", async () => {
  const place = join(folder, "one");
  const speaker = {
    key: "a_b",
    dataset: "a",
    speakerId: "b",
    numUtterances: 1,
    embedding: Float32Array.of(1, 2),
  };
  await writeSimilarity(place, [speaker], await similarity([speaker]));
  const { statistics, similarity_matrix } = JSON.parse(
    readFileSync(join(place, "speaker_similarity.json"), "utf8"),
  );
  assert.is(statistics.mean_similarity, null);
  assert.is(statistics.total_pairs, 0);
  assert.is(similarity_matrix.length, 1);
  assert.is(readFileSync(join(place, "high_similarity_pairs.json"), "utf8"), "[]");
  assert.ok(Number.isNaN(readSimilarity(place).statistics.median));
});

test("Above 2,000 speakers the matrix is a file of its own", async () => {
  const place = join(folder, "many");
  const many = vectors(2001, 4);
  const speakers = Array.from({ length: 2001 }, (_, i) => ({
    key: `s_${i}`,
    dataset: "s",
    speakerId: `${i}`,
    numUtterances: 1,
  }));
  await writeSimilarity(place, speakers, await similarity(many, { threshold: 1, matrix: true }));
  const summary = JSON.parse(readFileSync(join(place, "speaker_similarity.json"), "utf8"));
  assert.equal([summary.similarity_matrix, summary.similarity_matrix_file], [null, "similarity_matrix.npy"]);
  if (python === null) return console.log("SKIPPED reading the matrix in Python: no Python with numpy");
  const shape = runPython("import numpy, sys; m = numpy.load(sys.argv[1]); print(m.shape, m.dtype)", [
    join(place, "similarity_matrix.npy"),
  ]);
  assert.is(shape.trim(), "(2001, 2001) float32");
  await writeSimilarity(
    join(folder, "none"),
    speakers,
    await similarity(many, { threshold: 1, matrix: false }),
  );
  assert.is(
    JSON.parse(readFileSync(join(folder, "none", "speaker_similarity.json"), "utf8")).similarity_matrix_file,
    null,
  );
});

test("What an earlier comparison has left, and this one does not write, goes", async () => {
  const input = join(folder, "left.npy");
  const output = join(folder, "left");
  writeFileSync(input, writeNpy(vectors(30, 8).data, { shape: [30, 8] }));
  await compareVectors(input, output, { matrix: true, topK: 3 });
  const before = readdirSync(output);
  await compareVectors(input, output, { matrix: false });
  assert.equal(before.filter((name) => !readdirSync(output).includes(name)).sort(), [
    "neighbours.csv",
    "neighbours_index.npy",
    "neighbours_score.npy",
    "similarity_matrix.npy",
  ]);
  assert.is(JSON.parse(text("left/speaker_similarity.json")).similarity_matrix_file, null);
});

test.run();
