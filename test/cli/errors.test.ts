import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { speakerscope, startSpeakerscope } from "../cli.js";
import { fakeFfmpeg, put, temporaryFolder, tinyCorpus, tinyModel, voice } from "../tiny.js";

const cwd = temporaryFolder();
const model = tinyModel(cwd);
tinyCorpus(
  join(cwd, "corpus"),
  Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`d/s${i % 3}/u${i}.wav`, i])),
);
const run = (...args: string[]) => speakerscope(args, { cwd });

/** Exit status 1 and one line on stderr that says all of this. */
function fails(args: string[], ...patterns: RegExp[]): void {
  const { status, stdout, stderr } = run(...args);
  assert.is(status, 1, stdout);
  for (const pattern of patterns) assert.match(stderr, pattern);
  assert.not.match(stderr, /\n\s+at /, "no stack trace");
}

test("help lists the commands and their flags", () => {
  const { status, stdout } = run("--help");
  assert.is(status, 0);
  for (const command of ["run", "extract", "merge", "analyze", "load"])
    assert.match(stdout, new RegExp(`^  ${command} `, "m"));
  const extract = run("extract", "--help").stdout;
  assert.match(extract, /--data_root/);
  assert.not.match(extract, /--[a-z]+-/);
  assert.match(run("--version").stdout, /^\d+\.\d+\.\d+$/m);
});

test("half a command shows the help and nothing else, and a wrong one says where its flags are", () => {
  for (const args of [[], ["kernel"]]) {
    const { status, stderr } = run(...args);
    assert.is(status, 1);
    assert.match(stderr, /^Usage: speakerscope /);
    assert.not.match(stderr, "error:");
  }
  fails(
    ["similarity", "--input", "x", "--threshold", "1"],
    /^error: unknown option '--threshold'\n\(Did you mean --similarity_threshold\?\)\n\(speakerscope similarity --help /,
  );
  fails(["similarity", "--input", "x", "--top_k", "0"], /'--top_k <n>' argument '0' is invalid/);
});

test("a corpus or a model that is not there is named", () => {
  fails(["extract", "--data_root", "nowhere"], /^error: The corpus nowhere is not a folder\./);
  fails(["extract", "--data_root", "corpus", "--model_path", "no.onnx"], /The model no\.onnx does not exist/);
  fails(["extract"], /No corpus is named/);
  mkdirSync(join(cwd, "hollow"), { recursive: true });
  fails(["extract", "--data_root", "hollow"], /The corpus hollow has no audio/);
});

test("stages in the wrong order are one line, without notes on flags", () => {
  const { status, stdout, stderr } = run("run", "--stage", "3", "--stop_stage", "2", "--final_dir", "f");
  assert.equal([status, stdout], [1, ""]);
  assert.match(stderr, /^error: The last stage, 2, comes before the first, 3\..*\n$/);
});

test("a PyTorch checkpoint is refused with the way to export it", () => {
  put(join(cwd, "model.ckpt"), Buffer.from([0x50, 0x4b, 3, 4, 0, 0]));
  fails(
    ["extract", "--data_root", "corpus", "--model_path", "model.ckpt"],
    /is a PyTorch checkpoint/,
    /torch\.onnx\.export/,
  );
});

test("a model that contradicts its configuration is refused with both numbers", () => {
  const other = tinyModel(join(cwd, "wrong"), { dimension: 8, configured: 192 });
  fails(
    ["extract", "--data_root", "corpus", "--model_path", other, "--output_dir", "w", "--device", "cpu"],
    /embedding_size/,
    /is 192/,
    /8/,
  );
  put(join(cwd, "bare.onnx"), readFileSync(model));
  fails(
    ["extract", "--data_root", "corpus", "--model_path", "bare.onnx"],
    /bare\.onnx has no configuration/,
    /sample_rate: 16000/,
  );
  put(join(cwd, "garbage.onnx"), "garbage");
  put(join(cwd, "garbage.yaml"), "sample_rate: 16000\nembedding_size: 8\n");
  fails(
    [
      "extract",
      "--data_root",
      "corpus",
      "--model_path",
      "garbage.onnx",
      "--output_dir",
      "w",
      "--device",
      "cpu",
    ],
    /garbage\.onnx/,
  );
  put(join(cwd, "bare.yaml"), "sample_rate: fast\n");
  fails(
    ["extract", "--data_root", "corpus", "--model_path", "bare.onnx"],
    /sample_rate in bare\.yaml is "fast"/,
  );
});

test("a device that is not there is an error that lists what there is", () => {
  fails(
    ["extract", "--data_root", "corpus", "--model_path", model, "--device", "quantum"],
    /There is no device "quantum".*cpu/,
  );
  if (existsSync("/dev/nvidia0")) return;
  fails(
    ["extract", "--data_root", "corpus", "--model_path", model, "--gpus", "0 1"],
    /No NVIDIA GPU was found|There is no GPU|without CUDA/,
  );
  fails(
    ["extract", "--data_root", "corpus", "--model_path", model, "--use_gpu"],
    /No NVIDIA GPU was found|which cuda|built with/,
  );
});

test("merging and reporting without the stage before say which", () => {
  fails(["merge", "--input_dir", "nowhere"], /nowhere does not exist/);
  fails(["analyze", "--results_dir", "nowhere"], /nowhere does not exist/);
  fails(["load", "--embeddings_dir", "nowhere"], /nowhere does not exist/);
  fails(["run", "--stage", "3", "--stop_stage", "2"], /The last stage, 2, comes before the first, 3/);
  fails(["run"], /Stage 1 needs a corpus/);
});

test("the four stages, and what load shows", () => {
  const all = ["--data_root", "corpus", "--model_path", model, "--device", "cpu", "--num_ranks", "2"];
  const first = run("run", ...all);
  assert.is(first.status, 0, first.stderr);
  assert.match(first.stdout, /Rank 1\/2: Starting on device cpu/);
  assert.match(first.stdout, /data set d: 3 speakers, 12 files/);
  const folder = ["load", "--embeddings_dir", "final_embeddings/embeddings_individual"];
  assert.match(run(...folder).stdout, /1 data set: d/);
  assert.match(run("load", "--embeddings_dir", "final_embeddings").stdout, /1 data set: d/);
  assert.match(run(...folder, "--dataset", "d").stdout, /3 speakers: s0, s1, s2/);
  fails([...folder, "--dataset", "e"], /does not exist\. Did you mean d\? .*utterances has d\.\n$/);
  fails([...folder, "--dataset", "d", "--speaker_id", "sO"], /Did you mean s0\? .*has s0, s1, s2\./);
  assert.match(
    run(...folder, "--dataset", "d", "--speaker_id", "s0", "--show_stats").stdout,
    /mean of 4 utterances[\s\S]*norm[\s\S]*over 6 pairs/,
  );
  assert.match(
    run(...folder, "--dataset", "d", "--speaker_id", "s0", "--utterance_id", "u0").stdout,
    /float32 \(8\)/,
  );
  fails(
    [...folder, "--dataset", "d", "--speaker_id", "s0", "--utterance_id", "../../s1"],
    /leads out of|does not exist|is missing/,
  );
  fails([...folder, "--dataset", "..", "--speaker_id", "../.."], /leads out of/);

  const refused = run("run", "--stage", "4", "--stop_stage", "4");
  assert.match(refused.stdout, /Delete .*rank_00.*--yes deletes\)\nNothing deleted/);
  assert.ok(existsSync(join(cwd, "embeddings_output/rank_00")));
  assert.is(run("run", "--stage", "4", "--stop_stage", "4", "--yes").status, 0);
  assert.equal(readdirSync(join(cwd, "embeddings_output")), []);
});

test("an analysis that finds nothing writes a table of its header and says so", () => {
  const { status, stdout } = run(
    "analyze",
    "--results_dir",
    "final_embeddings",
    "--min_similarity",
    "1",
    "--output_csv",
    "empty.csv",
  );
  assert.is(status, 0);
  assert.match(readFileSync(join(cwd, "empty.csv"), "utf8"), /^speaker1_key,.*pair_type\r?\n$/);
  assert.match(stdout, /0 pairs|no pair/i);
});

test("a run over one speaker ends well, in a fresh folder and in that of another corpus", () => {
  tinyCorpus(join(cwd, "alone"), { "d/only/u0.wav": 1, "d/only/u1.wav": 2 });
  const all = ["run", "--data_root", "alone", "--model_path", model, "--device", "cpu", "--num_ranks", "1"];
  for (const finalDir of ["fresh", "final_embeddings"]) {
    const { status, stdout, stderr } = run(...all, "--output_dir", "alone-out", "--final_dir", finalDir);
    assert.is(status, 0, stderr);
    assert.match(stdout, new RegExp(`${finalDir} holds one speaker only, so there is nothing to compare`));
    assert.not.ok(existsSync(join(cwd, finalDir, "speaker_similarity.json")));
    assert.is(
      /Warning: final_embeddings holds the embeddings of 12 files/.test(stdout),
      finalDir !== "fresh",
      stdout,
    );
  }
});

/**
 * 600 files, of which two need FFmpeg, and an FFmpeg that does not answer at first: a rank comes as far as the first of them, and
 * no further.
 */
function slowCorpus(name: string): { args: string[]; env: { FFMPEG: string }; asked: () => number } {
  tinyCorpus(
    join(cwd, name),
    Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`d/s${i % 3}/u${i}.wav`, i])),
  );
  // Both are among the files of rank 0, also where there are two.
  for (const place of ["d/s0/u300.wav", "d/s0/u501.wav"]) put(join(cwd, name, place), "in no format of ours");
  const calls = put(join(cwd, `${name}.calls`), "");
  // The first and the third call take longer than the test: the second is that of the process that was started again.
  const ffmpeg = fakeFfmpeg(
    join(cwd, `${name}.ffmpeg`),
    `echo >> '${calls}'
     case $(wc -l < '${calls}') in 1 | 3) while [ -e '${calls}' ]; do sleep 0.2; done;; esac`,
    voice(300),
  );
  const args = ["extract", "--data_root", name, "--model_path", model, "--device", "cpu"];
  return {
    args: [...args, "--output_dir", `${name}-out`],
    env: { FFMPEG: ffmpeg },
    asked: () => readFileSync(calls, "utf8").length,
  };
}

test("SIGINT stops within seconds, keeps what is stored and says how to go on", async () => {
  const { args, env, asked } = slowCorpus("many");
  const child = startSpeakerscope([...args, "--num_ranks", "1"], { cwd, env });
  await until(() => asked() === 1);
  child.kill("SIGINT");
  assert.is(await child.ended, 130);
  const [, stored] = /stopped with (\d+) of 600 files stored/.exec(child.output()) ?? [];
  assert.ok(Number(stored) > 0, child.output());
  assert.match(child.output(), /the same command again to go on/);
  put(join(cwd, "many.calls"), "\n\n\n");
  const again = speakerscope([...args, "--num_ranks", "1"], { cwd, env });
  assert.match(again.stdout, new RegExp(`${stored} of 600 files were done before`));
  assert.is(again.status, 0, again.stderr);
  assert.match(again.stdout, /Embedded 600 of 600 files/, again.stderr);
});

test("a rank that dies twice takes the exit status with it and names what is missing; a rerun does only that", async () => {
  const { args, env, asked } = slowCorpus("dying");
  const child = startSpeakerscope([...args, "--num_ranks", "2"], { cwd, env });
  // At two files: two deaths on one file are that file's fault.
  for (const calls of [1, 3]) {
    await until(() => asked() === calls);
    process.kill(rankOf(child.pid!, 0), "SIGKILL");
  }
  assert.is(await child.ended, 1);
  assert.match(child.output(), /Rank 0: Died \(SIGKILL\) at .*u300\.wav; starting again/);
  assert.match(
    child.output(),
    /Rank 0 left \d+ of 300 files undone\. Its process died twice.*u501.*the same command goes on/,
  );
  assert.match(child.output(), /Rank 1: Finished 300 files/);
  const again = speakerscope([...args, "--num_ranks", "2"], { cwd, env });
  assert.is(again.status, 0, again.stderr);
  assert.match(again.stdout, /Embedded 600 of 600 files/, again.stderr);
});

async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 60_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`waited a minute for ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The process of a rank: the one that has its log open. */
function rankOf(parent: number, rank: number): number {
  const children = readFileSync(`/proc/${parent}/task/${parent}/children`, "utf8").split(" ").filter(Boolean);
  const name = `rank_0${rank}/embeddings.log`;
  const found = children.find((pid) =>
    readdirSync(`/proc/${pid}/fd`).some((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`).endsWith(name);
      } catch {
        return false;
      }
    }),
  );
  if (found === undefined) throw new Error(`no process of rank ${rank}`);
  return Number(found);
}

test.run();
