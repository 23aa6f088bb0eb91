import { existsSync, readFileSync, rmSync, statSync, utimesSync } from "node:fs";
import { join, relative } from "node:path";
import { extract, merge, readEmbeddings, readIndividual } from "speakerscope";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { contentsOf, put, temporaryFolder, tinyCorpus, tinyModel, voice, wav } from "../tiny.js";

const files = Object.fromEntries(
  ["under_score/s1", "under_score/s2", "b/s1", "b/s3"].flatMap((speaker, s) =>
    [0, 1, 2].map((u) => [`${speaker}/u_${u}.wav`, s * 10 + u]),
  ),
);

/** A folder with a model and a corpus, and a way to extract and merge them. */
function setUp(contents: Record<string, number> = files) {
  const folder = temporaryFolder();
  const modelPath = tinyModel(folder);
  const corpus = tinyCorpus(join(folder, "corpus"), contents);
  const run = async (name: string, options: Parameters<typeof extract>[1] = {}) => {
    const outputDir = join(folder, name, "ranks");
    const extracted = await extract(corpus, { outputDir, modelPath, device: "cpu", numRanks: 1, ...options });
    return { outputDir, extracted };
  };
  const mergeAs = async (name: string) => {
    // The same name each time: paths stand in file_index.json.
    const outputDir = join(folder, "final");
    rmSync(outputDir, { recursive: true, force: true });
    await merge(join(folder, name, "ranks"), { outputDir });
    return contentsOf(outputDir);
  };
  return { folder, corpus, modelPath, run, mergeAs };
}

test("1, 2 and 3 ranks, and two runs of each, give the same bytes", async () => {
  const { run, mergeAs } = setUp();
  const all: Record<string, string>[] = [];
  for (const numRanks of [1, 2, 3])
    for (const again of [0, 1]) {
      await run(`r${numRanks}-${again}`, { numRanks, saveIndividual: true });
      all.push(await mergeAs(`r${numRanks}-${again}`));
    }
  assert.ok(Object.keys(all[0]!).length >= 12 + 4 + 7);
  for (const other of all.slice(1)) assert.equal(other, all[0]);
});

test("a speaker whose files straddle ranks is the mean of all of them", async () => {
  const { run, folder, mergeAs } = setUp();
  await run("a", { numRanks: 2 });
  await mergeAs("a");
  const utterances = await readEmbeddings(join(folder, "final"), { level: "utterance" });
  for (const speaker of await readEmbeddings(join(folder, "final"))) {
    const own = utterances.filter(
      ({ dataset, speakerId }) => dataset === speaker.dataset && speakerId === speaker.speakerId,
    );
    assert.is(own.length, 3);
    assert.is(speaker.numUtterances, 3);
    speaker.embedding.forEach((value, i) => {
      const mean = own.reduce((sum, { embedding }) => sum + embedding[i]!, 0) / 3;
      assert.ok(Math.abs(value - mean) < 1e-6 * Math.max(1, Math.abs(mean)), `${value} ${mean}`);
    });
  }
  // 12 files on 2 ranks of 6: b/s1 b/s3 | under_score; on 5 ranks they do straddle.
  await run("b", { numRanks: 5 });
  assert.equal(await mergeAs("b"), await mergeAs("a"));
});

test("what is done is not done again, with any number of ranks", async () => {
  const { run } = setUp();
  const first = (await run("a", { numRanks: 2 })).extracted;
  assert.equal([first.embedded, first.resumed, first.ranks.length], [12, 0, 2]);
  const second = (await run("a", { numRanks: 3 })).extracted;
  assert.equal([second.embedded, second.resumed, second.ranks.length], [12, 12, 0]);
});

test("a changed, a new and a deleted file are noticed", async () => {
  const { run, corpus, folder, mergeAs } = setUp();
  await run("a", { numRanks: 2 });
  put(join(corpus, "b/s1/u_0.wav"), wav([voice(99)]));
  tinyCorpus(corpus, { "b/s9/new.wav": 5 });
  rmSync(join(corpus, "b/s3/u_1.wav"));
  const { extracted } = await run("a", { numRanks: 2 });
  assert.equal([extracted.embedded, extracted.resumed], [12, 10]);
  const resumed = await mergeAs("a");
  await run("fresh");
  assert.equal(resumed, await mergeAs("fresh"));
  assert.not(existsSync(join(folder, "final/embeddings_individual/utterances/b/s3/u_1.pkl")));
});

test("another model or channel does not mix into a folder, unless it is thrown away", async () => {
  const { run, folder } = setUp();
  await run("a");
  const other = tinyModel(join(folder, "other"), { dimension: 6 });
  const error = await run("a", { modelPath: other }).then(
    () => undefined,
    (e) => e,
  );
  assert.is(error.tag, "conflict");
  assert.match(error.message, /dimension/);
  assert.match(error.message, /--overwrite/);
  assert.match(
    (
      await run("a", { channel: 0 }).then(
        () => undefined,
        (e) => e,
      )
    ).message,
    /channel/,
  );
  assert.is((await run("a", { modelPath: other, overwrite: true })).extracted.embedded, 12);
});

test("bad files are failures with a reason, and the rest is embedded", async () => {
  const { run, corpus, folder, mergeAs } = setUp();
  const bad: Record<string, [Uint8Array | string, RegExp]> = {
    "b/bad/empty.wav": ["", /empty|0 bytes/i],
    "b/bad/text.wav": ["this is not audio, whatever its name says", /not|unknown|unsupported|invalid/i],
    "b/bad/header.wav": [wav([new Float32Array(0)]), /no samples|empty|short/i],
    "b/bad/short.wav": [wav([voice(1, { seconds: 0.01 })]), /short|samples/i],
    "b/bad/silence.wav": [wav([new Float32Array(16000)]), /silence/i],
    "b/bad/cut.wav": [wav([voice(1)]).subarray(0, 20000), /cut|truncat|expected|got/i],
  };
  for (const [file, [content]] of Object.entries(bad)) put(join(corpus, file), content);
  const { extracted, outputDir } = await run("a", { numRanks: 2 });
  assert.is(extracted.embedded, 12);
  const reasons = new Map(extracted.failures.map(({ path, reason }) => [relative(corpus, path), reason]));
  assert.equal([...reasons.keys()], Object.keys(bad).sort());
  for (const [file, [, pattern]] of Object.entries(bad)) assert.match(reasons.get(file)!, pattern);
  await mergeAs("a");
  const lines = readFileSync(join(folder, "final/failed.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.equal(
    lines.map(({ path }) => relative(corpus, path)),
    Object.keys(bad).sort(),
  );
  assert.is(JSON.parse(readFileSync(join(folder, "final/summary.json"), "utf8")).failed_utterances, 6);
  assert.is((await run("a")).extracted.ranks.length, 0, "what its bytes decided is not tried again");
  assert.ok(existsSync(join(outputDir, "rank_00/failed.jsonl")));
});

test("doubtful files are embedded, with a warning", async () => {
  const { run, corpus } = setUp();
  put(join(corpus, "b/odd/short.wav"), wav([voice(1, { seconds: 0.5 })]));
  put(join(corpus, "b/odd/quiet.wav"), wav([voice(2).map((x) => x * 0.004)]));
  put(join(corpus, "b/odd/clipped.wav"), wav([voice(3).map((x) => x * 40)]));
  const { extracted } = await run("a");
  assert.equal(
    extracted.doubts.map(({ utteranceId, warning }) => [utteranceId, warning]),
    [
      ["clipped", "clipped"],
      ["quiet", "quiet"],
      ["short", "short"],
    ],
  );
});

test("threads that decode change neither embeddings nor what is said of files", async () => {
  const { run, corpus, mergeAs } = setUp();
  const once = voice(7, { seconds: 4 });
  const long = new Float32Array(once.length * 80);
  for (let i = 0; i < 80; i++) long.set(once, i * once.length);
  // The second of its two pieces is silent.
  put(join(corpus, "b/odd/long.wav"), wav([long.fill(0, 200 * 16000)]));
  put(
    join(corpus, "b/odd/broken.flac"),
    wav([voice(1)])
      .subarray(0, 1000)
      .fill(0x66),
  );
  put(join(corpus, "b/odd/empty.wav"), "");
  put(join(corpus, "b/odd/quiet.wav"), wav([voice(2).map((x) => x * 0.004)]));
  put(join(corpus, "b/odd/silent.wav"), wav([new Float32Array(16000)]));
  const said: unknown[] = [];
  const merged: Record<string, string>[] = [];
  for (const decodeThreads of [undefined, 1, 3]) {
    const { extracted } = await run(`t${decodeThreads}`, { decodeThreads });
    said.push([extracted.failures, extracted.doubts]);
    merged.push(await mergeAs(`t${decodeThreads}`));
  }
  const [failures, doubts] = said[0] as [{ utteranceId: string; stage: string }[], { warning: string }[]];
  assert.equal(
    failures.map(({ utteranceId, stage }) => [utteranceId, stage]),
    [
      ["broken", "decode"],
      ["empty", "decode"],
      ["silent", "signal"],
    ],
  );
  assert.equal(
    doubts.map(({ warning }) => warning),
    ["long", "quiet"],
  );
  for (const other of said.slice(1)) assert.equal(other, said[0]);
  for (const other of merged.slice(1)) assert.equal(other, merged[0]);
});

test("a number of decoding threads that cannot be is an error", async () => {
  const { run } = setUp();
  for (const decodeThreads of [-1, 1.5, Number.NaN]) {
    const message = await run("a", { decodeThreads }).catch((error: Error) => error.message);
    assert.match(String(message), /decodeThreads is .*; it must be a whole number from 0/);
  }
});

test("a long file is embedded in pieces, and says so", async () => {
  const { run, corpus, folder, mergeAs } = setUp({});
  const once = voice(7, { seconds: 4 });
  const long = new Float32Array(once.length * 175);
  for (let i = 0; i < 175; i++) long.set(once, i * once.length);
  put(join(corpus, "d/s/long.wav"), wav([long]));
  put(join(corpus, "d/s/once.wav"), wav([long.subarray(0, once.length * 50)]));
  const { extracted } = await run("a");
  assert.equal(
    extracted.doubts.map(({ utteranceId, warning, detail }) => [utteranceId, warning, detail]),
    [["long", "long", "700 s, the mean of 3 pieces"]],
  );
  await mergeAs("a");
  // The same 4 s over and over: the pieces are all alike, and so is one of them alone.
  const [whole, piece] = await readEmbeddings(join(folder, "final"), { level: "utterance" });
  whole!.embedding.forEach((value, i) => {
    const other = piece!.embedding[i]!;
    assert.ok(Math.abs(value - other) < 1e-3 * Math.max(1, Math.abs(other)), `${value} ${other}`);
  });
});

test("nothing that can be embedded is an error that names the first reason", async () => {
  const { run, corpus } = setUp({});
  put(join(corpus, "d/s/a.wav"), "nothing");
  const error = await run("a").then(
    () => undefined,
    (e) => e,
  );
  assert.match(error.message, /No file of .* could be embedded/);
  assert.match(error.message, /a\.wav/);
});

test("a voice on the right channel alone is heard by the mean, not by channel 0", async () => {
  const { run, corpus } = setUp({});
  const right = voice(4, { sampleRate: 44100 });
  put(join(corpus, "d/s/right.wav"), wav([new Float32Array(right.length), right], 44100));
  put(join(corpus, "d/s/other.wav"), wav([voice(5, { sampleRate: 8000 })], 8000));
  assert.is((await run("mean")).extracted.embedded, 2);
  const { extracted } = await run("left", { channel: 0 });
  assert.equal(
    extracted.failures.map(({ utteranceId }) => utteranceId),
    ["right"],
  );
  const both = await run("both", { channel: 1 });
  assert.match(both.extracted.failures[0]!.reason, /channel/);
});

test("individual files hold the same vectors as the combined ones", async () => {
  const { run, folder, mergeAs } = setUp();
  const { outputDir } = await run("a", { saveIndividual: true });
  await mergeAs("a");
  for (const individual of [
    join(folder, "final/embeddings_individual"),
    join(outputDir, "embeddings_individual"),
  ]) {
    for (const { key: _key, seconds: _seconds, ...row } of await readEmbeddings(join(folder, "final"), {
      level: "utterance",
    }))
      assert.equal(readIndividual(individual, row), row);
    for (const { key: _key, ...row } of await readEmbeddings(join(folder, "final")))
      assert.equal(readIndividual(individual, { dataset: row.dataset, speakerId: row.speakerId }), row);
  }
});

test("names that are too long for a pickle's, and a folder named like one, cost nobody anything", async () => {
  const { run, corpus, folder, mergeAs } = setUp();
  const speaker = "s".repeat(255);
  const names = [
    `b/s1/${"x".repeat(251)}.wav`,
    `b/s1/${"語".repeat(83)}1.wav`,
    "b/s1/u_0.pkl/u_0.wav",
    `b/${speaker}/u.wav`,
    `${"d".repeat(255)}/${speaker}/${"u".repeat(251)}.wav`,
  ];
  for (const [seed, name] of names.entries()) put(join(corpus, name), wav([voice(seed)]));
  const { extracted, outputDir } = await run("a", { saveIndividual: true });
  assert.equal([extracted.embedded, extracted.failures.length], [17, 0]);
  await mergeAs("a");
  const index = JSON.parse(readFileSync(join(folder, "final/embeddings_individual/file_index.json"), "utf8"));
  for (const { key, seconds: _seconds, ...row } of await readEmbeddings(join(folder, "final"), {
    level: "utterance",
  })) {
    assert.ok(existsSync(index.utterances[key]), key);
    assert.equal(readIndividual(join(folder, "final/embeddings_individual"), row), row);
    assert.equal(readIndividual(join(outputDir, "embeddings_individual"), row), row);
  }
  for (const { key, dataset, speakerId } of await readEmbeddings(join(folder, "final"))) {
    assert.ok(existsSync(index.speakers[key]), key);
    assert.ok(readIndividual(join(outputDir, "embeddings_individual"), { dataset, speakerId }));
  }
});

test("files that come and go between the shards' scans leave no gap and no double", async () => {
  const { run, corpus, folder, mergeAs } = setUp();
  const count = 3;
  await run("a", { shard: { index: 0, count } });
  for (let i = 0; i < 6; i++) tinyCorpus(corpus, { [`a_first/s/new_${i}.wav`]: 50 + i });
  await run("a", { shard: { index: 1, count } });
  rmSync(join(corpus, "b/s1"), { recursive: true });
  await run("a", { shard: { index: 2, count } });
  await mergeAs("a");
  const merged = await readEmbeddings(join(folder, "final"), { level: "utterance" });
  assert.is(new Set(merged.map(({ path }) => path)).size, merged.length);
  assert.equal(
    merged.map(({ path }) => path),
    merged.map(({ path }) => path).sort(),
  );
  // What was there all the time is there once, whatever came before it in the list.
  const always = Object.keys(files).filter((file) => !file.startsWith("b/s1"));
  for (const file of always)
    assert.ok(
      merged.some(({ path }) => path === join(corpus, file)),
      file,
    );
  // Another round brings what came later.
  for (let index = 0; index < count; index++) await run("a", { shard: { index, count } });
  const sharded = await mergeAs("a");
  await run("single");
  assert.equal(sharded, await mergeAs("single"));
});

test("an extraction that is stopped goes on where it was", async () => {
  const { run, mergeAs } = setUp(
    Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`d/s${i % 5}/u${i}.wav`, i])),
  );
  const controller = new AbortController();
  const error = await run("a", {
    abortSignal: controller.signal,
    onProgress: (progress) => progress.stage === "extract" && progress.done > 3 && controller.abort(),
  }).then(
    () => undefined,
    (e) => e,
  );
  assert.is(error?.tag ?? "finished", "interrupted");
  assert.match(error.message, /of 60 files stored/);
  const { extracted } = await run("a", { numRanks: 2 });
  assert.ok(extracted.resumed > 0);
  const resumed = await mergeAs("a");
  await run("fresh");
  assert.equal(resumed, await mergeAs("fresh"));
});

test("merging an extraction that is not finished is an error, unless it may be partial", async () => {
  const { run, corpus, folder, modelPath } = setUp();
  const { outputDir } = await run("a");
  const log = join(outputDir, "rank_00/embeddings.log");
  const { truncateSync } = require("node:fs") as typeof import("node:fs");
  truncateSync(log, statSync(log).size - 10);
  const error = await merge(outputDir, { outputDir: join(folder, "f") }).then(
    () => undefined,
    (e) => e,
  );
  assert.match(error.message, /1 of 12 files in .* is still to be embedded/);
  const partial = await merge(outputDir, { outputDir: join(folder, "f"), partial: true });
  assert.equal([partial.numUtterances, partial.missing], [11, 1]);
  await extract(corpus, { outputDir, modelPath, device: "cpu" });
  assert.is((await merge(outputDir, { outputDir: join(folder, "f") })).numUtterances, 12);
});

test("a touched file whose bytes did not change is embedded again", async () => {
  const { run, corpus } = setUp();
  await run("a");
  utimesSync(join(corpus, "b/s1/u_0.wav"), 1800000000, 1800000000);
  assert.is((await run("a")).extracted.resumed, 11);
});

test.run();
