import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Corpus } from "../../src/corpus/corpus.js";
import { readManifest } from "../../src/corpus/read-manifest.js";
import { scan } from "../../src/corpus/scan.js";
import { openParquet } from "../../src/corpus/sources/parquet.js";
import { tarMembers } from "../../src/corpus/sources/tar.js";
import { type WriteManifestOptions, writeManifest } from "../../src/corpus/write-manifest.js";
import { writeTable } from "../../src/tables/write-table.js";
import type { Utterance } from "../../src/types.js";
import { put, temporaryFolder, wav } from "../tiny.js";

const manifests = join(__dirname, "../fixtures/manifests");
const folder = temporaryFolder();
const at = (...names: string[]) => join(folder, ...names);
const read = (path: string) => readManifest(path, { dataset: "d" });
const text = (path: string) => readFileSync(path, "utf8");

/** What must be the same again; without a column of names, those of files below another folder are longer. */
const facts = (utterances: readonly Utterance[]) =>
  utterances
    .map(({ utteranceId, speakerId, session, span, channel, seconds, fields, dataset }) =>
      JSON.stringify({
        utteranceId: utteranceId.split("/").at(-1),
        speakerId,
        session: session?.split("/").at(-1),
        span,
        channel,
        seconds,
        fields,
        dataset,
      }),
    )
    .sort();

/** Without the first speaker, and with one utterance of another. */
function changed({ utterances, ...corpus }: Corpus, speaker: string): Corpus {
  const gone = utterances[0]!.speakerId;
  const kept = utterances
    .filter(({ speakerId }) => speakerId !== gone)
    .map((utterance, i) => (i === 0 ? { ...utterance, speakerId: speaker } : utterance));
  assert.ok(kept.length > 0 && kept.length < utterances.length);
  return { ...corpus, utterances: kept };
}

const message = (...given: Parameters<typeof writeManifest>) =>
  writeManifest(...given).then(
    () => "",
    (error: Error) => error.message,
  );

const formats = [
  "nemo.jsonl",
  "excel.csv",
  "validated.tsv",
  "kaldi",
  "kaldi-segments",
  "studio_cuts.jsonl.gz",
  "studio_recordings.jsonl.gz",
  "studio_supervisions.jsonl.gz",
  "long_cuts.jsonl",
  "paths.parquet",
  "podcast.parquet",
  "podcast-000000.tar",
  "podcast-{000000..000001}.tar",
];

for (const name of formats)
  test(`${name} comes back as it was, and without the rows that were left out and with speakers renamed`, async () => {
    const corpus = await read(join(manifests, name));
    const target = name.includes("{") ? "shards" : name;
    for (const [place, own] of [
      ["same", corpus],
      ["changed", changed(corpus, name.startsWith("kaldi") ? "=né" : "=né w")],
    ] as const) {
      await writeManifest(own, at(place, target));
      const again = await read(at(place, target));
      assert.equal(again.failures, []);
      assert.is(again.manifest!.format, corpus.manifest!.format);
      assert.equal(facts(again.utterances), facts(own.utterances), place);
    }
  });

test("text in which nothing changes stays byte for byte", async () => {
  for (const name of ["nemo.jsonl", "excel.csv", "validated.tsv", "long_cuts.jsonl"]) {
    await writeManifest(await read(join(manifests, name)), at("bytes", name));
    assert.is(text(at("bytes", name)), text(join(manifests, name)), name);
  }
  const packed = "studio_cuts.jsonl.gz";
  await writeManifest(await read(join(manifests, packed)), at("bytes", packed));
  const unpacked = (path: string) => gunzipSync(readFileSync(path)).toString();
  assert.is(unpacked(at("bytes", packed)), unpacked(join(manifests, packed)));
  await writeManifest(await read(join(manifests, "kaldi")), at("bytes/kaldi"));
  for (const name of ["wav.scp", "text", "utt2spk", "utt2gender", "utt2lang"])
    assert.is(text(at("bytes/kaldi", name)), text(join(manifests, "kaldi", name)), name);
});

const sounds = ["a b.wav", "c.wav", "é.wav"].map((name, i) => {
  put(at("in", name), wav([Float32Array.from({ length: 1600 }, (_, j) => Math.sin(i + j))]));
  return name;
});

test("embeddings, which do not know their lines, are refused instead of an empty manifest", async () => {
  for (const name of ["validated.tsv", "nemo.jsonl", "studio_cuts.jsonl.gz", "podcast.parquet"]) {
    const corpus = await read(join(manifests, name));
    const embeddings = corpus.utterances.map(({ key, dataset, speakerId, utteranceId, path }) => ({
      key,
      dataset,
      speakerId,
      utteranceId,
      path,
    })) as unknown as Utterance[];
    const written = await writeManifest({ ...corpus, utterances: embeddings }, at("stray", name)).then(
      () => "",
      (error: Error) => error.message,
    );
    assert.match(written, /does not say where it stands in .*Give those of the corpus by their keys/);
  }
});

test("CSV keeps its mark, line ends, quotes, lines inside cells and cells that nobody knows", async () => {
  const csv = [
    "\ufeffpath;speaker;note;n",
    `a b.wav;s1;"x ""y""\r\nz";007`,
    "",
    'c.wav;s1;"plain in quotes";1e400',
    "é.wav;s2;=1+1;",
    "",
  ].join("\r\n");
  put(at("in", "list.csv"), csv);
  const corpus = await read(at("in/list.csv"));
  const renamed = corpus.utterances.map((one) => ({
    ...one,
    speakerId: one.speakerId === "s1" ? 't;"' : one.speakerId,
  }));
  await writeManifest({ ...corpus, utterances: renamed }, at("in/renamed.csv"));
  assert.is(
    text(at("in/renamed.csv")),
    [
      "\ufeffpath;speaker;note;n",
      'a b.wav;"t;""";"x ""y""\r\nz";007',
      'c.wav;"t;""";plain in quotes;1e400',
      "é.wav;s2;=1+1;",
      "",
    ].join("\r\n"),
  );
  // From elsewhere, paths that are relative would lead to nothing.
  await writeManifest({ ...corpus, utterances: corpus.utterances.slice(1, 2) }, at("elsewhere.csv"));
  assert.match(
    text(at("elsewhere.csv")),
    new RegExp(`^${resolve(at("in/c.wav"))};s1;plain in quotes;1e400`, "m"),
  );
});

test("of JSON only the values change that are others now", async () => {
  const first =
    '{"audio_filepath":"c.wav",  "speaker" : "s", "n": 12345678901234567890, "x": NaN, "text": "b, NaN"}';
  const second = '{"audio_filepath": "é.wav", "duration": 1.0, "text": "\\u00e9 \\"q\\" {"}';
  put(at("in", "rows.jsonl"), `\ufeff${first}\r\n\r\n${second}`);
  const corpus = await read(at("in/rows.jsonl"));
  assert.equal(corpus.failures, []);
  const renamed = corpus.utterances.map((one) => ({ ...one, speakerId: "né" }));
  await writeManifest({ ...corpus, utterances: renamed }, at("in/renamed.jsonl"));
  assert.is(
    text(at("in/renamed.jsonl")),
    `\ufeff${first.replace('"s"', '"né"')}\r\n${second.replace('{"}', '{", "speaker": "né"}')}\n`,
  );
});

test("columns that were told for reading are those for writing", async () => {
  put(at("in", "told.tsv"), 'path\tspeaker\tclient_id\nc.wav\tDisplay "Name\tid1\né.wav\t\tid2\n');
  const corpus = await readManifest(at("in/told.tsv"), { columns: { speaker: "client_id" } });
  const utterances = corpus.utterances.map((one) => ({ ...one, speakerId: `${one.speakerId}x` }));
  await writeManifest({ ...corpus, utterances }, at("in/told2.tsv"));
  assert.is(
    text(at("in/told2.tsv")),
    'path\tspeaker\tclient_id\nc.wav\tDisplay "Name\tid1x\né.wav\t\tid2x\n',
  );
});

test("a cut of Lhotse keeps the supervisions that are left, and one without any gets a speaker", async () => {
  const line = text(join(manifests, "long_cuts.jsonl")).split("\n")[0]!;
  const cut = JSON.parse(line);
  const [own] = cut.supervisions;
  const half = { ...own, id: "half", duration: own.duration / 2, speaker: "other", custom: { big: 1 } };
  const two = { ...cut, id: "two", supervisions: [own, half] };
  const none = { ...cut, id: "none", supervisions: [] };
  put(at("two_cuts.jsonl"), `${JSON.stringify(two)}\n${JSON.stringify(none)}\n`);
  const corpus = await read(at("two_cuts.jsonl"));
  const utterances = corpus.utterances
    .filter(({ utteranceId }) => utteranceId !== own.id)
    .map((one) => (one.speakerId === null ? { ...one, speakerId: "found" } : one));
  await writeManifest({ ...corpus, utterances }, at("kept_cuts.jsonl"));
  const [first, second] = text(at("kept_cuts.jsonl"))
    .trim()
    .split("\n")
    .map((row) => JSON.parse(row));
  assert.equal(first, { ...two, supervisions: [half] });
  assert.equal(
    second.supervisions.map(({ speaker, start, duration }: Record<string, unknown>) => [
      speaker,
      start,
      duration,
    ]),
    [["found", 0, cut.duration]],
  );
});

test("Kaldi's other files are kept for what is left: by utterance, by recording, by speaker", async () => {
  const kaldi = at("in/kaldi");
  for (const [name, lines] of Object.entries({
    "wav.scp": ["r1 c.wav", "r2 é.wav"],
    segments: ["u1 r1 0 0.05", "u2 r1 0.05 0.1", "u3 r2 0 -1"],
    utt2spk: ["u1 s1", "u2 s2", "u3 s2"],
    text: ["u1", "u2 zwei  Wör\u2028ter\u3000", "u3 drei"],
    utt2uniq: ["u1 x", "u2 y", "u3 z"],
    reco2dur: ["r1 0.1", "r2 0.1"],
    spk2gender: ["s1 f", "s2 m"],
    spk2age: ["s1 30", "s2 40"],
    "notes.md": ["free text"],
  }))
    put(join(kaldi, name), `${lines.join("\n")}\n`);
  const corpus = await read(kaldi);
  const utterances = corpus.utterances
    .filter(({ utteranceId }) => utteranceId !== "u3")
    .map((one) => (one.speakerId === "s2" ? { ...one, speakerId: "s9" } : one));
  await writeManifest({ ...corpus, utterances }, at("in/kaldi-kept"));
  const kept = (name: string) => text(at("in/kaldi-kept", name));
  assert.is(kept("segments"), "u1 r1 0 0.05\nu2 r1 0.05 0.1\n");
  assert.is(kept("text"), "u1\nu2 zwei  Wör\u2028ter\u3000\n");
  assert.is(kept("utt2uniq"), "u1 x\nu2 y\n");
  assert.is(kept("reco2dur"), "r1 0.1\n");
  assert.is(kept("utt2spk"), "u1 s1\nu2 s9\n");
  assert.is(kept("spk2gender"), "s1 f\ns9 m\n");
  assert.is(kept("spk2age"), "s1 30\ns9 40\n");
});

test("Parquet keeps schema, metadata and values, and refuses a name where numbers stand", async () => {
  const path = join(manifests, "podcast.parquet");
  await writeManifest(changed(await read(path), "né"), at("less.parquet"));
  const [before, after] = [await openParquet(path), await openParquet(at("less.parquet"))];
  assert.equal(after.metadata.schema, before.metadata.schema);
  assert.equal(after.metadata.key_value_metadata, before.metadata.key_value_metadata);
  before.close();
  after.close();
  await writeTable(
    sounds.map((name, i) => ({ path: at("in", name), speaker: i })),
    at("numbers.parquet"),
  );
  const corpus = await read(at("numbers.parquet"));
  const named = (speakerId: string) => ({
    ...corpus,
    utterances: corpus.utterances.map((one) => ({ ...one, speakerId })),
  });
  await writeManifest(named("12"), at("numbers12.parquet"));
  assert.equal(
    (await read(at("numbers12.parquet"))).utterances.map(({ speakerId }) => speakerId),
    ["12", "12", "12"],
  );
  assert.match(
    await message(named("anna"), at("anna.parquet")),
    /"speaker" of .* holds numbers, which "anna" is not/,
  );
  await writeTable(
    sounds.map((name, i) => ({ path: at("in", name), speaker: 2n ** 53n + BigInt(i) })),
    at("ids.parquet"),
  );
  const ids = await read(at("ids.parquet"));
  const moved = ids.utterances.map((one) => ({ ...one, speakerId: "9007199254740993" }));
  await writeManifest({ ...ids, utterances: moved }, at("ids-moved.parquet"));
  assert.equal(
    (await read(at("ids-moved.parquet"))).utterances.map(({ speakerId }) => speakerId),
    moved.map(({ speakerId }) => speakerId),
  );
});

test("Parquet keeps decimals that name the speakers", async () => {
  const from = at("decimals/types.parquet");
  for (const name of ["a.wav", "b.wav", "c/d.wav"]) put(at("decimals", name), "1");
  put(from, readFileSync(join(manifests, "types.parquet")));
  const corpus = await readManifest(from, { columns: { speaker: "account" } });
  assert.equal(
    corpus.utterances.map(({ speakerId }) => speakerId),
    ["9007199254740993", "-100000000000000000000", null],
  );
  await writeManifest(corpus, at("decimals/same.parquet"));
  const again = await readManifest(at("decimals/same.parquet"), { columns: { speaker: "account" } });
  assert.equal(
    again.utterances.map(({ speakerId, fields }) => [speakerId, fields]),
    corpus.utterances.map(({ speakerId, fields }) => [speakerId, fields]),
  );
});

test("several parts of a table are told apart", async () => {
  for (const part of [0, 1])
    await writeTable(
      sounds.map((name, i) => ({ path: at("in", name), speaker: `s${i}`, start: part, end: part + 0.05 })),
      at(`parts/part-${part}.parquet`),
    );
  const corpus = await read(at("parts"));
  const utterances = corpus.utterances.filter(({ span }) => span!.start === 1);
  const files = await writeManifest({ ...corpus, utterances }, at("parts-kept"));
  assert.equal(files, [at("parts-kept/part-1.parquet")]);
  assert.equal(facts((await read(at("parts-kept"))).utterances), facts(utterances));
  assert.match(await message(corpus, at("one.parquet")), /has 2 parts, and .*one\.parquet is one file/);
  await writeManifest(corpus, at("parts-kept"));
  const first = { ...corpus, utterances: corpus.utterances.filter(({ span }) => span!.start === 0) };
  assert.match(
    await message(first, at("parts-kept")),
    /part-1\.parquet is none of the parts that were written/,
  );
});

test("a shard is copied but for who speaks", async () => {
  const path = join(manifests, "podcast-000000.tar");
  const corpus = await read(path);
  const utterances = corpus.utterances
    .slice(0, 2)
    .map((one, i) => (i === 0 ? { ...one, speakerId: null } : one));
  await writeManifest({ ...corpus, utterances }, at("two.tar"));
  const members = (file: string) => {
    const all: [string, string][] = [];
    for (const member of tarMembers(file))
      if (!("damage" in member)) all.push([member.name, member.read().toString("latin1")]);
    return all;
  };
  const before = new Map(members(path));
  const after = members(at("two.tar"));
  assert.is(after.length, 4);
  const changes = after.filter(([name, bytes]) => before.get(name) !== bytes);
  assert.is(changes.length, 1);
  const [[name, bytes]] = changes as [[string, string]];
  assert.equal(JSON.parse(bytes), { ...JSON.parse(before.get(name)!), speaker: null });
});

/** A tar of small files. */
function tar(files: Record<string, string>): Buffer {
  const blocks = Object.entries(files).flatMap(([name, text]) => {
    const content = Buffer.from(text);
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
    header.write("0", 156);
    header.fill(" ", 148, 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    return [header, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

test("a shard's JSON is read as Python wrote it: whole numbers to the last digit, and NaN", async () => {
  const files = { "a.wav": "1", "a.json": '{"speaker": 9007199254740993, "snr": NaN}' };
  put(at("python.tar"), tar({ ...files, "b.wav": "1", "b.json": '{"speaker": NaN, "snr": 3.5}' }));
  const corpus = await read(at("python.tar"));
  const facts = (some: Corpus) => some.utterances.map(({ speakerId, fields }) => [speakerId, fields]);
  assert.equal(facts(corpus), [
    ["9007199254740993", undefined],
    [null, { snr: 3.5 }],
  ]);
  const utterances = corpus.utterances.map((one, i) => (i === 0 ? { ...one, speakerId: "x" } : one));
  await writeManifest({ ...corpus, utterances }, at("renamed.tar"));
  assert.equal(facts(await read(at("renamed.tar"))), [
    ["x", undefined],
    [null, { snr: 3.5 }],
  ]);
});

test("another format is a new list of the same utterances", async () => {
  const corpus = await read(join(manifests, "long_cuts.jsonl"));
  const lists: [string, WriteManifestOptions?][] = [
    ["new.csv"],
    ["new.tsv"],
    ["new.jsonl", { format: "jsonl" }],
    ["nemo.jsonl", { format: "nemo" }],
    ["new.parquet"],
    ["new.csv.gz"],
  ];
  for (const [name, options] of lists) {
    assert.equal(await writeManifest(corpus, at("new", name), options), [at("new", name)]);
    const again = await readManifest(at("new", name));
    assert.equal(again.failures, []);
    // Text of a CSV stays text, and times that were computed may end in another digit.
    const rounded = (list: readonly Utterance[]) =>
      facts(list).map((row) => row.replace(/\d+\.\d{7,}/g, (x) => Number(x).toFixed(6)));
    assert.equal(rounded(again.utterances), rounded(corpus.utterances), name);
  }
  await writeManifest(corpus, at("new/kaldi"));
  const kaldi = await read(at("new/kaldi"));
  const names = (list: readonly Utterance[]) =>
    list
      .map(({ utteranceId, speakerId, span, fields }) =>
        JSON.stringify([utteranceId, speakerId, span, fields?.text]),
      )
      .sort();
  assert.equal(names(kaldi.utterances), names(corpus.utterances));
});

test("folders can be written as lists too, and two people of one name stay two", async () => {
  for (const path of ["one/anna/a.wav", "one/ben/b.wav", "two/anna/a.wav"])
    put(at("folders", path), wav([new Float32Array(1600)]));
  const corpus = await scan(at("folders"));
  await writeManifest(corpus, at("folders.csv"));
  const keys = ({ utterances }: Corpus) => utterances.map(({ key, speakerKey }) => [key, speakerKey]);
  assert.equal(keys(await readManifest(at("folders.csv"))), keys(corpus));
  await writeManifest(corpus, at("folders-kaldi"));
  assert.is(
    text(at("folders-kaldi/utt2spk")),
    "one_anna_a one_anna\none_ben_b one_ben\ntwo_anna_a two_anna\n",
  );
});

test("what cannot be written is said, with what can", async () => {
  const path = join(manifests, "nemo.jsonl");
  const corpus = await read(path);
  assert.match(await message(corpus, path), /is the manifest that the corpus was read from/);
  assert.match(
    await message(corpus, at("x.xlsx")),
    /does not show in its name what to write\. It can be \.csv/,
  );
  assert.match(
    await message(corpus, at("x.tar")),
    /read as nemo cannot be written as webdataset\. It can be as \.csv/,
  );
  assert.match(await message({ ...corpus, utterances: [] }, at("x.jsonl")), /no utterance left/);
  assert.match(
    await message(corpus, at("x.jsonl"), { format: "excel" as "csv" }),
    /The format excel is not known/,
  );
  assert.match(
    await message(await read(join(manifests, "podcast.parquet")), at("x.csv")),
    /is inside .*podcast\.parquet, where no path of another kind of manifest leads/,
  );
  assert.match(
    await message(await read(join(manifests, "studio_recordings.jsonl.gz")), at("x.jsonl")),
    /Give a folder, or a name with "supervisions" in it/,
  );
  put(at("in", "nobody.csv"), "path\nc.wav\n");
  const nobody = await read(at("in/nobody.csv"));
  const somebody = { ...nobody, utterances: nobody.utterances.map((one) => ({ ...one, speakerId: "s" })) };
  assert.match(
    await message(somebody, at("in/s.csv")),
    /has no column of speakers, so that "s" cannot be written/,
  );
  assert.match(
    await message(changed(await read(join(manifests, "kaldi")), "a b"), at("k")),
    /"a b" has white space/,
  );
});

test("Lhotse, pyarrow and webdataset read what was written", async () => {
  const own = process.env.SPEAKERSCOPE_TEST_PYTHON;
  const packages = "import json, sys, lhotse, pyarrow.parquet, webdataset, kaldiio";
  if (own === undefined || spawnSync(own, ["-c", packages]).status !== 0)
    return console.log(
      "SKIPPED Python reads manifests: SPEAKERSCOPE_TEST_PYTHON has no lhotse, pyarrow, webdataset, kaldiio",
    );
  const code = `
${packages}
from lhotse.kaldi import load_kaldi_data_dir
manifests, folder = sys.argv[1:]
for name in ("studio_cuts.jsonl.gz", "long_cuts.jsonl", "studio_recordings.jsonl.gz", "studio_supervisions.jsonl.gz"):
    assert list(lhotse.load_manifest(f"{manifests}/{name}")) == list(lhotse.load_manifest(f"{folder}/same/{name}")), name
    kept = list(lhotse.load_manifest(f"{folder}/changed/{name}"))
    assert len(kept) == (2 if name.startswith("long") else 14), name
for name in ("paths.parquet", "podcast.parquet"):
    before, after = (pyarrow.parquet.read_table(f"{place}/{name}") for place in (manifests, f"{folder}/same"))
    assert before.equals(after) and before.schema.equals(after.schema, check_metadata=True), name
    assert "=né w" in pyarrow.parquet.read_table(f"{folder}/changed/{name}").to_pydict()["speaker" if name == "paths.parquet" else "speaker_id"]
samples = lambda path: [{key: value for key, value in row.items() if "__" not in key or key == "__key__"} for row in webdataset.WebDataset(path, shardshuffle=False)]
for shard in ("podcast-000000.tar", "podcast-000001.tar"):
    assert samples(f"{manifests}/{shard}") == samples(f"{folder}/same/shards/{shard}"), shard
speakers = [json.loads(row["json"])["speaker"] for row in samples(f"{folder}/changed/shards/podcast-000000.tar")]
assert "=né w" in speakers
for name, count in (("kaldi", 14), ("kaldi-segments", 2)):
    recordings, supervisions, _ = load_kaldi_data_dir(f"{folder}/changed/{name}", 16000)
    assert len(supervisions) == count and "=né" in {one.speaker for one in supervisions}, name
`;
  const { status, stderr } = spawnSync(own, ["-c", code, manifests, folder], { encoding: "utf8" });
  assert.is(status, 0, stderr);
});

test.run();
