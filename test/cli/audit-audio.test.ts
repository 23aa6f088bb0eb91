import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { extract, merge } from "speakerscope";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { speakerscope } from "../cli.js";
import { put, temporaryFolder, tinyModel, wav } from "../tiny.js";

const clips = join(__dirname, "..", "..", "data", "speech", "test-other", "533");

test("speakerscope audit looks for copies and speech in the audio, read now or measured by extract", async () => {
  const cwd = temporaryFolder();
  const modelPath = tinyModel(cwd);
  put(join(cwd, "corpus/d/s1/silent.wav"), wav([new Float32Array(16_000)]));
  put(join(cwd, "corpus/d/s2/broken.wav"), "no audio");
  for (const [to, n] of Object.entries({ "s1/a": 0, "s1/b": 1, "s2/a": 3, "s2/again": 1 }))
    put(join(cwd, `corpus/d/${to}.flac`), readFileSync(join(clips, `533-1066-000${n}.flac`)));
  for (const checks of [false, true]) {
    const outputDir = join(cwd, `ranks-${checks}`);
    await extract(join(cwd, "corpus"), { outputDir, modelPath, device: "cpu", numRanks: 1, checks });
    await merge(outputDir, { outputDir: join(cwd, `final-${checks}`), mergeIndividual: false });
  }
  const run = (embeddings: string, output: string, ...flags: string[]) =>
    speakerscope(["audit", "--embeddings", embeddings, "--output_dir", output, ...flags], { cwd });
  const without = run("final-false", "without");
  assert.match(
    without.stdout,
    /Not looked for, without the audio: copies, files without speech, .*: npx speakerscope audit --embeddings final-false --output_dir without --data_root CORPUS\n/,
  );
  const read = run("final-false", "read", "--data_root", join(cwd, "corpus"));
  assert.match(read.stdout, /1 pair of equal files:\n {2}d_s1_b and d_s2_again: keep d_s\S+ \(> 99 %\)\n/);
  assert.match(read.stdout, /1 file without speech:\n {2}d_s1_silent: leave it out \(> 99 %\)\n/);
  assert.match(
    read.stdout,
    /Next: do what decisions.jsonl says\n {2}npx speakerscope apply .*\n {2}What you decide in the page counts too/,
  );
  assert.match(read.stdout, /Warning: 1 of 6 files could not be read. The first, .*broken.wav: /);
  assert.match(
    run("final-true", "stored", "--fail_on", "equal_files").stderr,
    /1 finding of equal_files is in stored\/findings.csv/,
  );
  // What is not looked for is never found.
  assert.match(
    run("final-false", "unheard", "--fail_on", "leakage", "near_copies").stderr,
    /--fail_on near_copies needs the audio\. Give --data_root/,
  );
  assert.match(
    run("final-true", "unheard", "--fail_on", "several_voices").stderr,
    /--fail_on several_voices needs --several_voices/,
  );
  const findings = (name: string) => readFileSync(join(cwd, name, "findings.csv"), "utf8");
  assert.is(findings("stored"), findings("read"));
  assert.match(findings("stored"), /^equal_files,d_s1_b,d_s2_again,40.0,1.0,keep_one,/m);
  assert.match(run("final-false", "none", "--data_root", "nowhere").stderr, /nowhere/);
  assert.match(run("final-false", "none", "--several_voices").stderr, /needs the audio. Give --data_root/);
  copyFileSync(join(cwd, "final-true", "summary.json"), join(cwd, "final-true", "checks.jsonl"));
  assert.match(run("final-true", "damaged").stderr, /checks.jsonl/);
});

test.run();
