import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { speakerscope } from "../cli.js";
import { fakeExtraction } from "../merged/extraction.js";
import { put, temporaryFolder } from "../tiny.js";

const main = join(__dirname, "../../dist/src/cli/main.js");
const cwd = temporaryFolder();

/** Runs the command line in a shell, for what a shell alone can do: pipes and devices. */
function shell(script: string): { status: number | null; stdout: string; stderr: string } {
  const speakerscope = `'${process.execPath}' '${main}'`;
  return spawnSync("bash", ["-c", script.replaceAll("speakerscope", speakerscope)], {
    cwd,
    encoding: "utf8",
  });
}

/** Characters that steer a terminal, or show text in another order. */
const unsafe = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u;

const many = Object.fromEntries(
  Array.from({ length: 40 }, (_, i) => [`d/speaker ${i}/a.wav`, [1, i, 0.5]] as [string, number[]]),
);

test("--version and --help load no command, and a command loads no other", () => {
  const hook = put(
    join(cwd, "loaded.cjs"),
    `process.on("exit", () => console.error(Object.keys(require.cache).filter((path) => path.includes("/cli/")).map((path) => path.split("/").pop()).sort().join()));`,
  );
  const loads = (...args: string[]) =>
    spawnSync(process.execPath, ["--require", hook, main, ...args], { cwd, encoding: "utf8" });
  assert.is(loads("--version").stderr, "examples.js,main.js\n");
  const help = loads("--help");
  assert.is(help.stderr, "examples.js,main.js\n");
  for (const name of ["run", "audit", "kernel"])
    assert.match(help.stdout, new RegExp(`^  ${name} +[A-Z]`, "m"));
  for (const args of [
    ["verify", "--help"],
    ["help", "verify"],
  ]) {
    const { stdout, stderr } = loads(...args);
    assert.match(
      stdout,
      /^Usage: speakerscope verify \[options\] \[folder\]\n\nCheck what extract or merge wrote/,
    );
    assert.is(stderr, "examples.js,interrupt.js,main.js,print.js,verify.js\n");
  }
});

test("a reader that has seen enough ends a command quietly, as it ends other tools", async () => {
  await fakeExtraction(join(cwd, "many"), many);
  const merge = ["merge", "--input_dir", "many", "--output_dir", "final", "--compute_similarity"];
  assert.is(speakerscope(merge, { cwd }).status, 0);
  for (const command of [
    `speakerscope ${merge.join(" ")}`,
    "speakerscope analyze --results_dir final",
    "speakerscope load --embeddings_dir final/embeddings_individual",
    "speakerscope verify final",
    "speakerscope status many",
    "speakerscope --help",
  ]) {
    // The command starts when the reader is gone.
    const waiting = "trap '' PIPE; while echo 2>/dev/null; do sleep 0.01; done; trap - PIPE";
    const { status, stderr } = shell(`(${waiting}; exec ${command}) | :; exit \${PIPESTATUS[0]}`);
    assert.is(stderr, "", command);
    assert.is(status, 141, command);
  }
});

test("load lists utterances whose names hold folders, and compares them", async () => {
  await fakeExtraction(join(cwd, "nested"), {
    "d/s/x/a.wav": [1, 0],
    "d/s/y/a.wav": [1, 1],
    "d/t/b.wav": [0, 1],
  });
  assert.is(
    speakerscope(["merge", "--input_dir", "nested", "--output_dir", "nested-final"], { cwd }).status,
    0,
  );
  const folder = ["load", "--embeddings_dir", "nested-final/embeddings_individual", "--dataset", "d"];
  const { stdout } = speakerscope([...folder, "--speaker_id", "s", "--show_stats"], { cwd });
  assert.match(stdout, /utterances: x\/a, y\/a/);
  assert.match(stdout, /mean 0\.7071, min 0\.7071 over 1 pair\b/);
});

test("a full disk behind standard output does not end a job, and is said once", async () => {
  if (!existsSync("/dev/full")) return console.log("SKIPPED: there is no /dev/full here");
  await fakeExtraction(join(cwd, "full"), many);
  const { status, stderr } = shell(
    "speakerscope merge --input_dir full --output_dir full-final --compute_similarity > /dev/full",
  );
  assert.is(status, 0, stderr);
  assert.match(
    stderr,
    /^Warning: standard output cannot be written \(ENOSPC.*\); this goes on without it\.\n$/,
  );
  assert.ok(existsSync(join(cwd, "full-final/speaker_similarity.json")));
});

test("a log that cannot be written does not end a job, and is said once with its path", async () => {
  await fakeExtraction(join(cwd, "logged"), many);
  put(join(cwd, "file"), "no folder");
  for (const logFile of ["/dev/full", "file/extraction.log", "."]) {
    if (logFile === "/dev/full" && !existsSync(logFile)) continue;
    const { status, stdout, stderr } = speakerscope(
      ["merge", "--input_dir", "logged", "--output_dir", "logged-final", "--log_file", logFile],
      { cwd },
    );
    assert.is(status, 0, stderr);
    assert.is(stdout.match(/Warning: the log file/g)?.length, 1, stdout);
    assert.ok(stdout.includes(`the log file ${logFile} cannot be written (`), stdout);
    assert.match(stdout, /Merged 40 utterances/);
  }
});

test("names are shown without terminal escapes and forged lines, and stay what they are in the files", async () => {
  const speaker = "s\u001b[31m\u202eevil\nerror: all is lost\r\u0007\u009b";
  const files = {
    [`d\u001b]0;owned\u0007/${speaker}/u\u001b[2J.wav`]: [1, 2, 0.1],
    "d\u001b]0;owned\u0007/t\u001b[1m/u.wav": [1, 2, 0.2],
  };
  await fakeExtraction(join(cwd, "ranks\u001b[5m"), files);
  const final = "final\u001b[5m\nerror: forged";
  const individual = ["load", "--embeddings_dir", join(final, "embeddings_individual")];
  const dataset = ["--dataset", "d\u001b]0;owned\u0007"];
  const into = ["--output_dir", final, "--log_file", "log.txt"];
  const merge = ["merge", "--input_dir", "ranks\u001b[5m", "--compute_similarity", ...into];
  const commands = [
    merge,
    ["merge", "--input_dir", "many", ...into],
    merge,
    ["analyze", "--results_dir", final, "--min_similarity", "0.1"],
    individual,
    [...individual, ...dataset],
    [...individual, ...dataset, "--speaker_id", speaker, "--show_stats"],
    [...individual, ...dataset, "--speaker_id", speaker, "--utterance_id", "u\u001b[2J"],
    [...individual, ...dataset, "--speaker_id", "nobody\u001b[5m\nerror: forged"],
    ["verify", final],
    ["verify", "no\u001b[5m\nerror: forged"],
    ["status", "ranks\u001b[5m"],
    ["run", "--stage", "4", "--stop_stage", "4", "--output_dir", "ranks\u001b[5m", "--final_dir", final],
    ["run", "--settings", put(join(cwd, "s.yaml"), '"key\\u001b[5m": 1\n')],
  ];
  for (const args of commands) {
    const { stdout, stderr } = speakerscope(args, { cwd });
    const text = stdout + stderr;
    assert.not.match(text.replaceAll("\n", ""), unsafe, args.join(" "));
    assert.not.match(text, /^error: (all is lost|forged)/m, args.join(" "));
  }
  const log = readFileSync(join(cwd, "log.txt"), "utf8");
  assert.not.match(log.replaceAll("\n", ""), unsafe);
  assert.not.match(log, /^error/m);
  assert.ok(
    readdirSync(join(cwd, final, "embeddings_individual/speakers/d\u001b]0;owned\u0007")).includes(
      `${speaker}.pkl`,
    ),
  );
});

test.run();
