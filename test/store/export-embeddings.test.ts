import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { openParquet } from "../../src/corpus/sources/parquet.js";
import { writePickle } from "../../src/format/write-pickle.js";
import { exportEmbeddings } from "../../src/store/export-embeddings.js";
import { readVectors } from "../../src/store/read-vectors.js";
import { writeTable } from "../../src/tables/write-table.js";
import { python, runPython } from "../python.js";
import { contentsOf, put, temporaryFolder } from "../tiny.js";

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

test("a table of utterances has their session, seconds and fields, each of one type", async () => {
  const other = temporaryFolder();
  const row = (n: number, speaker: string | null) => ({
    embedding: Float32Array.of(n, 1),
    dataset: "=d",
    speaker_id: speaker,
    utterance_id: String(n),
    path: `${n}.wav`,
  });
  put(
    join(other, "utterance_embeddings.pkl"),
    writePickle(Object.fromEntries([["=d_1", row(1, "@s")] as const, ["+d_2", row(2, null)] as const])),
  );
  put(
    join(other, "utterances.jsonl"),
    `${JSON.stringify({ key: "=d_1", seconds: 1, fields: { text: "é", n: 1, path: "p", mixed: 1, age: 2 ** 40 } })}\n` +
      `${JSON.stringify({ key: "+d_2", seconds: 2.5, session: "v", fields: { n: 0.5, ok: true, mixed: ["a"] } })}\n`,
  );
  await exportEmbeddings(other, to("facts.parquet"));
  const file = await openParquet(to("facts.parquet"));
  const rows = await file.read({ metadata: file.metadata, rowStart: 0, rowEnd: 2 });
  file.close();
  const names =
    "key dataset speakerId utteranceId path session seconds text n field_path mixed age ok embedding";
  assert.equal(Object.keys(rows[0]!), names.split(" "));
  assert.equal(
    rows.map((row) => [
      row.session,
      row.seconds,
      row.n,
      row.mixed,
      row.age,
      row.field_path,
      row.ok,
      row.speakerId,
    ]),
    [
      [null, 1, 1, "1", 2n ** 40n, "p", null, "@s"],
      ["v", 2.5, 0.5, '["a"]', null, null, true, null],
    ],
  );
  // Names that a spreadsheet would take for formulas are the same on reading back, but for CSV and TSV.
  for (const name of ["facts.parquet", "facts.npz", "facts.ark"]) {
    await exportEmbeddings(other, to(name), { level: "utterance" });
    const { rows, info } = await readVectors(to(name));
    assert.equal(
      info.map(({ key }) => key),
      ["=d_1", "+d_2"],
    );
    assert.equal((rows as { embedding: Float32Array }[])[1]!.embedding, Float32Array.of(2, 1));
  }
  const { info } = await readVectors(to("facts.parquet"));
  assert.equal(
    info.map(({ dataset, speakerId }) => [dataset, speakerId]),
    [
      ["=d", "@s"],
      ["=d", ""],
    ],
  );
  put(join(other, "utterances.jsonl"), `${JSON.stringify({ key: "x", seconds: 1 })}\n`);
  await exportEmbeddings(other, to("stale.csv")).then(
    () => assert.unreachable(),
    (error: Error) => assert.match(error.message, /lists "x" where the embeddings have "=d_1"\. Merge again/),
  );
});

test("a Kaldi archive has the utterances, and spk_ the speakers", async () => {
  const files = await exportEmbeddings(folder, to("xvector.ark"));
  assert.equal(files, ["xvector.ark", "xvector.scp", "spk_xvector.ark", "spk_xvector.scp"].map(to));
  assert.equal(readScp(to("xvector.scp")), vectors);
  assert.equal(readScp(to("spk_xvector.scp")), [["d_é", Float32Array.of(1, 2, 3)]]);
  for (const name of ["xvector.ark", "xvector.scp"]) {
    const { rows } = await readVectors(to(name));
    assert.equal(
      (rows as { key: string; embedding: Float32Array }[]).map(({ key, embedding }) => [key, embedding]),
      vectors,
    );
  }
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

test("every reader that the README names in Python reads its file", async () => {
  const readme = readFileSync(join(__dirname, "../../README.md"), "utf8");
  const rows = [...readme.matchAll(/^\| `npx speakerscope export --out (\S+)` \| (.*) \|$/gm)];
  assert.equal(
    rows.map(([, name]) => name),
    ["embeddings.parquet", "xvector.ark", "embeddings.npz"],
  );
  const readers = rows.flatMap(([, name, cell]) =>
    [...cell!.matchAll(/`((?:pd|kaldiio|np)\.[^`]+)`/g)].map(([, code]) => ({ name: name!, code: code! })),
  );
  assert.is(readers.length, 4);
  const own = process.env.SPEAKERSCOPE_TEST_PYTHON ?? python;
  for (const { name } of readers) await exportEmbeddings(folder, to(name));
  for (const { name, code } of readers) {
    const imports = { pd: "pandas as pd, pyarrow", np: "numpy as np", kaldiio: "kaldiio" }[
      /^\w+/.exec(code)![0]
    ];
    if (own === null || spawnSync(own, ["-c", `import ${imports}`]).status !== 0) {
      console.log(`SKIPPED ${code} reads ${name}: Python has no ${imports}`);
      continue;
    }
    const check = `import ${imports}\nread = ${code}\nprint(len(read))`;
    const { stdout, stderr } = spawnSync(own, ["-c", check], { encoding: "utf8", cwd: to("") });
    assert.equal([stdout.trim(), stderr], [code.includes("spk_") ? "1" : "2", ""], code);
  }
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

test("what was exported is not exported again, and a table without rows has nothing to compare", async () => {
  const parquet = join(folder, "once.parquet");
  await exportEmbeddings(folder, parquet);
  const again = exportEmbeddings(parquet, join(folder, "twice.npz")).then(() => "no error", String);
  assert.match(
    await again,
    /once\.parquet is an export already, or vectors\. Give the folder that merging wrote/,
  );
  await writeTable([], join(folder, "none.parquet"), { columns: ["key", "embedding"] });
  const none = readVectors(join(folder, "none.parquet")).then(() => "no error", String);
  assert.match(await none, /none\.parquet has no rows/);
});

test("an archive and its list are exchanged together, or not at all", async () => {
  const to = join(folder, "whole", "x.ark");
  await exportEmbeddings(folder, to);
  const before = contentsOf(join(folder, "whole"));
  const other = join(folder, "other");
  const row = {
    dataset: "d",
    speaker_id: "s",
    utterance_id: "u",
    path: "a.wav",
    embedding: Float32Array.of(9),
  };
  put(join(other, "utterance_embeddings.pkl"), writePickle({ d_s_u: row }));
  // There are no speakers, so the second archive cannot be written.
  await exportEmbeddings(other, to).then(
    () => assert.unreachable(),
    () => {},
  );
  assert.equal(contentsOf(join(folder, "whole")), before);
});

test.run();
