import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { writePickle } from "../../src/format/write-pickle.js";
import { writeTable } from "../../src/tables/write-table.js";
import { lockFolder } from "../../src/util/folder-lock.js";
import { random } from "../../src/vectors/random.js";
import { type CliResult, main, speakerscope, startSpeakerscope } from "../cli.js";
import { contentsOf, put, temporaryFolder } from "../tiny.js";

const cwd = temporaryFolder();

/** Two corpora of 8 voices that have nothing in common: embeddings, a manifest, decisions, and trials. */
async function corpora() {
  for (const [s, name] of ["a", "b"].entries()) {
    const next = random(s + 1);
    const means = Array.from({ length: 8 }, () => Array.from({ length: 16 }, () => next() - 0.5));
    const rows = Array.from({ length: 80 }, (_, i) => {
      const voice = means[(i === 3 || i === 14 ? i + 1 : i) % 8]!;
      return {
        key: `${name}/s${i % 8}/u${i}`,
        dataset: name,
        speaker_id: `s${i % 8}`,
        embedding: Float32Array.from(voice, (x) => x + 0.15 * (next() - 0.5)),
      };
    });
    await writeTable(rows, join(cwd, `${name}.parquet`));
    for (const { key } of rows) put(join(cwd, `${key}.wav`), "nobody listens");
    const listed = rows.map(
      ({ key, speaker_id }) => `${join(cwd, key)}.wav,${speaker_id},${key.split("/")[2]},${name}`,
    );
    put(join(cwd, `${name}.csv`), `path,speaker,utterance,dataset\n${listed.join("\n")}\n`);
    put(
      join(cwd, `${name}.jsonl`),
      `${JSON.stringify({ kind: "utterance", keys: [`${name}_s1_u1`], action: "drop", by: "me" })}\n`,
    );
  }
}

/** What each command writes into `out`, of the corpus a or b. */
const commands: Record<string, (corpus: string) => string[]> = {
  cluster: (corpus) => [
    "cluster",
    "--embeddings",
    `${corpus}.parquet`,
    "--output_dir",
    "out",
    "--threshold",
    "0.9",
  ],
  audit: (corpus) => ["audit", "--embeddings", `${corpus}.parquet`, "--output_dir", "out"],
  similarity: (corpus) => [
    "similarity",
    "--embeddings",
    `${corpus}.parquet`,
    "--output_dir",
    "out",
    "--top_k",
    "2",
  ],
  score: (corpus) => [
    "score",
    "--embeddings",
    `${corpus}.parquet`,
    "--output_dir",
    "out",
    "--resamples",
    "0",
  ],
  split: (corpus) => [
    ...["split", "--manifest", `${corpus}.csv`, "--output_dir", "out", "--parts", "train=1,test=1"],
  ],
  apply: (corpus) => [
    ...["apply", "--decisions", `${corpus}.jsonl`, "--manifest", `${corpus}.csv`, "--out", "out/clean.csv"],
  ],
};

const out = join(cwd, "out");
const run = (args: string[]) => speakerscope(args, { cwd });
const ran = (args: string[]): CliResult => {
  const result = run(args);
  assert.is(result.status, 0, result.stderr);
  return result;
};

test.before(corpora);
test.before.each(() => rmSync(out, { recursive: true, force: true }));

test("who works in a folder is named to every command that would write there, and nothing changes", async () => {
  put(join(out, "notes.txt"), "mine");
  // The name by which results beside clean.csv are told from others.
  const names = [undefined, "speakerscope-6add128a.lock"];
  const locks = await Promise.all(names.map((name) => lockFolder(out, { purpose: "testing", name })));
  const before = contentsOf(out);
  for (const [name, args] of Object.entries(commands)) {
    const { status, stderr } = run(args("a"));
    assert.is(status, 1, name);
    assert.match(stderr, `error: Process ${process.pid} on`, name);
    assert.match(stderr, "has been testing in this folder since", name);
  }
  assert.equal(contentsOf(out), before);
  for (const lock of locks) await lock.release();
});

test("of two processes in one folder one goes through, and the other is told or comes after", async () => {
  const args = commands.cluster!;
  const [first, second] = ["a", "b"].map((corpus) => startSpeakerscope(args(corpus), { cwd }));
  const codes = [await first!.ended, await second!.ended];
  assert.ok(codes.includes(0), `${first!.output()}${second!.output()}`);
  const refused = [first!, second!].filter((_, i) => codes[i] !== 0);
  for (const { output } of refused)
    assert.match(output(), /Process \d+ on .* has been clustering in this folder/);
  assert.equal(readdirSync(out).sort(), ["people.csv", "utterances.csv"]);
  const clustered = new Set(readFileSync(join(out, "utterances.csv"), "utf8").match(/^[ab](?=\/)/gm));
  const typical = new Set(readFileSync(join(out, "people.csv"), "utf8").match(/(?<=,)[ab](?=\/)/g));
  assert.is(clustered.size, 1);
  assert.equal(typical, clustered);
});

test("a disk that is full leaves the earlier result as it was, says what to do, and leaves nothing else", () => {
  for (const [name, args] of Object.entries(commands)) {
    rmSync(out, { recursive: true, force: true });
    ran(args("a"));
    const before = contentsOf(out);
    // No file larger than a block of 512 bytes.
    const { status, stderr } = spawnSync(
      "bash",
      ["-c", `trap "" XFSZ; ulimit -f 1; exec "$0" "$@"`, process.execPath, main, ...args("b")],
      { cwd, encoding: "utf8" },
    );
    assert.is(status, 1, name);
    assert.match(
      stderr,
      /error: EFBIG: file too large, write 'out\/[^.][^']*'\. The file system, or ulimit -f/,
      name,
    );
    assert.equal(contentsOf(out), before, name);
    // The same again goes through.
    ran(args("b"));
    assert.equal(
      Object.keys(contentsOf(out)).filter((file) => /^(\.|speakerscope)/.test(file)),
      [],
      name,
    );
  }
});

test("an audit of another corpus keeps the decisions on the one before, under another name", () => {
  ran(commands.audit!("a"));
  const decided = join(out, "decisions.jsonl");
  const before = readFileSync(decided, "utf8");
  assert.ok(before.includes('"a/'));
  const { stdout, stderr } = ran(commands.audit!("b"));
  assert.match(
    `${stdout}${stderr}`,
    /Warning: out\/decisions\.jsonl was about another corpus, or was carried out: none of its \d+ lines is about this one \(such as a\/s\d\/u\d+\)\. It is kept as out\/decisions-1\.jsonl/,
  );
  assert.is(readFileSync(join(out, "decisions-1.jsonl"), "utf8"), before);
  assert.not.ok(
    /"a[/_]/.test(readFileSync(decided, "utf8") + readFileSync(join(out, "proposals.jsonl"), "utf8")),
  );
  // Back again: what was kept is not replaced.
  ran(commands.audit!("a"));
  assert.is(readFileSync(join(out, "decisions-1.jsonl"), "utf8"), before);
  assert.is(readFileSync(decided, "utf8"), before);
  assert.ok(existsSync(join(out, "decisions-2.jsonl")));
  // The same corpus once more: nothing is new.
  ran(commands.audit!("a"));
  assert.not.ok(existsSync(join(out, "decisions-3.jsonl")));
});

test("scores that are measured stay, and what an earlier run wrote beside them does not", () => {
  ran(commands.score!("a"));
  const scores = readFileSync(join(out, "scores.txt"), "utf8");
  const calibration = readFileSync(join(out, "calibration.json"), "utf8");
  ran([
    "score",
    "--scores",
    "out/scores.txt",
    "--calibration",
    "out/calibration.json",
    "--output_dir",
    "out",
    "--resamples",
    "0",
  ]);
  assert.is(readFileSync(join(out, "scores.txt"), "utf8"), scores);
  assert.is(readFileSync(join(out, "calibration.json"), "utf8"), calibration);
  writeFileSync(join(cwd, "trials.txt"), "b/s0/u0 b/s0/u8\nb/s0/u0 b/s1/u1\n");
  ran([...commands.score!("b"), "--trials", "trials.txt"]);
  assert.equal(readdirSync(out), ["scores.txt"]);
});

test("nothing to audit is no audit without findings, and leaves an earlier one as it is", () => {
  ran(commands.audit!("a"));
  const before = contentsOf(out);
  put(join(cwd, "none.pkl"), writePickle({}));
  const { status, stderr } = run([
    "audit",
    "--embeddings",
    "none.pkl",
    "--output_dir",
    "out",
    "--fail_on",
    "wrong_label",
  ]);
  assert.is(status, 1);
  assert.match(stderr, /There are no utterances in none\.pkl/);
  assert.equal(contentsOf(out), before);
});

test.run();
