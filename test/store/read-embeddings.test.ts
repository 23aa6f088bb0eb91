import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { pickleDict, writePickle } from "../../src/format/write-pickle.js";
import { readEmbeddings, readIndividual } from "../../src/store/read-embeddings.js";
import { put, temporaryFolder } from "../tiny.js";

const folder = temporaryFolder();
const origin = join(__dirname, "../fixtures/origin");
const row = { embedding: Float32Array.of(1, 2), dataset: "d", speaker_id: "s", num_utterances: 3 };

async function failureOf(action: () => Promise<unknown> | unknown): Promise<string> {
  try {
    await action();
  } catch (error) {
    assert.is((error as Error).name, "ScopeError", String((error as Error).stack));
    return (error as Error).message;
  }
  throw new Error("nothing was thrown");
}

/** The message with which a pickle of this value is refused, read as embeddings. */
const refused = (value: unknown) =>
  failureOf(() =>
    readEmbeddings(put(join(folder, "x.pkl"), value instanceof Uint8Array ? value : writePickle(value))),
  );

/** Bytes from the text of a pickle, one character a byte. */
const bytes = (text: string) => Buffer.from(text, "latin1");

test("the embeddings of the Python pipeline are read, of speakers and of utterances", async () => {
  assert.is((await readEmbeddings(origin)).length, 10);
  assert.is((await readEmbeddings(origin, { level: "utterance" })).length, 100);
});

test("float64 and a leading axis of one are read as what they are", async () => {
  const values = {
    a: { ...row, embedding: Float64Array.of(1, 2) },
    b: { ...row, embedding: { data: Float32Array.of(1, 2), shape: [1, 2] } },
  };
  const read = await readEmbeddings(put(join(folder, "x.pkl"), writePickle(values)));
  assert.equal(
    read.map(({ embedding }) => [...embedding]),
    [
      [1, 2],
      [1, 2],
    ],
  );
});

test("a count that is missing, negative, fractional, huge or no number is an error that names it", async () => {
  const { num_utterances: _, ...missing } = row;
  assert.match(await refused({ k: missing }), /x\.pkl has no "num_utterances"/);
  for (const count of [-1, 0, 1.5, 10n ** 600n, "3", null, [3], true])
    assert.match(
      await refused({ k: { ...row, num_utterances: count } }),
      /"num_utterances" in .*x\.pkl is /,
      String(count).slice(0, 20),
    );
});

test("rows, names and vectors of other types are errors that name the file", async () => {
  for (const value of [null, 3, 10n ** 600n, "text", [1], new Map([[1, 2]]), Float32Array.of(1)]) {
    assert.match(await refused(value), /x\.pkl/);
    assert.match(await refused({ k: value }), /x\.pkl/);
    assert.match(
      await refused({ k: { ...row, dataset: value === "text" ? 3 : value } }),
      /"dataset" in .*x\.pkl/,
    );
    if (!(value instanceof Float32Array))
      assert.match(await refused({ k: { ...row, embedding: value } }), /"embedding" in .*x\.pkl/);
  }
  for (const array of [
    { data: new Float32Array(4), shape: [2, 2] },
    { data: new Float32Array(0), shape: [0] },
    { data: new Float32Array(1), shape: [] },
    Int32Array.of(1),
  ])
    assert.match(await refused({ k: { ...row, embedding: array } }), /"embedding" in .*x\.pkl/);
});

test("keys that are no text, and a key twice, are errors", async () => {
  assert.match(
    await refused(
      new Map<unknown, unknown>([
        ["k", row],
        [1, row],
      ]),
    ),
    /x\.pkl/,
  );
  const chunks: Uint8Array[] = [];
  for await (const chunk of pickleDict([
    ["k", row],
    ["k", row],
  ]))
    chunks.push(chunk);
  assert.match(await refused(Buffer.concat(chunks)), /Key "k" is twice in .*x\.pkl/);
});

test("a name that is a tree of references is refused at once", async () => {
  let tree = "\x80\x04}(\x8c\x01k}(\x8c\x07dataset\x8c\x03lolq\x00";
  for (let n = 0; n < 60; n++)
    tree += `h${String.fromCharCode(n)}h${String.fromCharCode(n)}\x86q${String.fromCharCode(n + 1)}`;
  assert.match(await refused(bytes(`${tree}uu.`)), /x\.pkl/);
});

test("individual files are checked alike", async () => {
  const put1 = (value: unknown) => put(join(folder, "speakers/d/s.pkl"), writePickle(value));
  const read = () => readIndividual(folder, { dataset: "d", speakerId: "s" });
  put1({ embedding: row.embedding, info: row });
  assert.is(read().numUtterances, 3);
  for (const value of [
    null,
    3,
    [1],
    { embedding: row.embedding },
    { info: row },
    { embedding: row.embedding, info: null },
  ]) {
    put1(value);
    assert.match(await failureOf(read), /s\.pkl/);
  }
  assert.match(
    await failureOf(() => readIndividual(folder, { dataset: "d", speakerId: "nobody" })),
    /nobody\.pkl is missing/,
  );
  mkdirSync(join(folder, "speakers/d/folder.pkl"));
  assert.match(
    await failureOf(() => readIndividual(folder, { dataset: "d", speakerId: "folder" })),
    /folder\.pkl is a folder/,
  );
});

test("what is no file is an error at once", async () => {
  assert.match(await failureOf(() => readEmbeddings("/dev/zero")), /\/dev\/zero is not a file/);
  assert.match(await failureOf(() => readEmbeddings(join(folder, "nowhere"))), /nowhere does not exist/);
});

test.run();
