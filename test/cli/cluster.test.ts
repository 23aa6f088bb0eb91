import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readAuditUtterances } from "../../src/audit/read-utterances.js";
import { cluster } from "../../src/cluster/cluster.js";
import { readManifest } from "../../src/corpus/read-manifest.js";
import { writePickle } from "../../src/format/write-pickle.js";
import { publishClusters } from "../../src/pipeline/publish-clusters.js";
import { writeTable } from "../../src/tables/write-table.js";
import { writeTogether } from "../../src/util/write-together.js";
import { random } from "../../src/vectors/random.js";
import { speakerscope } from "../cli.js";
import { contentsOf, put, temporaryFolder, tinyCorpus } from "../tiny.js";

/** Embeddings of three voices, four utterances each, and the corpus that they are of; every utterance has a speaker of its own. */
async function unlabelled(folder: string) {
  const next = random(3);
  const means = [0, 1, 2].map(() => Array.from({ length: 16 }, () => next() - 0.5));
  const rows = Array.from({ length: 12 }, (_, i) => ({
    key: `set/x${i}/a`,
    embedding: Float32Array.from(means[i % 3]!, (x) => x + 0.1 * (next() - 0.5)),
  }));
  const corpus = tinyCorpus(
    join(folder, "corpus"),
    Object.fromEntries(rows.map(({ key }, i) => [`${key}.wav`, i])),
  );
  await writeTable(rows, join(folder, "vectors.parquet"));
  return { rows, corpus };
}

test("speakerscope cluster writes who the people are, and a manifest under their names", async () => {
  const cwd = temporaryFolder();
  await unlabelled(cwd);
  const args = ["cluster", "--embeddings", "vectors.parquet", "--output_dir", "out"];
  const { status, stdout, stderr } = speakerscope([...args, "--data_root", "corpus"], { cwd });
  assert.is(status, 0, stderr);
  assert.match(stdout, /12 utterances of 3 people/);
  assert.match(stdout, /person-001: 4 utterances, sure by \d+ %, such as set\/x\d+\/a/);
  const table = (name: string) => readFileSync(join(cwd, "out", name), "utf8").split("\n");
  assert.is(table("people.csv")[0], "person,utterances,probability,typical");
  assert.match(table("utterances.csv")[1]!, /^set\/x0\/a,person-001,/);
  const { utterances } = await readManifest(join(cwd, "out", "manifest.csv"));
  const speakers = new Map(utterances.map(({ path, speakerId }) => [path.split("/").at(-2), speakerId]));
  assert.is(speakers.size, 12);
  for (let i = 0; i < 12; i++) assert.is(speakers.get(`x${i}`), `person-00${(i % 3) + 1}`);
});

test("the manifest has the length of every utterance where the embeddings tell it, and else a line says so", async () => {
  const cwd = temporaryFolder();
  const { rows } = await unlabelled(cwd);
  await writeTable(
    rows.map((row, i) => ({ ...row, seconds: i + 0.5 })),
    join(cwd, "long.parquet"),
  );
  // As merging writes them, for embeddings that --data_root finds the audio of.
  const merged = join(cwd, "merged");
  const facts = rows.map(({ key }, i) => JSON.stringify({ key: key.replaceAll("/", "_"), seconds: i + 0.5 }));
  put(join(merged, "utterances.jsonl"), `${facts.join("\n")}\n`);
  const pickled = rows.map(({ key, embedding }) => {
    const [dataset, speaker_id, utterance_id] = key.split("/");
    const vector = { data: embedding, shape: [16], dtype: "float32" };
    return [key.replaceAll("/", "_"), { embedding: vector, dataset, speaker_id, utterance_id, path: "gone" }];
  });
  put(join(merged, "utterance_embeddings.pkl"), writePickle(Object.fromEntries(pickled)));
  for (const embeddings of ["long.parquet", "merged", "vectors.parquet"]) {
    const args = ["cluster", "--embeddings", embeddings, "--data_root", "corpus"];
    const { stdout, stderr } = speakerscope(args, { cwd });
    assert.is(stderr, "");
    const { utterances } = await readManifest(join(cwd, "clusters", "manifest.csv"));
    const isTold = embeddings !== "vectors.parquet";
    const lengths = new Map(utterances.map(({ path, seconds }) => [path.split("/").at(-2), seconds]));
    for (let i = 0; i < 12; i++) assert.is(lengths.get(`x${i}`), isTold ? i + 0.5 : undefined);
    assert.is(/without the length of the utterances, which neither/.test(stdout), !isTold);
  }
});

test("speakerscope cluster says what is wrong with its flags and embeddings in a sentence", async () => {
  const cwd = temporaryFolder();
  await unlabelled(cwd);
  for (const [args, said] of [
    [["--count", "13"], /count is 13.*from 1 to the 12 utterances/],
    [["--count", "0"], /number of people/],
    [["--count", "2", "--threshold", "0.5"], /cannot be used with/],
    [["--embeddings", "nowhere"], /nowhere does not exist/],
  ] as const) {
    const { status, stderr } = speakerscope(["cluster", "--embeddings", "vectors.parquet", ...args], { cwd });
    assert.is(status, 1);
    assert.match(stderr, said);
  }
});

test("a manifest.csv that is of no clustering is not written over", async () => {
  const cwd = temporaryFolder();
  await unlabelled(cwd);
  const own = put(join(cwd, "out/manifest.csv"), "my own list");
  const { status, stderr } = speakerscope(
    ["cluster", "--embeddings", "vectors.parquet", "--output_dir", "out"],
    { cwd },
  );
  assert.is(status, 1);
  assert.match(
    stderr,
    /manifest\.csv is there already, and no people\.csv says that it is of a clustering\. Give another/,
  );
  assert.is(readFileSync(own, "utf8"), "my own list");
});

test("no manifest is written that leads to an archive in the place of the audio in it", async () => {
  const { rows } = await unlabelled(temporaryFolder());
  const clustering = await cluster(rows, { count: 3 });
  const place = { dataset: "set", speakerId: null, utteranceId: "a", path: "shard-0.tar" };
  for (const where of [{ offset: 512 }, {}, { path: "table.parquet", cell: { row: 0, column: "audio" } }]) {
    const outputDir = temporaryFolder();
    const lines: string[] = [];
    const places = rows.map(({ key }) => ({ key, ...place, ...where }));
    const reporter = { log: (line: string) => void lines.push(line) };
    await writeTogether(outputDir, { purpose: "testing" }, (files) =>
      publishClusters(files, clustering, { embeddings: outputDir, outputDir, places }, { reporter }),
    );
    assert.match(
      lines.at(-1)!,
      /^No manifest was written: the audio is inside (shard-0\.tar|table\.parquet)/,
    );
    assert.not.ok(existsSync(join(outputDir, "manifest.csv")));
  }
});

test("the same bytes are written for any order of the utterances", async () => {
  const utterances = await readAuditUtterances(join(__dirname, "..", "fixtures", "audit", "wild.npz"));
  const next = random(7);
  const shuffled = utterances
    .map((utterance) => ({ utterance, at: next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ utterance }) => utterance);
  const said: string[][] = [];
  const written = [];
  for (const rows of [utterances, shuffled]) {
    const folder = temporaryFolder();
    const lines: string[] = [];
    const places = rows.map(({ key }) => ({
      key,
      path: `/audio/${key}.wav`,
      dataset: "d",
      speakerId: null,
      utteranceId: key,
    }));
    const reporter = {
      log: (line: string) => lines.push(line.replaceAll(folder, "")),
      progress() {},
      close() {},
    };
    const settings = { embeddings: folder, outputDir: folder, places };
    const clustering = await cluster(rows);
    await writeTogether(folder, { purpose: "testing" }, (files) =>
      publishClusters(files, clustering, settings, { reporter }),
    );
    written.push(contentsOf(folder));
    said.push(lines);
  }
  assert.equal(Object.keys(written[0]!).sort(), ["manifest.csv", "people.csv", "utterances.csv"]);
  assert.equal(written[1], written[0]);
  assert.equal(said[1], said[0]);
});

test.run();
