import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { openParquet } from "../../src/corpus/sources/parquet.js";
import { writePickle } from "../../src/format/pickle.js";
import { exportEmbeddings } from "../../src/store/export-embeddings.js";
import { readVectors } from "../../src/store/read-vectors.js";
import { python, runPython } from "../python.js";
import { put, temporaryFolder } from "../tiny.js";

const folder = temporaryFolder();
const vectors: [string, Float32Array][] = [
  ["d_é_u1", Float32Array.of(0.1, -2, 3)],
  ["d_é_u2", Float32Array.of(4, 5, 1e-8)],
];
put(
  join(folder, "utterance_embeddings.pkl"),
  writePickle(
    Object.fromEntries(
      vectors.map(([key, embedding]) => [
        key,
        { embedding, dataset: "d", speaker_id: "é", utterance_id: key.slice(4), path: "a.wav" },
      ]),
    ),
  ),
);
put(
  join(folder, "speaker_embeddings.pkl"),
  writePickle(
    Object.fromEntries([
      ["d_é", { embedding: Float32Array.of(1, 2, 3), dataset: "d", speaker_id: "é", num_utterances: 2 }],
    ]),
  ),
);
const to = (name: string) => join(folder, "out", name);

/** A small reader of Kaldi's archives, by their .scp. */
const readScp = (path: string): [string, Float32Array][] =>
  readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => {
      const [, key, ark, offset] = /^(\S+) (\S+):(\d+)$/.exec(line)!;
      const bytes = readFileSync(ark!).subarray(Number(offset));
      assert.is(bytes.toString("latin1", 0, 6), "\0BFV \x04");
      const n = bytes.readInt32LE(6);
      return [key!, Float32Array.from({ length: n }, (_, i) => bytes.readFloatLE(10 + 4 * i))];
    });

test("Parquet has the embeddings as lists beside their names", async () => {
  await exportEmbeddings(folder, to("e.parquet"));
  const file = await openParquet(to("e.parquet"));
  const rows = await file.read({ metadata: file.metadata, rowStart: 0, rowEnd: 2 });
  file.close();
  assert.equal(
    rows.map(({ key, embedding }) => [key, Float32Array.from(embedding as number[])]),
    vectors,
  );
  assert.is(rows[0]!.speakerId, "é");
});

test("a Kaldi archive has the utterances, and spk_ the speakers", async () => {
  const files = await exportEmbeddings(folder, to("xvector.ark"));
  assert.equal(files, ["xvector.ark", "xvector.scp", "spk_xvector.ark", "spk_xvector.scp"].map(to));
  assert.equal(readScp(to("xvector.scp")), vectors);
  assert.equal(readScp(to("spk_xvector.scp")), [["d_é", Float32Array.of(1, 2, 3)]]);
  assert.equal(await exportEmbeddings(folder, to("s.ark"), { level: "speaker" }), [to("s.ark"), to("s.scp")]);
});

test("a .npz is read back here and by numpy", async () => {
  await exportEmbeddings(folder, to("e.npz"));
  const { rows, info } = await readVectors(to("e.npz"));
  assert.equal(
    (rows as { key: string; embedding: Float32Array }[]).map(({ embedding }, i) => [info[i]!.key, embedding]),
    vectors,
  );
  assert.equal(
    info.map(({ dataset, speakerId }) => [dataset, speakerId]),
    vectors.map(() => ["d", "é"]),
  );
  if (python === null) return console.log("SKIPPED numpy reads .npz: no Python with numpy");
  const code =
    "import sys, json, numpy as np; f = np.load(sys.argv[1]); print(json.dumps([f['keys'].tolist(), f['speakers'].tolist(), f['embeddings'].tolist(), str(f['embeddings'].dtype)]))";
  assert.equal(JSON.parse(runPython(code, [to("e.npz")])), [
    vectors.map(([key]) => key),
    ["é", "é"],
    vectors.map(([, vector]) => Array.from(vector)),
    "float32",
  ]);
});

test("pyarrow and kaldiio read the same", async () => {
  const own = process.env.SPEAKERSCOPE_TEST_PYTHON ?? python;
  const has = (name: string) => own !== null && spawnSync(own, ["-c", `import ${name}`]).status === 0;
  if (!has("pyarrow") || !has("kaldiio"))
    return console.log(
      "SKIPPED pyarrow and kaldiio read exports: SPEAKERSCOPE_TEST_PYTHON has no such packages",
    );
  await exportEmbeddings(folder, to("p.parquet"));
  await exportEmbeddings(folder, to("p.ark"));
  const code = `
import sys, json, kaldiio, pyarrow.parquet as pq
t = pq.read_table(sys.argv[1])
k = kaldiio.load_scp(sys.argv[2])
print(json.dumps([str(t.schema.field("embedding").type), t["embedding"].to_pylist(), {n: k[n].tolist() for n in k}]))`;
  const { stdout, stderr } = spawnSync(own!, ["-c", code, to("p.parquet"), to("p.scp")], {
    encoding: "utf8",
  });
  assert.is(stderr, "");
  const [type, lists, byKey] = JSON.parse(stdout);
  assert.match(type, /list<\w+: float/);
  assert.equal(
    lists,
    vectors.map(([, vector]) => Array.from(vector)),
  );
  assert.equal(byKey, Object.fromEntries(vectors.map(([key, vector]) => [key, Array.from(vector)])));
});

test("names that a format cannot hold, and other endings, are refused", async () => {
  const other = temporaryFolder();
  const row = {
    embedding: Float32Array.of(1),
    dataset: "d",
    speaker_id: "a b",
    utterance_id: "u",
    path: "a",
  };
  put(join(other, "utterance_embeddings.pkl"), writePickle(Object.fromEntries([["d_a b_u", row]])));
  const message = (name: string) =>
    exportEmbeddings(other, to(name), { level: "utterance" }).then(
      () => "",
      (error: Error) => error.message,
    );
  assert.match(await message("x.ark"), /"d_a b_u" is empty or has white space/);
  assert.match(await message("x.h5"), /does not end in \.parquet, \.ark, \.npz/);
});

test.run();
