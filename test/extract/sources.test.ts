import { readFileSync, rmSync, statSync, truncateSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { type Corpus, extract, merge, readEmbeddings, readManifest, scan, verify } from "speakerscope";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { packageRoot } from "../../src/util/package-root.js";
import { contentsOf, put, temporaryFolder, tinyModel, voice, wav } from "../tiny.js";

process.chdir(packageRoot);
const manifests = "test/fixtures/manifests";
const models = temporaryFolder();
const modelPath = tinyModel(models);

/** The embeddings of a corpus by the names of its utterances, in base 64: equal only to the bit. */
async function embeddings(corpus: Corpus, options: Parameters<typeof extract>[1] = {}) {
  const folder = temporaryFolder();
  const [outputDir, final] = [join(folder, "ranks"), join(folder, "final")];
  await extract(corpus, { outputDir, modelPath, device: "cpu", numRanks: 1, ...options });
  await merge(outputDir, { outputDir: final });
  const rows = await readEmbeddings(final, { level: "utterance" });
  return Object.fromEntries(
    rows
      .map(({ utteranceId, embedding }): [string, string] => [
        utteranceId,
        Buffer.from(embedding.buffer).toString("base64"),
      ])
      .sort(),
  );
}

const bundled = scan("data/speech").then(({ utterances, ...corpus }) => ({
  ...corpus,
  utterances: utterances.filter(({ dataset }) => dataset !== "test-other"),
}));
const expected = bundled.then(async (corpus) => {
  const all = await embeddings(corpus);
  const those = (keep: (id: string) => boolean) =>
    Object.fromEntries(Object.entries(all).filter(([id]) => keep(id)));
  return {
    all,
    studio: those((id) => id.includes("part")),
    podcast: those((id) => id.startsWith("episode")),
    long: those((id) => /^(103|1040)-/.test(id)),
  };
});

for (const [file, part, numRanks = 1] of [
  ["nemo.jsonl", "studio"],
  ["validated.tsv", "studio"],
  ["excel.csv", "all"],
  ["paths.parquet", "all", 2],
  ["podcast.parquet", "podcast"],
  ["studio_recordings.jsonl.gz", "studio"],
  ["studio_supervisions.jsonl.gz", "studio"],
  ["studio_cuts.jsonl.gz", "studio", 2],
  ["kaldi", "studio"],
  ["long_cuts.jsonl", "long"],
  ["kaldi-segments", "long", 2],
] as const)
  test(`the speech of ${file} has the embeddings of the folders, bit for bit`, async () => {
    assert.equal(
      await embeddings(await readManifest(join(manifests, file)), { numRanks }),
      (await expected)[part],
    );
  });

test("the speech in shards has the embeddings of the folders, bit for bit", async () => {
  const corpus = await readManifest(`${manifests}/podcast-{000000..000001}.tar`);
  assert.equal(await embeddings(corpus), (await expected).podcast);
});

/** One recording of 40 s with voices one after the other, and its spans as a table; and each span as a file. */
function longRecording(folder: string, name = "long.wav"): { table: string; files: string } {
  const seconds = 1.5;
  const voices = Array.from({ length: 26 }, (_, seed) => voice(seed, { seconds }));
  const samples = Float32Array.from(voices.flatMap((part) => [...part]));
  put(join(folder, name), wav([samples]));
  // They overlap, and are not in the order of time.
  const starts = [12.3333, 0, 1.2345678, 1.5, 37.1, 20.00003, 5, 6, 7, 8, 9, 9.5, 30];
  const rows = starts.map((start, i) => ({
    path: name,
    speaker: `s${i % 4}`,
    id: `u${i}`,
    start,
    end: start + 1.2 + i / 10,
  }));
  const table = put(join(folder, "spans.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  for (const { speaker, id, start, end } of rows)
    put(
      join(folder, "files", "spans", speaker, `${id}.wav`),
      wav([samples.slice(Math.round(start * 16000), Math.round(end * 16000))]),
    );
  return { table, files: join(folder, "files") };
}

test("spans of a long WAV have the embeddings of files that were cut beforehand, bit for bit", async () => {
  const { table, files } = longRecording(temporaryFolder());
  const corpus = await readManifest(table);
  assert.is(corpus.utterances.length, 13);
  assert.equal(await embeddings(corpus, { numRanks: 2 }), await embeddings(await scan(files)));
});

test("kill, and other numbers of ranks and shards, give equal bytes with spans, tar and Parquet too", async () => {
  const folder = temporaryFolder();
  const { table } = longRecording(folder);
  for (const manifest of [
    table,
    join(manifests, "kaldi-segments"),
    join(manifests, "podcast.parquet"),
    `${manifests}/podcast-{000000..000001}.tar`,
  ]) {
    const corpus = await readManifest(manifest);
    const made: Record<string, string>[] = [];
    const mergeOf = async (outputDir: string) => {
      const final = join(folder, "final");
      rmSync(final, { recursive: true, force: true });
      await merge(outputDir, { outputDir: final });
      made.push(contentsOf(final));
    };
    const [alone, three] = [join(temporaryFolder(), "ranks"), join(temporaryFolder(), "ranks")];
    for (const [outputDir, numRanks] of [
      [alone, 1],
      [three, 3],
    ] as const) {
      await extract(corpus, { outputDir, modelPath, device: "cpu", numRanks });
      await mergeOf(outputDir);
    }
    const shards = join(temporaryFolder(), "ranks");
    for (const index of [0, 1])
      await extract(corpus, {
        outputDir: shards,
        modelPath,
        device: "cpu",
        numRanks: 1,
        shard: { index, count: 2 },
      }).catch(
        // A shard may have got nothing.
        (error: { tag?: string }) => assert.is(error.tag, "invalid"),
      );
    await mergeOf(shards);
    // What a kill leaves: a log that ends in the middle of a record.
    const log = join(alone, "rank_00", "embeddings.log");
    truncateSync(log, Math.round(statSync(log).size * 0.6));
    const { resumed } = await extract(corpus, { outputDir: alone, modelPath, device: "cpu", numRanks: 2 });
    assert.ok(resumed > 0 && resumed < corpus.utterances.length);
    await mergeOf(alone);
    for (const other of made.slice(1)) assert.equal(other, made[0]);
  }
});

test("what a source said of an utterance is in the merged folder", async () => {
  const folder = temporaryFolder();
  const corpus = await readManifest(join(manifests, "kaldi-segments"));
  await extract(corpus, { outputDir: join(folder, "ranks"), modelPath, device: "cpu", numRanks: 1 });
  await merge(join(folder, "ranks"), { outputDir: join(folder, "final") });
  const lines = readFileSync(join(folder, "final", "utterances.jsonl"), "utf8")
    .trim()
    .split("\n");
  assert.equal(JSON.parse(lines[1]!), {
    key: "kaldi-segments_103_103-1240-0000-part1",
    path: `${manifests}/long.flac`,
    source: `${manifests}/long.flac#000003.521250-000007.042500`,
    span: { start: 3.52125, end: 7.0425 },
    session: "long",
    seconds: 3.52125,
    fields: { text: "words of 103-1240-0000-part1" },
  });
});

test("unknown speakers have embeddings, None in the pickles, and no speaker's row", async () => {
  const folder = temporaryFolder();
  put(join(folder, "list.csv"), "path\na.wav\nb.wav\n");
  for (const [name, seed] of [
    ["a.wav", 1],
    ["b.wav", 2],
  ] as const)
    put(join(folder, name), wav([voice(seed)]));
  const corpus = await readManifest(join(folder, "list.csv"));
  assert.equal(
    corpus.utterances.map(({ key, speakerId }) => [key, speakerId]),
    [
      ["list__a", null],
      ["list__b", null],
    ],
  );
  await extract(corpus, {
    outputDir: join(folder, "ranks"),
    modelPath,
    device: "cpu",
    numRanks: 1,
    saveIndividual: true,
  });
  const { speakers } = await merge(join(folder, "ranks"), {
    outputDir: join(folder, "final"),
    mergeIndividual: true,
  });
  assert.is(speakers.length, 0);
  const rows = await readEmbeddings(join(folder, "final"), { level: "utterance" });
  assert.equal(
    rows.map(({ speakerId }) => speakerId),
    [null, null],
  );
  assert.equal((await verify(join(folder, "final"))).problems, []);
  assert.equal((await verify(join(folder, "ranks"))).problems, []);
});

test("what cannot be cut is a failure that says why, and a small overshoot a doubt", async () => {
  const folder = temporaryFolder();
  put(join(folder, "a.wav"), wav([voice(1, { seconds: 3 })]));
  const rows = ["start,end", "0,3.01", "0.5,3.3", "1,9", "4,5", "2.00001,2.00002"].map(
    (row, i) => `${i === 0 ? "path,speaker,id" : `a.wav,s,u${i}`},${row}`,
  );
  put(join(folder, "list.csv"), `${rows.join("\n")}\n`);
  const corpus = await readManifest(join(folder, "list.csv"));
  const result = await extract(corpus, {
    outputDir: join(folder, "ranks"),
    modelPath,
    device: "cpu",
    numRanks: 1,
  });
  assert.is(result.embedded, 2);
  assert.equal(
    result.failures
      .map(({ utteranceId, stage, reason }) => [utteranceId, stage, reason.replace(folder, "")])
      .sort(),
    [
      ["u3", "decode", "/a.wav: The span ends at 9 s, and the recording at 3.000 s."],
      ["u4", "decode", "/a.wav: The span starts at 4 s, and the recording ends at 3.000 s."],
      ["u5", "decode", "/a.wav: The span from 2.00001 s to 2.00002 s holds no sample at 16000 Hz."],
    ],
  );
  assert.equal(
    result.doubts.map(({ utteranceId, warning, detail }) => [utteranceId, warning, detail]),
    [["u2", "inconsistent", "the span ends at 3.3 s, and the recording at 3.000 s"]],
  );
});

test("one channel of a file can be an utterance", async () => {
  const folder = temporaryFolder();
  put(join(folder, "two.wav"), wav([voice(1), voice(2)]));
  put(join(folder, "files/calls/a/left.wav"), wav([voice(1)]));
  put(join(folder, "files/calls/b/right.wav"), wav([voice(2)]));
  put(join(folder, "list.csv"), "path,speaker,id,channel\ntwo.wav,a,left,0\ntwo.wav,b,right,1\n");
  const corpus = await readManifest(join(folder, "list.csv"), { dataset: "calls" });
  assert.equal(await embeddings(corpus), await embeddings(await scan(join(folder, "files"))));
});

test("a recording that was written since it was listed is tried again", async () => {
  const folder = temporaryFolder();
  const { table } = longRecording(folder);
  const corpus = await readManifest(table);
  utimesSync(join(folder, "long.wav"), 1, 1);
  const options = { outputDir: join(folder, "ranks"), modelPath, device: "cpu", numRanks: 1 };
  const error = await extract(corpus, options).catch((error: Error) => error);
  assert.match(String(error), /changed during the run: it was written since it was listed/);
  assert.is((await extract(await readManifest(table), options)).embedded, 13);
});

test.run();
