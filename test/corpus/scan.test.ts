import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { layout } from "../../src/corpus/layout.js";
import { scan } from "../../src/corpus/scan.js";
import { packageRoot } from "../../src/util/package-root.js";
import { put, temporaryFolder } from "../tiny.js";

const files = (corpus: Awaited<ReturnType<typeof scan>>) => corpus.utterances.map(({ file }) => file);

test("the bundled corpus has 128 utterances of 24 speakers in 3 data sets", async () => {
  const corpus = await scan(join(packageRoot, "data", "speech"));
  assert.equal(
    layout(corpus).map(({ dataset, speakers, files }) => [dataset, speakers, files]),
    [
      ["podcast", 6, 12],
      ["studio", 8, 16],
      ["test-other", 10, 100],
    ],
  );
  assert.equal(corpus.warnings, []);
  assert.equal(corpus.failures, []);
});

test("utterances come sorted by path with data set, speaker, name, size and key", async () => {
  const root = temporaryFolder();
  for (const file of ["b/s2/z.wav", "a/s1/y.FLAC", "a/s1/deep/er/x.mp3", "a-/s/x.wav", "a/s1/x.opus"])
    put(join(root, file), "1234");
  const corpus = await scan(root);
  assert.equal(files(corpus), [
    "a-/s/x.wav",
    "a/s1/deep/er/x.mp3",
    "a/s1/x.opus",
    "a/s1/y.FLAC",
    "b/s2/z.wav",
  ]);
  const { key, dataset, speakerId, utteranceId, size, path } = corpus.utterances[1]!;
  assert.equal(
    { key, dataset, speakerId, utteranceId, size, path },
    {
      key: "a_s1_deep/er/x",
      dataset: "a",
      speakerId: "s1",
      utteranceId: "deep/er/x",
      size: 4,
      path: join(root, "a/s1/deep/er/x.mp3"),
    },
  );
});

test("dot files, other kinds of files and empty folders are left out", async () => {
  const root = temporaryFolder();
  for (const file of [
    "a/s/x.wav",
    "a/s/._x.wav",
    "a/s/.hidden/y.wav",
    "a/s/x.txt",
    "a/.DS_Store",
    ".git/s/x.wav",
  ])
    put(join(root, file), "1");
  mkdirSync(join(root, "a", "empty"));
  assert.equal(files(await scan(root)), ["a/s/x.wav"]);
});

test("links are followed and loops of links end", async () => {
  const root = temporaryFolder();
  const elsewhere = temporaryFolder();
  put(join(elsewhere, "linked.wav"), "1");
  put(join(root, "a/s/x.wav"), "1");
  symlinkSync("..", join(root, "a/s/up"));
  symlinkSync(elsewhere, join(root, "a/other"));
  symlinkSync(join(elsewhere, "linked.wav"), join(root, "a/s/y.wav"));
  symlinkSync("nowhere.wav", join(root, "a/s/broken.wav"));
  const corpus = await scan(root);
  assert.equal(files(corpus), ["a/other/linked.wav", "a/s/x.wav", "a/s/y.wav"]);
  assert.equal(
    corpus.failures.map(({ path, stage, reason }) => [path, stage, reason]),
    [[join(root, "a/s/broken.wav"), "read", "broken link"]],
  );
});

test("a name that is not UTF-8 is a failure with the escaped spelling", async () => {
  const root = temporaryFolder();
  put(join(root, "a/s/x.wav"), "1");
  writeFileSync(
    Buffer.concat([Buffer.from(join(root, "a/s/caf")), Buffer.from([0xe9]), Buffer.from(".wav")]),
    "1",
  );
  const { failures } = await scan(root);
  assert.equal(
    failures.map(({ utteranceId, reason }) => [utteranceId, reason]),
    [["caf\\xe9", "name is not UTF-8: rename it"]],
  );
});

test("names with quotes, newlines and emoji are names", async () => {
  const root = temporaryFolder();
  put(join(root, 'a/s"1/line\nbreak 🎙.wav'), "1");
  const { utterances } = await scan(root);
  assert.is(utterances[0]!.utteranceId, "line\nbreak 🎙");
  assert.is(utterances[0]!.speakerId, 's"1');
});

test("a data set name with underscores is not taken apart", async () => {
  const root = temporaryFolder();
  put(join(root, "under_score/sp_1/u_1.wav"), "1");
  const { dataset, speakerId, utteranceId, key } = (await scan(root)).utterances[0]!;
  assert.equal(
    [dataset, speakerId, utteranceId, key],
    ["under_score", "sp_1", "u_1", "under_score_sp_1_u_1"],
  );
});

test("two speakers that would share a key are an error that names both, or get a suffix", async () => {
  const root = temporaryFolder();
  put(join(root, "my_set/x/1.wav"), "1");
  put(join(root, "my/set_x/1.wav"), "1");
  await rejects(scan(root), "conflict", [
    "my_set/x/1.wav",
    "my/set_x/1.wav",
    "my_set_x",
    "--on_collision suffix",
  ]);
  const { utterances } = await scan(root, { onCollision: "suffix" });
  assert.equal(
    utterances.map(({ speakerKey, key, dataset }) => [speakerKey, key, dataset]),
    [
      ["my_set_x", "my_set_x_1", "my"],
      ["my_set_x~2", "my_set_x~2_1", "my_set"],
    ],
  );
});

test("a.wav beside a.flac is an error that names both, or gets a suffix", async () => {
  const root = temporaryFolder();
  put(join(root, "d/s/a.wav"), "1");
  put(join(root, "d/s/a.flac"), "1");
  await rejects(scan(root), "conflict", ["a.wav", "a.flac"]);
  const { utterances } = await scan(root, { onCollision: "suffix" });
  assert.equal(
    utterances.map(({ utteranceId, file }) => [utteranceId, file]),
    [
      ["a", "d/s/a.flac"],
      ["a~2", "d/s/a.wav"],
    ],
  );
});

test("a folder one or two levels too low is an error that says so", async () => {
  const root = temporaryFolder();
  put(join(root, "d/s/a.wav"), "1");
  await rejects(scan(join(root, "d")), "missing", ["looks like one data set", "s/a.wav"]);
  await rejects(scan(join(root, "d/s")), "missing", ["looks like one speaker"]);
  await rejects(scan(join(root, "nowhere")), "missing", ["folder"]);
});

test("a folder that may be one level too high, and misplaced files, are warnings", async () => {
  const root = temporaryFolder();
  put(join(root, "corpora/d/s/a.wav"), "1");
  put(join(root, "corpora/d/t/a.wav"), "1");
  const high = await scan(root);
  assert.match(high.warnings.join(), /one level too high, give .*corpora/);
  put(join(root, "corpora/stray.wav"), "1");
  assert.match(
    (await scan(root)).warnings.join(),
    /1 audio files do not lie below a speaker's folder.*corpora\/stray\.wav/,
  );
});

test("a folder that cannot be read is a failure, and the rest is scanned", async () => {
  if (process.getuid?.() === 0) return console.log("SKIPPED unreadable folder: root reads everything");
  const root = temporaryFolder();
  put(join(root, "d/s/a.wav"), "1");
  put(join(root, "d/closed/a.wav"), "1");
  chmodSync(join(root, "d/closed"), 0);
  const corpus = await scan(root);
  assert.equal(files(corpus), ["d/s/a.wav"]);
  assert.match(corpus.failures[0]!.reason, /unreadable folder/);
});

test("a scan can be stopped", async () => {
  const root = temporaryFolder();
  put(join(root, "d/s/a.wav"), "1");
  await rejects(scan(root, { abortSignal: AbortSignal.abort() }), "interrupted", []);
});

async function rejects(promise: Promise<unknown>, tag: string, parts: string[]): Promise<void> {
  try {
    await promise;
  } catch (error) {
    assert.is((error as { tag: string }).tag, tag);
    for (const part of parts)
      assert.ok((error as Error).message.includes(part), `${(error as Error).message} lacks ${part}`);
    return;
  }
  assert.unreachable("no error");
}

test.run();
