import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { shardOfFile } from "../../src/store/extraction.js";
import { packageRoot } from "../../src/util/package-root.js";
import { speakerscope } from "../cli.js";
import { fakeFfmpeg, put, temporaryFolder, tinyCorpus, tinyModel, voice } from "../tiny.js";

const shards = 4;
const main = join(packageRoot, "dist", "src", "cli", "main.js");
const lab = (action: "up" | "down", env: NodeJS.ProcessEnv) =>
  spawnSync(join(__dirname, "slurm-up.sh"), [action], { env: { ...process.env, ...env }, encoding: "utf8" });

const missing = [
  ...["slurmctld", "slurmd", "munged", "sbatch"].filter(
    (name) => spawnSync("bash", ["-c", `PATH=$PATH:/usr/sbin command -v ${name}`]).status !== 0,
  ),
  ...(process.getuid?.() === 0 ? [] : ["root"]),
];

test("an array of 4 with a task killed, another out of time, and both requeued ends in the files of a single run, to the byte", async () => {
  if (missing.length > 0)
    return console.log(`SKIPPED Slurm: no ${missing.join(", ")} (as root: apt-get install slurm-wlm munge)`);
  const folder = temporaryFolder("slurm");
  const labEnv = { LAB: join(folder, "lab"), PORT: String(20000 + (process.pid % 20000)) };
  mkdirSync(labEnv.LAB);
  const environment = { ...process.env, SLURM_CONF: join(labEnv.LAB, "slurm.conf") };
  const run = (command: string, args: string[], env = {}) =>
    execFileSync(command, args, { cwd: folder, encoding: "utf8", env: { ...environment, ...env } }).trim();
  const corpus = writeCorpus(join(folder, "corpus"));
  const modelPath = tinyModel(folder);
  // A task waits at such a file until it is stopped; once it is started again, FFmpeg answers.
  const ffmpeg = fakeFfmpeg(
    join(folder, "ffmpeg"),
    `if [ "\${SLURM_RESTART_COUNT-none}" = none ] && [ -n "$SLURM_ARRAY_TASK_ID" ]; then
       while [ -e '${folder}' ]; do sleep 0.2; done
     fi`,
    voice(99),
  );
  const flags = ["--model_path", modelPath, "--device", "cpu"];
  const [ranks, final] = [join(folder, "ranks"), join(folder, "final")];

  const up = lab("up", labEnv);
  assert.is(up.status, 0, up.stdout + up.stderr);
  try {
    run(join(packageRoot, "scripts", "slurm", "submit.sh"), [corpus, ranks, final, ...flags], {
      SPEAKERSCOPE: writeWrapper(folder, ranks),
      FFMPEG: ffmpeg,
      SHARDS: String(shards),
      EXTRACT_SBATCH: "--cpus-per-task=1 --gres=gpu:1",
      MERGE_SBATCH: "--cpus-per-task=1",
    });
    await jobsToEnd(run);
    const output = (name: string) => readFileSync(join(ranks, "logs", `${name}.out`), "utf8");
    assert.ok(
      existsSync(join(final, "summary.json")),
      `${output("extract_2")}\n${existsSync(join(ranks, "logs", "merge.out")) ? output("merge") : ""}`,
    );

    const tasks = run("scontrol", ["--oneliner", "show", "job"]).split("\n");
    const task = (index: number) => tasks.find((line) => line.includes(`ArrayTaskId=${index} `)) ?? "";
    for (let index = 0; index < shards; index++) {
      assert.match(task(index), /JobState=COMPLETED/);
      assert.match(task(index), index === 1 || index === 2 ? /Restarts=1/ : /Restarts=0/);
    }
    assert.match(
      output("extract_2"),
      /Killed[\s\S]*status 137: into the queue again[\s\S]*restart 1[\s\S]*files (was|were) done before/,
    );
    assert.match(
      output("extract_1"),
      /stopped[\s\S]*status 130: into the queue again[\s\S]*restart 1[\s\S]*files (was|were) done before/,
    );
    const seen = Array.from(
      { length: shards },
      (_, index) => readFileSync(join(folder, `gpu_${index}`), "utf8").split("\n")[0],
    );
    assert.equal(seen.sort(), ["0", "1", "2", "3"], "each task sees a GPU of its own");
  } finally {
    lab("down", labEnv);
  }

  const merged = contentsOf(final);
  rmSync(final, { recursive: true });
  const single = (...args: string[]) => {
    const { status, stdout, stderr } = speakerscope(args, { cwd: folder, env: { FFMPEG: ffmpeg } });
    assert.is(status, 0, stdout + stderr);
  };
  single(
    "extract",
    "--data_root",
    corpus,
    "--output_dir",
    join(folder, "single"),
    "--num_ranks",
    "1",
    ...flags,
  );
  single("merge", "--input_dir", join(folder, "single"), "--output_dir", final, "--compute_similarity");
  const expected = contentsOf(final);
  assert.equal(Object.keys(merged), Object.keys(expected));
  assert.ok(Object.keys(expected).length > 30);
  for (const [name, bytes] of Object.entries(expected)) assert.ok(merged[name]!.equals(bytes), name);
});

/** Four shards of six files; the second and third have one that needs FFmpeg, so that they can be stopped at it. */
function writeCorpus(root: string): string {
  const names: string[][] = Array.from({ length: shards }, () => []);
  for (let i = 0; names.some((own) => own.length < 6); i++) {
    const name = `set/speaker${i % 5}/u_${String(i).padStart(2, "0")}.wav`;
    const own = names[shardOfFile(name, shards)]!;
    if (own.length < 6) own.push(name);
  }
  tinyCorpus(root, Object.fromEntries(names.flat().map((name, i) => [name, i])));
  for (const own of [names[1]!, names[2]!]) put(join(root, own.sort()[1]!), "in no format of ours");
  return root;
}

/**
 * A command that lets the tasks of the array run at the same time, writes down which GPU each sees, and, as soon as they
 * have stored something, kills the third with -9 and tells the second that its time is up.
 */
function writeWrapper(folder: string, ranks: string): string {
  const path = put(
    join(folder, "wrapper.sh"),
    `#!/usr/bin/env bash
if [ "$1" = extract ]; then
  task=$SLURM_ARRAY_TASK_ID
  echo "\${CUDA_VISIBLE_DEVICES:-none}" >>${folder}/gpu_$task
  for _ in $(seq 600); do [ "$(ls ${folder}/gpu_* | wc -l)" = ${shards} ] && break; sleep 0.1; done
  if [ "\${SLURM_RESTART_COUNT:-0}" = 0 ] && { [ "$task" = 1 ] || [ "$task" = 2 ]; }; then
    "${process.execPath}" "${main}" "$@" &
    child=$!
    stored() { grep -ao SKR1 ${ranks}/shard_0000\${task}_of_00004/rank_00/embeddings.log 2>/dev/null | wc -l; }
    # The first record is the log's head.
    until [ "$(stored)" -ge 2 ]; do sleep 0.05; done
    if [ "$task" = 2 ]; then
      kill -9 $child
      wait $child
      exit $?
    fi
    # As at the time limit: the batch shell is told, and tells its child, which is this shell.
    trap 'kill -TERM $child' TERM
    scancel --signal=TERM --batch "\${SLURM_ARRAY_JOB_ID}_1"
    status=0
    wait $child || status=$?
    while kill -0 $child 2>/dev/null; do status=0; wait $child || status=$?; done
    exit $status
  fi
fi
exec "${process.execPath}" "${main}" "$@"
`,
  );
  chmodSync(path, 0o755);
  return path;
}

async function jobsToEnd(run: (command: string, args: string[]) => string): Promise<void> {
  const queue = () => run("squeue", ["--noheader", "--array", "--format=%i %T %r"]);
  // While it is requeued, a job may be in no list for a moment.
  let emptyLooks = 0;
  for (let left = queue(), tries = 0; emptyLooks < 8; left = queue(), tries++) {
    emptyLooks = left === "" ? emptyLooks + 1 : 0;
    if (tries > 480) throw new Error(`the jobs do not end:\n${left}`);
    // What was requeued waits for two minutes, so that its old credential has expired; not here.
    for (const line of left.split("\n").filter((text) => text.endsWith("PENDING BeginTime")))
      run("scontrol", ["update", `JobId=${line.split(" ")[0]}`, "StartTime=now"]);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

function contentsOf(folder: string): Record<string, Buffer> {
  return Object.fromEntries(
    readdirSync(folder, { recursive: true })
      .map((name) => join(folder, String(name)))
      .filter((path) => statSync(path).isFile())
      .sort()
      .map((path) => [relative(folder, path), readFileSync(path)]),
  );
}

test.run();
