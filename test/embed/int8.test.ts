import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadAudio } from "../../src/audio/load-audio.js";
import { openModel } from "../../src/embed/open-model.js";
import { readNpy } from "../../src/format/npy.js";
import { checkIdentity, type Extraction } from "../../src/store/extraction.js";
import { packageRoot } from "../../src/util/package-root.js";

const fixtures = join(packageRoot, "test", "fixtures", "campplus");
const paths = JSON.parse(readFileSync(join(fixtures, "paths.json"), "utf8")).paths as string[];
const full = readNpy(readFileSync(join(fixtures, "embeddings.npy"))).data as Float32Array;

test("int8 is fp32 to cosine 0.97, with the same EER", async () => {
  const model = await openModel({ precision: "int8" });
  const rows: { speaker: string; vectors: Float32Array[] }[] = [];
  // Five of each of the ten speakers; their embeddings in fp32 are those of the reference.
  for (const [row, path] of paths.entries()) {
    if (row % 2 === 1) continue;
    const { samples } = await loadAudio(join(packageRoot, "data", "speech", path), { sampleRate: 16000 });
    const [small] = await model.run([await model.features(samples)]);
    const vectors = [unit(full.slice(row * 192, (row + 1) * 192)), unit(small!)];
    rows.push({ speaker: path.split("/").at(-2)!, vectors });
  }
  await model.close();
  assert.is(rows.length, 50);
  const worst = Math.min(...rows.map(({ vectors: [full, small] }) => dot(full!, small!)));
  assert.ok(worst >= 0.97, `worst cosine ${worst}`);
  const rates = [0, 1].map((index) =>
    eer(rows.map(({ speaker, vectors }) => ({ speaker, vector: vectors[index]! }))),
  );
  assert.equal(rates, [0, 0], "10 speakers that CAM++ tells apart without an error");
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
