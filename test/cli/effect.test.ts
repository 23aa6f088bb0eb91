// Flags take effect, or the command says that they do not; and what a command prints is what it used.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { speakerscope } from "../cli.js";
import { put, temporaryFolder, tinyCorpus, tinyModel } from "../tiny.js";

const cwd = temporaryFolder();
const model = tinyModel(cwd);
tinyCorpus(
  join(cwd, "corpus"),
  Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`${i % 2 ? "a" : "b"}/s${i % 4}/u${i}.wav`, i])),
);
const run = (...args: string[]) => speakerscope(args, { cwd });
const corpus = ["--data_root", "corpus", "--model_path", model, "--device", "cpu", "--num_ranks", "1"];
const summary = () => JSON.parse(readFileSync(join(cwd, "final_embeddings/speaker_similarity.json"), "utf8"));
const threshold = (): number => summary().statistics.threshold_used;

function fails(args: string[], pattern: RegExp): void {
  const { status, stderr } = run(...args);
  assert.is(status, 1);
  assert.match(stderr, pattern);
}

test("run ends with where the results are and what to do next", () => {
  const { status, stdout, stderr } = run("run", ...corpus);
  assert.is(status, 0, stderr);
  assert.is(threshold(), 0.8);
  for (const part of [
    /Each rank below is a process/,
    /^Results: final_embeddings$/m,
    /similarity_heatmap\.png, similarity_analysis\.png: pictures to open/,
    /embeddings_individual: a file for each utterance and speaker/,
    /run --stage 3 --similarity_threshold eer$/m,
  ])
    assert.match(stdout, part);
});

test("the report states the threshold that the labels give, and eer lists by it", () => {
  const { stdout } = run("run", "--stage", "3", "--similarity_threshold", "eer");
  const measured = threshold();
  assert.match(
    stdout,
    new RegExp(`The labels of this corpus give ${Number(measured.toFixed(4))}: 0 pairs between`),
  );
  assert.match(stdout, /judged by it/);
  const merged = run("merge", "--compute_similarity", "--similarity_threshold", "EER");
  assert.is(merged.status, 0, merged.stderr);
  assert.match(merged.stdout, /^Threshold \S+, measured on the labels as they are$/m);
  assert.is(threshold(), measured);
  assert.is(
    run("similarity", "--input", "final_embeddings", "--output_dir", "c", "--similarity_threshold", "eer")
      .status,
    0,
  );
  fails(
    [
      "similarity",
      "--input",
      "final_embeddings/similarity_matrix.npy",
      "--output_dir",
      "d",
      "--similarity_threshold",
      "eer",
    ],
    /eer needs speaker labels, which .*similarity_matrix\.npy does not have/,
  );
});

test("run --stage 3 compares again at a threshold that is given", () => {
  const { stdout } = run("run", "--stage", "3", "--similarity_threshold", "0.3");
  assert.is(threshold(), 0.3);
  assert.match(stdout, /High similarity \(0\.3 or more\)/);
  assert.match(run("run", "--stage", "3").stdout, /High similarity \(0\.3 or more\)/);
});

test("analyze names the similarity that it lists from", () => {
  const { stdout } = run("analyze", "--min_similarity", "-0.5");
  assert.match(stdout, /Most similar pairs \(-0\.5 or more\)/);
});

test("flags of a comparison that does not take place are refused", () => {
  fails(
    ["merge", "--similarity_threshold", "0.3"],
    /--similarity_threshold 0\.3 has no effect.*--compute_similarity/,
  );
  fails(["extract", ...corpus, "--similarity_backend", "onnx"], /--similarity_backend onnx has no effect/);
  fails(["run", ...corpus, "--compute_similarity", "no", "--similarity_threshold", "0.3"], /has no effect/);
});

test("flags of other stages are named, and a first stage of 4 is the last one too", () => {
  assert.match(run("run", "--stage", "3", "--num_ranks", "2").stdout, /Note: --num_ranks has no effect/);
  const { status, stdout } = run("run", "--stage", "4");
  assert.is(status, 0);
  assert.match(stdout, /Stage 4: cleaning up/);
});

test("a folder that another corpus filled is named before anything is embedded", () => {
  const other = tinyCorpus(join(cwd, "other"), { "c/x/1.wav": 1, "c/y/1.wav": 2 });
  assert.ok(other);
  const first = run("extract", ...corpus);
  assert.not.match(first.stdout, /another corpus/);
  const { stdout } = run("extract", ...corpus.map((word) => (word === "corpus" ? "other" : word)));
  assert.match(
    stdout,
    /Warning: embeddings_output holds the embeddings of another corpus, corpus\..*Rank 0/s,
  );
});

test("verify says to merge again only where that repairs something", () => {
  run("merge", "--output_dir", "v");
  put(join(cwd, "v", "embeddings_individual", "notes.txt"), "mine");
  fails(["verify", "v"], /v has 1 problem\. Move those files out\./);
  put(join(cwd, "v", "speaker_list.json"), "[]");
  fails(["verify", "v"], /problems\. Run merge again to repair them\./);
});

test("a part of a flag's name is answered with the flag, and help shows the defaults", () => {
  fails(
    ["run", "--threshold", "0.3"],
    /unknown option '--threshold'\n\(Did you mean --similarity_threshold\?\)/,
  );
  const help = run("run", "--help").stdout.replace(/\s+/g, " ");
  for (const part of ["(default: 0.8)", "(default: 1)", "(default: 600)", "(default: 100)", "eer:"])
    assert.ok(help.includes(part), part);
});

test.run();
