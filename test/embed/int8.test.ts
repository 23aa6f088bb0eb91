import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadAudio } from "../../src/audio/index.js";
import { scan } from "../../src/corpus/scan.js";
import { openModel } from "../../src/embed/open-model.js";
import { checkIdentity, type Extraction } from "../../src/store/extraction.js";
import { packageRoot } from "../../src/util/package-root.js";

/** Unit embeddings of every bundled file by both precisions, from the same features, and who speaks. */
async function embeddings() {
  const { utterances } = await scan(join(packageRoot, "data", "speech"));
  const models = [await openModel(), await openModel({ precision: "int8" })];
  const rows: { speaker: string; dataset: string; vectors: Float32Array[] }[] = [];
  for (const { path, speakerKey, dataset } of utterances) {
    const { samples } = await loadAudio(path, { sampleRate: 16000 });
    const features = await models[0]!.features(samples);
    const vectors: Float32Array[] = [];
    for (const model of models) vectors.push(unit((await model.run([features]))[0]!));
    rows.push({ speaker: speakerKey!, dataset, vectors });
  }
  for (const model of models) await model.close();
  return rows;
}

test("int8 is fp32 to cosine 0.97 on every bundled file, with the same EER", async () => {
  const rows = await embeddings();
  assert.is(rows.length, 128);
  const worst = Math.min(...rows.map(({ vectors: [full, small] }) => dot(full!, small!)));
  assert.ok(worst >= 0.97, `worst cosine ${worst}`);
  // Trials within a data set: the others share people under other names.
  const own = rows.filter(({ dataset }) => dataset === "test-other");
  const [full, small] = [0, 1].map((index) =>
    eer(own.map(({ speaker, vectors }) => ({ speaker, vector: vectors[index]! }))),
  );
  assert.is(small, full);
  assert.is(full, 0, "10 speakers that CAM++ tells apart without an error");
});

test("the precision is part of what a model is, so it never mixes with another", async () => {
  const [full, small] = [await openModel(), await openModel({ precision: "int8" })];
  assert.equal([full.identity.precision, small.identity.precision], ["fp32", "int8"]);
  assert.is.not(full.identity.sha256, small.identity.sha256);
  const made = { logs: [{ identity: { ...full.identity }, folder: "rank_00" }] } as unknown as Extraction;
  assert.throws(
    () => checkIdentity(made, { ...small.identity }),
    /embeddings made another way: .*precision was/,
  );
  await full.close();
  await small.close();
});

/** Equal error rate over all pairs: where as many of the same speaker fall below as of different ones reach it. */
function eer(rows: { speaker: string; vector: Float32Array }[]): number {
  const trials = rows.flatMap((a, i) =>
    rows.slice(i + 1).map((b) => ({ score: dot(a.vector, b.vector), same: a.speaker === b.speaker })),
  );
  trials.sort((a, b) => a.score - b.score);
  const targets = trials.filter(({ same }) => same).length;
  let missed = 0;
  let accepted = trials.length - targets;
  for (const { same } of trials) {
    const [missRate, falseRate] = [missed / targets, accepted / (trials.length - targets)];
    if (missRate >= falseRate) return (missRate + falseRate) / 2;
    if (same) missed++;
    else accepted--;
  }
  return 1;
}

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

function unit(vector: Float32Array): Float32Array {
  const norm = Math.sqrt(dot(vector, vector));
  return vector.map((value) => value / norm);
}

test.run();
