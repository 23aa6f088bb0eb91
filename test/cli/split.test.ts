import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Finding } from "../../src/audit/finding.js";
import { findingRows, findingsCsv, findingsJsonLines } from "../../src/audit/findings-table.js";
import { splitCommand } from "../../src/cli/split.js";
import { readManifest } from "../../src/corpus/read-manifest.js";
import { scan } from "../../src/corpus/scan.js";
import { writePickle } from "../../src/format/write-pickle.js";
import { random } from "../../src/vectors/random.js";
import { speakerscope } from "../cli.js";
import { contentsOf, put, temporaryFolder, tinyCorpus } from "../tiny.js";

const cwd = temporaryFolder();
process.chdir(cwd);

/** Two data sets of ten speakers each, with 1 to 7 utterances. */
const names = ["x", "y"].flatMap((dataset) =>
  Array.from({ length: 10 }, (_, s) =>
    Array.from({ length: 1 + ((3 * s) % 7) }, (_, u) => [dataset, `s${s}`, `u${u}`] as const),
  ).flat(),
);
tinyCorpus("corpus", Object.fromEntries(names.map((name, i) => [`${name.join("/")}.wav`, i])));
const secondsOf = (i: number) => 1 + (i % 5);
const lines = names.map(
  ([dataset, speaker, utterance], i) =>
    `${JSON.stringify({
      audio_filepath: `corpus/${dataset}/${speaker}/${utterance}.wav`,
      duration: secondsOf(i),
      text: `no. ${i}`,
      speaker,
      dataset,
      id: utterance,
    })}\n`,
);
put("all.jsonl", lines.join(""));

/** Runs `speakerscope split` here, as processes are dear; gives its lines, or its error. */
async function split(...args: string[]): Promise<string> {
  const program = new Command().exitOverride();
  splitCommand(program);
  for (const command of program.commands) command.exitOverride().configureOutput({ writeErr() {} });
  const said: string[] = [];
  const { log } = console;
  console.log = (line: string) => void said.push(line);
  try {
    await program.parseAsync(["split", ...args], { from: "user" });
    return said.join("\n");
  } catch (error) {
    return `error: ${(error as Error).message}`;
  } finally {
    console.log = log;
    for (const signal of ["SIGINT", "SIGTERM"]) process.removeAllListeners(signal);
  }
}

function putFindings(folder: string, findings: readonly Finding[]): void {
  const rows = findingRows(findings);
  put(join(folder, "findings.csv"), [...findingsCsv(rows)].join(""));
  put(join(folder, "findings.jsonl"), [...findingsJsonLines(rows)].join(""));
}

/** Which part every speaker is in. @throws where one is in two */
async function sidesIn(folder: string, ending = ".jsonl") {
  const sides = new Map<string, string>();
  for (const part of ["train", "dev", "test"])
    for (const { speakerKey } of (await readManifest(join(folder, part + ending))).utterances) {
      assert.ok([undefined, part].includes(sides.get(speakerKey!)), `${speakerKey} is on two sides`);
      sides.set(speakerKey!, part);
    }
  return sides;
}

test("speakerscope split writes the lines of the manifest to parts, with nobody in two, and says what they came to", async () => {
  const { status, stdout, stderr } = speakerscope(
    ["split", "--manifest", "all.jsonl", "--parts", "train=8,dev=1,test=1", "--output_dir", "split"],
    { cwd },
  );
  assert.is(status, 0, stderr);
  assert.match(stdout, /^80 utterances of 20 people, 4 min$/m);
  assert.match(stdout, /^ {2}train {2}80\.0 % {2}(79|80)\.\d % /m);
  assert.match(stdout, /^ {2}x( +\d+\.\d %){3}$/m);
  assert.match(stdout, /^Written to split: train\.jsonl, dev\.jsonl, test\.jsonl, speakers\.csv$/m);
  const sides = await sidesIn("split");
  assert.is(sides.size, 20);
  const written = ["train", "dev", "test"].flatMap((part) =>
    readFileSync(join("split", `${part}.jsonl`), "utf8").split(/(?<=\n)/),
  );
  assert.equal(written.sort(), [...lines].sort());
  const table = readFileSync(join("split", "speakers.csv"), "utf8").split("\n");
  assert.is(table[0], "dataset,speaker,person,part,utterances,seconds");
  assert.is(table[1], `x,s0,x_s0,${sides.get("x_s0")},1,1`);
});

test("the same bytes are written again, and for any order of the lines the same people are in the same parts", async () => {
  await split("--manifest", "all.jsonl", "--output-dir", "again");
  const before = contentsOf("again");
  assert.equal(contentsOf("split"), before);
  await split("--manifest", "all.jsonl", "--output-dir", "again");
  assert.equal(contentsOf("again"), before);
  const next = random(1);
  const lots = new Map(lines.map((line) => [line, next()]));
  put("shuffled.jsonl", [...lines].sort((a, b) => lots.get(a)! - lots.get(b)!).join(""));
  await split("--manifest", "shuffled.jsonl", "--output-dir", "shuffled");
  assert.is(contentsOf("shuffled")["speakers.csv"], before["speakers.csv"]);
  await split("--manifest", "all.jsonl", "--output-dir", "seeded", "--seed", "5");
  assert.is.not(contentsOf("seeded")["speakers.csv"], before["speakers.csv"]);
});

test("two data sets with one speaker id have two people, unless a finding or a decision says otherwise", async () => {
  const sides = await sidesIn("split");
  const apart = Array.from({ length: 10 }, (_, s) => s).find(
    (s) => sides.get(`x_s${s}`) !== sides.get(`y_s${s}`),
  );
  assert.ok(apart !== undefined);
  const keys = [`x_s${apart}`, `y_s${apart}`];
  const remedy = { action: "keepOnOneSide", names: keys } as const;
  putFindings("audit", [{ kind: "leakage", keys, score: 2, probability: 0.8, evidence: {}, remedy }]);
  const decision = { kind: "leakage", keys, by: "anna", at: "2026-01-31T09:30:00Z" };
  put("yes.jsonl", `${JSON.stringify({ ...decision, action: "keep_on_one_side" })}\n`);
  put("no.jsonl", `${JSON.stringify({ ...decision, action: "keep" })}\n`);
  for (const [args, isOne] of [
    [["--findings", "audit/findings.csv"], true],
    [["--findings", "audit"], true],
    [["--decisions", "yes.jsonl"], true],
    [["--findings", "audit/findings.jsonl", "--decisions", "no.jsonl"], false],
  ] as const) {
    const said = await split("--manifest", "all.jsonl", "--output-dir", "found", ...args);
    const now = await sidesIn("found");
    if (isOne) assert.is(now.get(keys[0]!), now.get(keys[1]!), args.join(" "));
    assert.match(said, isOne ? /of 19 people \(20 names\)/ : /of 20 people,/);
  }
});

test("an utterance that seems to be of somebody on another side is in no part, and a line says so", async () => {
  const sides = await sidesIn("split");
  const [[mine]] = [...sides].filter(([name, part]) => part === "test" && !/s[07]$/.test(name));
  const [[other]] = [...sides].filter(([, part]) => part === "train");
  const key = `${mine}_u0`;
  const remedy = { action: "relabel", to: other! } as const;
  putFindings("wrong", [
    { kind: "wrongLabel", keys: [key], score: 2, probability: 0.8, evidence: {}, remedy },
  ]);
  const said = await split("--manifest", "all.jsonl", "--output-dir", "without", "--findings", "wrong");
  assert.match(
    said,
    new RegExp(`^1 utterance is in no part, because the right speaker .*, such as ${key}$`, "m"),
  );
  const { utterances } = await readManifest("without/test.jsonl");
  assert.not.ok(utterances.some((utterance) => utterance.key === key));
  assert.ok(utterances.some(({ speakerKey }) => speakerKey === mine));
});

test("people stay where an earlier split has them when the corpus has grown", async () => {
  const isOld = (line: string) => !/"speaker":"s[147]"/.test(line);
  put("old.jsonl", lines.filter(isOld).join(""));
  await split("--manifest", "old.jsonl", "--output-dir", "grown");
  const before = await sidesIn("grown");
  const said = await split(
    "--manifest",
    "all.jsonl",
    "--output-dir",
    "grown",
    "--keep",
    "grown/speakers.csv",
  );
  const after = await sidesIn("grown");
  assert.is(after.size, 20);
  for (const [speaker, part] of before) assert.is(after.get(speaker), part);
  assert.not.match(said, /in another part now/);
  const keys = ["train", "test"].map((side) => [...after].find(([, part]) => part === side)![0]);
  const remedy = { action: "keepOnOneSide", names: keys } as const;
  putFindings("found", [{ kind: "leakage", keys, score: 2, probability: 0.8, evidence: {}, remedy }]);
  assert.match(
    await split("--manifest", "all.jsonl", "--output-dir", "grown", "--keep", "grown", "--findings", "found"),
    /^error: .* is kept in (train and .* in test|test and .* in train), and they are one person\. Take one/,
  );
  assert.equal(await sidesIn("grown"), after);
  const anew = await split("--manifest", "all.jsonl", "--output-dir", "grown", "--seed", "2");
  assert.match(anew, /Warning: \d+ speakers of the split that was in grown are in another part now.*--keep/);
  assert.match(
    await split("--manifest", "all.jsonl", "--keep", put("o.csv", "dataset,speaker,part\nz,s1,dev\n")),
    /^error: None of the 1 speaker that o\.csv keeps is in the corpus: it has x as a data set, and the table z\./,
  );
  assert.match(
    await split("--manifest", "all.jsonl", "--keep", put("o.csv", "dataset,speaker\nz,s1\n")),
    /^error: o\.csv has the columns dataset, speaker\. To say who is in which part/,
  );
});

test("a folder and merged embeddings are split too, by the lengths that merging wrote down", async () => {
  const merged = (rows: typeof names) => {
    const utterances = rows.map(([dataset, speaker_id, utterance_id], i) => ({
      key: `${dataset}_${speaker_id}_${utterance_id}`,
      row: {
        embedding: { data: Float32Array.of(1, i), shape: [2], dtype: "float32" },
        dataset,
        speaker_id,
        utterance_id,
        path: join(cwd, "corpus", dataset, speaker_id, `${utterance_id}.wav`),
      },
    }));
    const facts = utterances.map(({ key, row: { path } }, i) => ({
      key,
      path,
      seconds: secondsOf(i),
      fields: { text: `no. ${i}` },
    }));
    put("merged/utterances.jsonl", facts.map((fact) => `${JSON.stringify(fact)}\n`).join(""));
    put(
      "merged/utterance_embeddings.pkl",
      writePickle(Object.fromEntries(utterances.map(({ key, row }) => [key, row])) as never),
    );
  };
  merged(names);
  const want = await sidesIn("split");
  for (const source of [
    ["--embeddings", "merged"],
    ["--embeddings", "merged", "--data-root", "corpus"],
  ]) {
    await split(...source, "--output-dir", "tables");
    assert.equal(await sidesIn("tables", ".csv"), want);
    const { utterances } = await readManifest("tables/test.csv");
    assert.ok(utterances.every(({ seconds }) => seconds !== undefined));
  }
  assert.match(
    await split("--data-root", "corpus", "--output-dir", "untimed", "--as", "kaldi"),
    /^Parts are balanced by utterances, because it is not known how long they are: --embeddings FOLDER/m,
  );
  const parts = await Promise.all(
    ["train", "dev", "test"].map((part) => readManifest(join("untimed", part))),
  );
  const { utterances } = await scan("corpus");
  assert.is(
    parts.reduce((sum, part) => sum + part.utterances.length, 0),
    utterances.length,
  );
});

test("speakers of one cut stay on one side, because the cut goes there with all of its audio", async () => {
  const cut = (id: string, speakers: readonly string[]) => ({
    id,
    start: 0,
    duration: 4,
    channel: 0,
    type: "MonoCut",
    recording: {
      id: `r${id}`,
      sources: [{ type: "file", channels: [0], source: join(cwd, "corpus", "x", "s0", "u0.wav") }],
      sampling_rate: 16000,
      num_samples: 64000,
      duration: 4,
    },
    supervisions: speakers.map((speaker, i) => ({
      id: `${id}-${i}`,
      recording_id: `r${id}`,
      start: i,
      duration: 1,
      channel: 0,
      speaker,
    })),
  });
  const cuts = Array.from({ length: 12 }, (_, i) =>
    cut(`c${i}`, i % 3 === 0 ? [`a${i}`, `b${i}`] : [`a${i}`]),
  );
  put("cuts.jsonl", cuts.map((one) => `${JSON.stringify(one)}\n`).join(""));
  assert.match(
    await split("--manifest", "cuts.jsonl", "--parts", "train=1,dev=1,test=1", "--output-dir", "cuts"),
    /16 utterances of 12 people \(16 names\)/,
  );
  const ids = ["train", "dev", "test"].flatMap((part) =>
    readFileSync(join("cuts", `${part}.jsonl`), "utf8")
      .trim()
      .split("\n"),
  );
  assert.equal(ids.sort(), cuts.map((one) => JSON.stringify(one)).sort());
});

test("findings on the keys of other tools' embeddings count for the corpus", async () => {
  const sides = await sidesIn("split");
  const [[mine]] = [...sides].filter(([, part]) => part === "test");
  const [[other]] = [...sides].filter(([, part]) => part === "train");
  const key = `${mine!.replace("_", "/")}/u0`;
  const decision = { kind: "utterance", keys: [key], action: "relabel", to: other, by: "anna" };
  put("paths.jsonl", `${JSON.stringify(decision)}\n`);
  const said = await split("--manifest", "all.jsonl", "--output-dir", "paths", "--decisions", "paths.jsonl");
  assert.match(said, new RegExp(`^1 utterance is in no part, .*, such as ${mine}_u0$`, "m"));
});

test("what is left out of a cut is still heard in it, and a line says so", async () => {
  const [cut] = readFileSync("cuts.jsonl", "utf8").split("\n");
  const { key } = (await readManifest("cuts.jsonl")).utterances.find(({ line }) => line === 1)!;
  assert.match(cut!, /"speaker":"b0"/);
  const decision = { kind: "utterance", keys: [key], action: "drop", by: "anna" };
  put("drop.jsonl", `${JSON.stringify(decision)}\n`);
  const said = await split("--manifest", "cuts.jsonl", "--output-dir", "heard", "--decisions", "drop.jsonl");
  assert.match(
    said,
    new RegExp(
      `^Warning: 1 utterance is in no part and yet heard in one, in the cut of somebody else, such as ${key}$`,
      "m",
    ),
  );
});

test("decisions about which people disagree are left aside with a word", async () => {
  const pair = ["x_s1", "x_s2"];
  const lines = [
    { kind: "pair", keys: pair, action: "same", by: "anna" },
    { kind: "pair", keys: pair, action: "different", by: "ben" },
  ].map((decision) => `${JSON.stringify(decision)}\n`);
  put("disputed.jsonl", lines.join(""));
  assert.match(
    await split("--manifest", "all.jsonl", "--output-dir", "disputed", "--decisions", "disputed.jsonl"),
    /^Warning: 1 disagreement is left aside, such as about x_s1 and x_s2: what the audit found holds there$/m,
  );
});

test("embeddings of another corpus are refused", async () => {
  put("foreign.jsonl", lines.map((line) => line.replace(/"dataset":"(.)"/, '"dataset":"$1$1"')).join(""));
  const said = await split(
    ...["--manifest", "foreign.jsonl", "--embeddings", "merged", "--output-dir", "foreign"],
  );
  assert.match(
    said,
    /^error: Of no utterance does merged know how long it is: the corpus begins with "xx_s0_u0", /,
  );
  assert.not.ok(existsSync("foreign"));
});

test("a part that cannot come to its share is explained by who is in it", async () => {
  const rows = [100, 1, 2, 3, 2, 1].map((duration, s) =>
    JSON.stringify({ audio_filepath: lines[s]!.split('"')[3], duration, speaker: `p${s}` }),
  );
  put("uneven.jsonl", `${rows.join("\n")}\n`);
  const said = await split("--manifest", "uneven.jsonl", "--output-dir", "uneven");
  assert.match(
    said,
    /^Warning: train has 91\.7 % where 80\.0 % was asked for: nobody is on two sides, and uneven_p0 alone has 91\.7 %$/m,
  );
  put("two.jsonl", `${rows.slice(0, 2).join("\n")}\n`);
  assert.match(
    await split("--manifest", "two.jsonl", "--output-dir", "two"),
    /^error: There are 2 people for 3 parts, and each needs somebody\. Give fewer parts\.$/,
  );
  assert.not.ok(existsSync("two"));
});

test("what is in no part, and what findings are not about, is said", async () => {
  const [first, second, third, ...others] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  const odd = [
    { ...first, speaker: null },
    { ...second, duration: null },
    { ...third, audio_filepath: "gone.wav" },
  ];
  put("odd.jsonl", [...odd, ...others].map((row) => `${JSON.stringify(row)}\n`).join(""));
  const keys = ["q_1", "q_2"];
  const remedy = { action: "mergeNames", names: keys } as const;
  putFindings("other", [{ kind: "splitSpeaker", keys, score: 2, probability: 0.8, evidence: {}, remedy }]);
  const said = await split(
    "--manifest",
    "odd.jsonl",
    "--output-dir",
    "odd",
    "--findings",
    "other/findings.csv",
  );
  assert.match(said, /^Warning: 1 utterance is in no part\. The first: .*gone\.wav/m);
  assert.match(said, /^1 utterance of unknown speakers is in no part: they may be anybody$/m);
  assert.match(said, /because it is not known how long 1 utterance of them is: --embeddings FOLDER/);
  assert.match(
    said,
    /^Warning: nothing that was found or decided is about this corpus\. The first of it is about q_1 and q_2/m,
  );
});

test("shares that are none are refused in a sentence", async () => {
  for (const [parts, said] of [
    ["a=0,b=1", /the share of a is "0", and has to be a number above 0/],
    ["a=-1,b=2", /the share of a is "-1"/],
    ["a=x,b=1", /the share of a is "x"/],
    ["a=.8,b=.1", /the shares sum to 0\.9\. Give fractions that sum to 1, or proportions/],
    ["a=1", /give two parts or more/],
    ["a=1,A=2", /A is there twice/],
    ["../a=1,b=1", /"\.\.\/a=1" has none/],
    ["speakers=1,b=1", /cannot be called speakers/],
  ] as const)
    assert.match(await split("--manifest", "all.jsonl", "--parts", parts, "--output-dir", "none"), said);
  assert.not.ok(existsSync("none"));
});

test("nothing is written over that is not of a split, and no part of an earlier one stays beside the new", async () => {
  const into = (folder: string, ...more: string[]) =>
    split("--manifest", "all.jsonl", "--output-dir", folder, ...more);
  put("mine/train.jsonl", "mine");
  assert.match(await into("mine"), /^error: mine\/train\.jsonl is there already, and no speakers\.csv says/);
  put("table/speakers.csv", "name,age\n");
  assert.match(await into("table"), /^error: table\/speakers\.csv is there already, and is not of a split/);
  cpSync("split", "renamed", { recursive: true });
  assert.match(
    await into("renamed", "--parts", "train=9,test=1"),
    /^error: renamed\/dev\.jsonl is called like a part of a split, and would lie beside the new ones/,
  );
  renameSync("renamed/dev.jsonl", "dev.jsonl");
  assert.match(await into("renamed", "--parts", "train=9,test=1"), /^Written to renamed/m);
  assert.equal(readdirSync("renamed").sort(), ["speakers.csv", "test.jsonl", "train.jsonl"]);
  assert.match(
    await split("--manifest", "split/train.jsonl", "--output-dir", "split"),
    /^error: split\/train\.jsonl would be written over, and it is what this command is to read \(--manifest/,
  );
  mkdirSync("kaldi");
  await split("--manifest", "all.jsonl", "--as", "kaldi", "--output-dir", "kaldi");
  assert.match(
    await split("--manifest", "kaldi/train", "--output-dir", "kaldi"),
    /^error: kaldi\/train would be written over/,
  );
});

test.run();
