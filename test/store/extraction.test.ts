import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  failuresOf,
  partFolder,
  rankLogPath,
  readCorpusLists,
  readExtraction,
  type Stored,
  shardOfFile,
  writeCorpusList,
} from "../../src/store/extraction.js";
import { openLog } from "../../src/store/record-log.js";
import type { Utterance } from "../../src/types.js";
import { put, temporaryFolder } from "../tiny.js";

const utterance = (name: string): Utterance => ({
  key: `d_s_${name}`,
  speakerKey: "d_s",
  dataset: "d",
  speakerId: "s",
  utteranceId: name,
  file: `d/s/${name}.wav`,
  path: `/corpus/d/s/${name}.wav`,
  size: 10,
  mtimeMs: 1,
});

/** What became of one file, from the logs of ranks as lists of outcomes: `ok` or a reason, and when. */
async function outcome(ranks: Record<number, [result: string, at?: number][]>): Promise<string> {
  const folder = temporaryFolder();
  for (const [rank, records] of Object.entries(ranks)) {
    const path = rankLogPath(folder, Number(rank));
    mkdirSync(dirname(path), { recursive: true });
    const log = openLog(path, 0);
    log.append({ identity: {}, device: "cpu" });
    for (const [result, at] of records) {
      const known = { file: "d/s/a.wav", size: 10, mtimeMs: 1, ...(at === undefined ? {} : { at }) };
      if (result === "ok") log.append({ ...known, seconds: 1 } satisfies Stored, Float32Array.of(1));
      else log.append({ ...known, stage: "read", reason: result } satisfies Stored);
    }
    log.close();
  }
  const list = { root: "/corpus", utterances: [utterance("a")], failures: [] };
  const extraction = await readExtraction(folder, list);
  return failuresOf(extraction)[0]?.reason ?? (extraction.outcomes[0] === undefined ? "unknown" : "ok");
}

test("for equal bytes a success counts more than a failure, whichever rank had it and when", async () => {
  assert.is(await outcome({ 0: [["ok", 200]], 3: [["gone", 100]] }), "ok");
  assert.is(await outcome({ 0: [["ok", 100]], 3: [["gone", 200]] }), "ok");
  assert.is(await outcome({ 0: [["gone", 200]], 3: [["ok", 100]] }), "ok");
  assert.is(
    await outcome({
      1: [
        ["ok", 100],
        ["gone", 200],
      ],
    }),
    "ok",
  );
});

test("of two failures the newer counts, whatever the rank", async () => {
  assert.is(await outcome({ 0: [["newer", 200]], 3: [["older", 100]] }), "newer");
  assert.is(await outcome({ 0: [["older", 100]], 3: [["newer", 200]] }), "newer");
});

test("records without a time, as version 0.1 wrote them, are as old as those before them", async () => {
  assert.is(await outcome({ 0: [["first"], ["last"]] }), "last");
  assert.is(await outcome({ 0: [["gone"], ["ok"]] }), "ok");
  assert.is(await outcome({ 0: [["newer", 200]], 3: [["older", 100], ["between"]] }), "newer");
});

test("the path of a file names its shard: the first 32 bits of its SHA-256", () => {
  // python3: int(hashlib.sha256(b"d/s/a.wav").hexdigest()[:8], 16) * count >> 32
  assert.equal(
    ["d/s/a.wav", "d/s/b.wav", "dänisch/s/ø.wav"].map((file) =>
      [2, 16, 1000].map((n) => shardOfFile(file, n)),
    ),
    [
      [1, 15, 991],
      [0, 0, 44],
      [1, 15, 974],
    ],
  );
});

test("shards are about equal", () => {
  const counts = new Array<number>(16).fill(0);
  for (let i = 0; i < 32_000; i++) counts[shardOfFile(`data/speaker${i % 97}/utterance_${i}.wav`, 16)]!++;
  assert.ok(Math.min(...counts) > 1850 && Math.max(...counts) < 2150, String(counts));
});

test("the lists of shards are one list in the order of paths; old ones that were cut by position do not count", async () => {
  const folder = temporaryFolder();
  const write = (index: number, names: string[], named = true) => {
    const shard = { index, count: 3 };
    const list = { root: "/corpus", utterances: names.map(utterance), failures: [] };
    return writeCorpusList(partFolder(folder, shard), list, named ? shard : undefined);
  };
  await write(0, ["a", "d"]);
  await write(2, ["b", "c"]);
  await write(1, ["a", "e"], false);
  const lists = await readCorpusLists(folder);
  assert.equal(
    lists?.utterances.map(({ utteranceId }) => utteranceId),
    ["a", "b", "c", "d"],
  );
  assert.equal(lists?.absent, [{ index: 1, count: 3 }]);
  await write(1, ["e"]);
  assert.equal((await readCorpusLists(folder))?.absent, []);
  await write(1, ["c"]);
  const error = await readCorpusLists(folder).catch((e) => e);
  assert.match(error.message, /Two files have the key "d_s_c"/);
});

test("a folder that only looks like that of a shard is none", async () => {
  const folder = temporaryFolder();
  await writeCorpusList(folder, { root: "/corpus", utterances: [utterance("a")], failures: [] });
  for (const name of [
    "shard_0_of_50000000",
    "shard_00000_of_50000000",
    "shard_00007_of_00003",
    "shard_1_of_2",
  ])
    put(join(folder, name, "corpus.jsonl"), '{"root":"/other"}\n');
  const lists = await readCorpusLists(folder);
  assert.equal([lists?.root, lists?.absent.length], ["/corpus", 0]);
});

test.run();
