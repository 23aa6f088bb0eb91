import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { writePickle } from "../../src/format/write-pickle.js";
import { merge } from "../../src/merge/merge.js";
import { readEmbeddings } from "../../src/store/read-embeddings.js";
import { put, temporaryFolder } from "../tiny.js";

const root = temporaryFolder();
let count = 0;

interface Row {
  embedding?: unknown;
  dataset?: unknown;
  speaker_id?: unknown;
  utterance_id?: unknown;
  path?: unknown;
}

const row = (dataset: unknown, speaker_id: unknown, utterance_id: unknown, more: Row = {}) => ({
  embedding: Float32Array.of(1, 2, 3),
  dataset,
  speaker_id,
  utterance_id,
  path: `/audio/${dataset}/${speaker_id}/${utterance_id}.wav`,
  ...more,
});

/** Merges rank folders of these pickled values, as the Python pipeline leaves them. */
function mergeRanks(...ranks: unknown[]) {
  const folder = join(root, String(count++));
  ranks.forEach((value, rank) => {
    const bytes = value instanceof Uint8Array ? value : writePickle(value);
    put(join(folder, `rank_0${rank}`, "utterance_embeddings.pkl"), bytes);
  });
  return merge(folder, { outputDir: join(folder, "final") });
}

/** Asserts that it fails with a message that says all of this. */
async function fails(merging: Promise<unknown>, ...patterns: RegExp[]): Promise<void> {
  const error = await merging.then(
    () => undefined,
    (thrown: Error) => thrown,
  );
  assert.is(error?.name, "ScopeError", String(error?.stack));
  for (const pattern of patterns) assert.match(error!.message, pattern);
}

test("ranks of the Python pipeline are merged, a speaker over two ranks as one", async () => {
  const { speakers, numUtterances } = await mergeRanks(
    { d_s_1: row("d", "s", "1"), d_t_1: row("d", "t", "1", { embedding: Float64Array.of(1, 1, 1) }) },
    { d_s_2: row("d", "s", "2", { embedding: Float32Array.of(3, 2, 1) }) },
  );
  assert.is(numUtterances, 3);
  assert.equal(
    speakers.map(({ key, numUtterances }) => [key, numUtterances]),
    [
      ["d_s", 2],
      ["d_t", 1],
    ],
  );
  assert.equal([...speakers[0]!.embedding], [2, 2, 2]);
});

test("two speakers whose keys are the same are an error that names both", async () => {
  await fails(
    mergeRanks({ a_b_c_1: row("a_b", "c", "1") }, { a_b_c_2: row("a", "b_c", "2") }),
    /"a_b_c".*two speakers, \["a_b","c"\].*rank_00.*\["a","b_c"\].*rank_01/,
  );
});

test("two rows of one key, or of one name, are an error that names both", async () => {
  await fails(
    mergeRanks({ k: row("d", "s", "1") }, { k: row("d", "s", "2") }),
    /key "k" is both .*1\.wav in .*rank_00.* and .*2\.wav in .*rank_01/,
  );
  await fails(mergeRanks({ k: row("d", "s", "1"), l: row("d", "s", "1") }), /name .* is both/);
});

test("embeddings of different lengths, or that are not finite, are an error", async () => {
  const short = row("d", "s", "2", { embedding: Float32Array.of(1, 2) });
  await fails(mergeRanks({ k: row("d", "s", "1") }, { l: short }), /2 numbers.*rank_00.* 3\./);
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY])
    await fails(
      mergeRanks({ k: row("d", "s", "1", { embedding: Float32Array.of(1, value, 0) }) }),
      /NaN or infinity.*"k"/,
    );
  for (const embedding of [
    Int32Array.of(1, 2, 3),
    new Float32Array(0),
    { data: new Float32Array(4), shape: [2, 2] },
    "text",
    null,
  ])
    await fails(mergeRanks({ k: { ...row("d", "s", "1"), embedding } }), /embedding/);
});

test("keys and fields of other types are errors that name the file", async () => {
  await fails(mergeRanks(new Map([[1, row("d", "s", "1")]])), /rank_00/, /key/);
  await fails(
    mergeRanks(
      new Map<unknown, unknown>([
        ["k", row("d", "s", "1")],
        [null, 1],
      ]),
    ),
    /rank_00/,
    /key/,
  );
  for (const value of [null, 3, "text", [1], { a: 1 }, new Map([[1, 2]]), Float32Array.of(1), 10n ** 40n])
    await fails(mergeRanks({ k: value }), /rank_00/);
  for (const value of [[1], 3, null, [], "dict"]) await fails(mergeRanks(value), /rank_00/);
  // None is a speaker that nobody knows.
  for (const name of ["dataset", "speaker_id", "utterance_id", "path"])
    for (const value of [null, 3, 10n ** 40n, ["x"], { __proto__: null, a: "b" }])
      if (name !== "speaker_id" || value !== null)
        await fails(mergeRanks({ k: { ...row("d", "s", "1"), [name]: value } }), new RegExp(name), /rank_00/);
  for (const name of ["dataset", "speaker_id", "utterance_id"])
    await fails(mergeRanks({ k: { ...row("d", "s", "1"), [name]: "" } }), new RegExp(`${name} .*empty`));
  await fails(mergeRanks({ k: row("..", "..", "..") }), /leads out of/);
});

test("ranks that hold no embedding are an error, not an empty result", async () => {
  await fails(mergeRanks({}, {}), /holds no embeddings of ranks/);
});

test("a key __proto__ is a key like any other", async () => {
  const { speakers } = await mergeRanks(
    new Map([
      ["__proto__", row("__proto__", "constructor", "toString")],
      ["k", row("d", "s", "1")],
    ]),
  );
  assert.equal(speakers.map(({ key }) => key).sort(), ["__proto___constructor", "d_s"]);
  const read = await readEmbeddings(join(root, String(count - 1), "final"), { level: "utterance" });
  assert.equal(read.map(({ key }) => key).sort(), ["__proto__", "k"]);
});

test("a pickle that is cut off is an error before anything is merged", async () => {
  const bytes = readFileSync(join(__dirname, "../fixtures/origin/utterance_embeddings.pkl"));
  await fails(mergeRanks(bytes.subarray(0, 5000)), /rank_00/, /cut off/);
  assert.is((await mergeRanks(bytes)).numUtterances, 100);
});

test.run();
