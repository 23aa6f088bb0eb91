import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { merge } from "../../src/merge/merge.js";
import { speakerscope } from "../cli.js";
import { fakeExtraction } from "../merged/extraction.js";
import { put, temporaryFolder } from "../tiny.js";

const cwd = temporaryFolder();
const made = (async () => {
  for (const [name, shift] of [
    ["a", 0],
    ["b", 0.3],
  ] as const) {
    const files = Object.fromEntries(
      [0, 1, 2, 3].map((i) => [
        `d/s${i % 2}/${name}${i}.wav`,
        [0, 1, 2].map((k) => Math.cos((i % 2) * 2 + k + shift + i / 20)),
      ]),
    );
    await merge(await fakeExtraction(join(cwd, `ranks-${name}`), files), { outputDir: join(cwd, name) });
  }
})();
const score = (...args: string[]) =>
  speakerscope(["score", "--resamples", "0", "--trials", "trials.txt", "--embeddings", "a", ...args], {
    cwd,
  });

test("a speaker's key in a trial stands for the mean of its utterances, which a trial within it is warned of", async () => {
  await made;
  put(join(cwd, "trials.txt"), "d_s0 d_s0_a0 target\nd_s0 d_s1_a1 nontarget\nd_s1_a3 d_s1_a1 target\n");
  const { status, stdout, stderr } = score();
  assert.equal([status, stderr], [0, ""], stdout);
  assert.match(stdout, /1 speaker in the trials: a speaker stands for the mean of its utterances/);
  assert.match(stdout, /Warning: in 1 trial an utterance is held against a mean that it is part of/);
  const [first] = readFileSync(join(cwd, "scores/scores.txt"), "utf8").split("\n");
  assert.match(first!, /^d_s0 d_s0_a0 0\.99\d+ target$/);
  put(join(cwd, "trials.txt"), "d_s7 d_s0_a0 target\nd_s0 d_s1_a1 nontarget\n");
  assert.match(score().stderr, /1 name in the trials matches no embedding, or more than one: d_s7/);
});

test("embeddings of two models are refused, and other settings of one are warned of", async () => {
  await made;
  put(join(cwd, "trials.txt"), "d_s0_a0 d_s0_a2 target\nd_s0_a0 d_s1_a1 nontarget\n");
  put(join(cwd, "a/provenance.json"), '{"name": "campplus", "channel": "mean"}');
  put(join(cwd, "b/provenance.json"), '{"name": "ge2e", "channel": "mean"}');
  const compared = [
    "similarity",
    "--input",
    "a",
    "--against",
    "b",
    "--output_dir",
    "out",
    "--similarity_backend",
    "onnx",
  ];
  for (const { status, stderr } of [
    score("--cohort", "b", "--top_n", "2"),
    speakerscope(["identify", "--query", "b", "--enrolled", "a"], { cwd }),
    speakerscope(compared, { cwd }),
  ]) {
    assert.is(status, 1);
    assert.match(stderr, /^error: [ab] and [ab] hold embeddings of different models.*: name "/);
  }
  put(join(cwd, "b/provenance.json"), '{"name": "campplus", "channel": "mean", "vad": "v"}');
  for (const { status, stdout, stderr } of [
    score("--cohort", "b", "--top_n", "2"),
    speakerscope(["identify", "--query", "b", "--enrolled", "a"], { cwd }),
    speakerscope(compared, { cwd }),
  ]) {
    assert.is(status, 0, stderr);
    assert.match(stdout + stderr, /Warning: [ab] and [ab] were embedded with different settings.*: vad /);
  }
});

test.run();
