import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readManifest } from "../../src/corpus/read-manifest.js";
import { scan } from "../../src/corpus/scan.js";
import { appendDecision } from "../../src/decisions/append-decision.js";
import type { Decision } from "../../src/decisions/decision.js";
import { readChanges } from "../../src/decisions/write-applied.js";
import { speakerscope } from "../cli.js";
import { contentsOf, put, temporaryFolder, tinyCorpus } from "../tiny.js";
import { decide } from "./decide.js";

const folder = temporaryFolder();
const root = tinyCorpus(join(folder, "corpus"), {
  "d/a/1.wav": 1,
  "d/a/2.wav": 1,
  "d/b/1.wav": 2,
  "d/b/2.wav": 2,
  "d/c/1.wav": 3,
});

function apply(decisions: Decision[], args: string[], cwd = folder) {
  const path = join(temporaryFolder(), "decisions.jsonl");
  for (const decision of decisions) appendDecision(path, decision);
  return speakerscope(["apply", "--decisions", path, ...args], { cwd });
}

const decisions = [
  decide("nonSpeech", ["d_a_1"], "drop"),
  decide("wrongLabel", ["d_c_1"], "relabel", { to: "d_a" }),
  decide("splitSpeaker", ["d_a", "d_b"], "mergeNames", { to: "d_b" }),
  decide("utterance", ["d_b_2"], "unsure"),
];

const speakersOf = (utterances: { path: string; speakerId: string | null }[]) =>
  utterances.map(({ path, speakerId }) => `${path.split("/").slice(-2).join("/")} ${speakerId}`).sort();

for (const [name, lines] of [
  [
    "table.tsv",
    [
      "path\tspeaker\tutterance\tmood",
      ...["a/1", "a/2", "b/1", "b/2", "c/1"].map((u) => `corpus/d/${u}.wav\t${u[0]}\t${u[2]}\tcalm`),
    ],
  ],
  [
    "table.csv",
    [
      "path,speaker,utterance",
      ...["a/1", "a/2", "b/1", "b/2", "c/1"].map((u) => `corpus/d/${u}.wav,${u[0]},${u[2]}`),
    ],
  ],
  [
    "nemo.jsonl",
    ["a/1", "a/2", "b/1", "b/2", "c/1"].map((u) =>
      JSON.stringify({ audio_filepath: `corpus/d/${u}.wav`, duration: 1, speaker: u[0], utterance: u[2] }),
    ),
  ],
] as [string, string[]][])
  test(`speakerscope apply corrects ${name}; once more, and applied to the result, nothing changes`, async () => {
    const manifest = put(join(folder, name), `${lines.join("\n")}\n`);
    const clean = join(folder, `clean-${name}`);
    const args = (from: string, to: string) => ["--manifest", from, "--dataset", "d", "--out", to];
    const { status, stdout, stderr } = apply(decisions, args(manifest, clean));
    assert.is(status, 0, stderr);
    assert.match(stdout, "4 utterances left: 1 dropped, 2 put under another speaker; 2 names gone");
    assert.match(stdout, "1 decision unsure, which changes nothing");
    assert.match(
      stdout,
      /Next: .*\n {2}npx speakerscope run --manifest \S+clean-\S+ --dataset d --output_dir clean_embeddings --final_dir clean_final\n {2}npx speakerscope audit --embeddings clean_final --decisions \S+decisions\.jsonl\n$/,
    );
    const text = readFileSync(clean, "utf8");
    const corpus = await readManifest(clean, { dataset: "d", onCollision: "suffix" });
    assert.equal(speakersOf(corpus.utterances), ["a/2.wav b", "b/1.wav b", "b/2.wav b", "c/1.wav b"]);
    if (name === "table.tsv") assert.is(text.split("\n")[1], "corpus/d/a/2.wav\tb\t2\tcalm");
    apply(decisions, args(manifest, clean));
    assert.is(readFileSync(clean, "utf8"), text);
  });

test("applied to its own result, nothing changes, and no other recording is taken for one that was dropped", async () => {
  // The dropped recording's key, d_a_1, is that of the relabelled one afterwards.
  const lines = ["a/1", "a/2", "b/1", "b/2", "c/1"].map((u) => `corpus/d/${u}.wav\t${u[0]}\t${u[2]}`);
  const manifest = put(join(folder, "own.tsv"), `path\tspeaker\tutterance\n${lines.join("\n")}\n`);
  const own = [
    decide("nonSpeech", ["d_a_1"], "drop"),
    decide("wrongLabel", ["d_c_1"], "relabel", { to: "d_a" }),
  ];
  const first = apply(own, ["--manifest", manifest, "--dataset", "d", "--out", "own-clean.tsv"]);
  assert.is(first.status, 0, first.stderr);
  const { utterances } = await readManifest(join(folder, "own-clean.tsv"), { dataset: "d" });
  assert.is(utterances.find(({ key }) => key === "d_a_1")?.path.endsWith("c/1.wav"), true);
  const second = apply(own, ["--manifest", "own-clean.tsv", "--dataset", "d", "--out", "own-clean-2.tsv"]);
  assert.is(second.status, 0, second.stderr);
  assert.match(second.stdout, "4 utterances left: 0 dropped, 0 put under another speaker");
  assert.is(
    readFileSync(join(folder, "own-clean-2.tsv"), "utf8"),
    readFileSync(join(folder, "own-clean.tsv"), "utf8"),
  );
});

test("a Kaldi directory comes back as one", async () => {
  const kaldi = join(folder, "kaldi");
  const ids = ["a-1", "a-2", "b-1"];
  put(join(kaldi, "wav.scp"), ids.map((id) => `${id} ${root}/d/${id.replace("-", "/")}.wav\n`).join(""));
  put(join(kaldi, "utt2spk"), ids.map((id) => `${id} ${id[0]}\n`).join(""));
  const relabel = decide("wrongLabel", ["d_a_a-2"], "relabel", { to: "d_b" });
  const { status, stderr } = apply(
    [relabel],
    ["--manifest", kaldi, "--dataset", "d", "--out", "kaldi-clean"],
  );
  assert.is(status, 0, stderr);
  assert.is(readFileSync(join(folder, "kaldi-clean/utt2spk"), "utf8"), "a-1 a\na-2 b\nb-1 b\n");
  const changes = join(folder, "kaldi-clean/changes.jsonl");
  assert.match(readFileSync(changes, "utf8"), '"kind":"wrong_label"');
  assert.is((await readChanges(join(folder, "kaldi-clean")))[0]?.kind, "wrongLabel");
});

const fixtures = join(__dirname, "..", "fixtures", "manifests");
for (const [manifest, out, format] of [
  ["studio_cuts.jsonl.gz", "cuts.jsonl.gz", "lhotse"],
  ["podcast.parquet", "with-audio.parquet", "parquet"],
  ["podcast-{000000..000001}.tar", "shards", "webdataset"],
] as const)
  test(`${manifest} comes back as ${format}, and not as a table that leads nowhere`, async () => {
    const path = join(fixtures, manifest);
    const { utterances } = await readManifest(path);
    const clean = join(folder, out);
    const dropped = decide("utterance", [utterances[0]!.key], "drop");
    const { status, stdout, stderr } = apply(
      [dropped],
      ["--manifest", path, "--out", clean],
      join(fixtures, "../../.."),
    );
    assert.is(status, 0, stderr);
    // What is named to go on with is there.
    const [, next] = /run --manifest (\S+) --output_dir/.exec(stdout)!;
    assert.is(
      next!.replaceAll("'", ""),
      out === "shards" ? join(clean, "podcast-{000000..000001}.tar") : clean,
    );
    const again = await readManifest(out === "shards" ? join(clean, "podcast-{000000..000001}.tar") : clean);
    assert.is(again.manifest!.format, format);
    assert.is(again.utterances.length, utterances.length - 1);
    if (format === "lhotse") return;
    const table = apply([dropped], ["--manifest", path, "--out", join(folder, "no.csv")]);
    assert.match(table.stderr, /The audio of "\S+" is inside .*Write the format that was read\./);
  });

test("a corpus of folders becomes a folder of links, a list or a table; its own files stay as they are", async () => {
  const before = contentsOf(root);
  const run = (out: string) => apply(decisions, ["--data_root", root, "--out", ...out.split(" ")]);
  const { status, stderr } = run("links");
  assert.is(status, 0, stderr);
  const links = join(folder, "links");
  assert.equal(readdirSync(join(links, "d")), ["b"]);
  // Two recordings were called 1, and two were called 2.
  assert.equal(readdirSync(join(links, "d", "b")).sort(), ["1.wav", "1~2.wav", "2.wav", "2~2.wav"]);
  assert.is(readlinkSync(join(links, "d/b/2.wav")), join(root, "d/a/2.wav"));
  assert.is((await scan(links)).utterances.length, 4);
  assert.is(run("links").status, 0);
  assert.is(readdirSync(join(links, "d", "b")).length, 4);
  const again = apply(decisions, ["--data_root", "links", "--out", "links-2"]);
  assert.match(again.stdout, "4 utterances left: 0 dropped, 0 put under another speaker", again.stderr);

  // Such a folder may be called as a file is, and a list without an ending.
  for (const repeat of [1, 2]) {
    const { status, stderr } = run("corpus-1.1 --as links");
    assert.is(status, 0, `${repeat}: ${stderr}`);
  }
  assert.is((await scan(join(folder, "corpus-1.1"))).utterances.length, 4);
  assert.is(run("files --as list").status, 0);
  assert.is(readFileSync(join(folder, "files"), "utf8"), "d/a/2.wav\nd/b/1.wav\nd/b/2.wav\nd/c/1.wav\n");

  const list = run("keep.txt");
  assert.is(list.status, 0);
  assert.match(
    list.stdout,
    /a list of files carries no labels, and keep\.txt does not tell that 2 utterances changed the speaker/,
  );
  assert.is(readFileSync(join(folder, "keep.txt"), "utf8"), "d/a/2.wav\nd/b/1.wav\nd/b/2.wav\nd/c/1.wav\n");
  assert.not.match(run("table.parquet").stdout, "carries no labels");
  const table = await readManifest(join(folder, "table.parquet"), { onCollision: "error" });
  assert.equal(speakersOf(table.utterances), ["a/2.wav b", "b/1.wav b", "b/2.wav b", "c/1.wav b"]);
  assert.equal(contentsOf(root), before);
});

test("a folder that holds something else, an ending that says nothing, and a wrong corpus are refused in a sentence", () => {
  put(join(folder, "full", "thesis.txt"), "x");
  mkdirSync(join(folder, "empty"), { recursive: true });
  const said = (...args: string[]) => apply(decisions, args).stderr;
  assert.match(said("--data_root", root, "--out", "full"), "full holds thesis.txt, which is no link");
  assert.match(
    said("--data_root", root, "--out", "x.xlsx"),
    "does not say by its ending how the corpus is to be written",
  );
  assert.match(said("--data_root", root, "--out", root), "is the corpus itself");
  assert.match(
    apply([decide("utterance", ["nobody"], "drop")], ["--data_root", root, "--out", "x.txt"]).stderr,
    'The corpus has no "nobody"',
  );
  assert.match(said("--out", "x.txt"), "No corpus is named");
  assert.not(existsSync(join(folder, "x.txt")));
});

/** About no recording of the corpora below. */
const elsewhere = [decide("utterance", ["nobody_1"], "drop")];

test("names that a spreadsheet takes for formulas stay as they are in a corrected table", async () => {
  const at = temporaryFolder();
  const speakers = ["@anna", "=1+1", "-7", 'say "hi"'];
  const rows = speakers.map((speaker, i) => ({
    path: join(root, `d/a/${1 + (i % 2)}.wav`),
    speaker,
    utterance: `u${i}`,
  }));
  put(join(at, "in.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  for (const name of ["out.csv", "out.tsv", "out.csv.gz", "out.parquet"]) {
    const { status, stderr } = apply(
      elsewhere,
      ["--allow_unknown", "--manifest", "in.jsonl", "--out", name, "--as", "table"],
      at,
    );
    assert.is(status, 0, stderr);
    const { utterances } = await readManifest(join(at, name));
    assert.equal(utterances.map(({ speakerId }) => speakerId).sort(), [...speakers].sort(), name);
  }
  put(join(at, "odd.jsonl"), `${JSON.stringify({ ...rows[0], speaker: "a\tb" })}\n`);
  const odd = apply(
    elsewhere,
    ["--allow_unknown", "--manifest", "odd.jsonl", "--out", "odd.tsv", "--as", "table"],
    at,
  );
  assert.match(odd.stderr, /A manifest as TSV cannot hold "a\\tb"/);
  assert.not.ok(existsSync(join(at, "odd.tsv")) || existsSync(join(at, "odd.changes.jsonl")));
});

test("what cannot be read of the corpus is said, for the corrected one goes without", () => {
  const at = temporaryFolder();
  const names = ["caf\u00e9", "cafe\u0301"];
  const lines = names.map((name, i) => `${join(root, `d/a/${i + 1}.wav`)},${name}`);
  put(join(at, "in.csv"), `path,speaker\n${lines.join("\n")}\n/nowhere/x.wav,a\nshort\n`);
  const { status, stdout } = apply(
    elsewhere,
    ["--allow_unknown", "--manifest", "in.csv", "--out", "out.csv"],
    at,
  );
  assert.is(status, 0);
  assert.match(
    stdout,
    /Warning: 2 utterances are not in out\.csv, because the corpus cannot be read there\. The first: /,
  );
  assert.match(stdout, /Warning: .*spell/);
});

test("a corpus of which nothing is left is not written", () => {
  const at = temporaryFolder();
  put(join(at, "in.csv"), `path,speaker,utterance,dataset\n${join(root, "d/a/1.wav")},a,1,d\n`);
  for (const name of ["out.csv", "out.jsonl", "out.txt"]) {
    const { status, stderr } = apply(
      [decide("utterance", ["d_a_1"], "drop")],
      ["--manifest", "in.csv", "--out", name],
      at,
    );
    assert.is(status, 1);
    assert.match(stderr, /The corpus has no utterance left, so out\.\w+ would list nothing/);
    assert.equal(readdirSync(at), ["in.csv"]);
  }
});

test.run();
