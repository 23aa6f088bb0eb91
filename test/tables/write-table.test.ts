import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { openParquet } from "../../src/corpus/sources/parquet.js";
import { writeTable } from "../../src/tables/write-table.js";
import { temporaryFolder } from "../tiny.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const rows = [
  { key: "=1+1", similarity: -0.5, isTarget: true, embedding: Float32Array.of(0.1, 2) },
  { key: 'é, "x"', similarity: 2, isTarget: false, embedding: Float32Array.of(-1, 0), session: "s" },
];

test("a CSV file makes text that looks like a formula harmless, and leaves numbers", async () => {
  await writeTable(rows, at("a.csv"));
  assert.is(
    readFileSync(at("a.csv"), "utf8"),
    'key,similarity,isTarget,embedding,session\n\'=1+1,-0.5,true,"[0.10000000149011612,2]",\n"é, ""x""",2,false,"[-1,0]",s\n',
  );
  await writeTable(
    ["+1", "-1", "@a", "\tx", "\rx", "a=b"].map((text) => ({ text })),
    at("b.tsv"),
  );
  assert.is(readFileSync(at("b.tsv"), "utf8"), "text\n'+1\n'-1\n'@a\n\"'\tx\"\n\"'\rx\"\na=b\n");
});

test("a JSONL file has every row with the same fields and text as it is", async () => {
  await writeTable(rows, at("a.jsonl"));
  const [first] = readFileSync(at("a.jsonl"), "utf8").split("\n");
  assert.equal(JSON.parse(first!).key, "=1+1");
  assert.equal(JSON.parse(first!).embedding, [Math.fround(0.1), 2]);
});

test("a Parquet file has typed columns, lists of float32 and nulls", async () => {
  await writeTable(rows, at("a.parquet"));
  const file = await openParquet(at("a.parquet"));
  const read = await file.read({ metadata: file.metadata, rowStart: 0, rowEnd: 2 });
  file.close();
  assert.equal(
    read,
    rows.map((row) => ({ ...row, embedding: Array.from(row.embedding), session: row.session ?? null })),
  );
});

test("a Parquet file holds bigints as int64, and lists of text though the first is empty", async () => {
  await writeTable(
    [
      { id: 2n ** 63n - 1n, count: 1, share: 3n, names: [] },
      { id: -1n, count: 2n, share: 0.5, names: ["a"] },
      { id: null, count: 3, share: 1, names: [] },
    ],
    at("long.parquet"),
  );
  const file = await openParquet(at("long.parquet"));
  const read = await file.read({ metadata: file.metadata, rowStart: 0, rowEnd: 3 });
  file.close();
  assert.equal(read, [
    { id: 2n ** 63n - 1n, count: 1n, share: 3, names: [] },
    { id: -1n, count: 2n, share: 0.5, names: ["a"] },
    { id: null, count: 3n, share: 1, names: [] },
  ]);
});

test("a table of one column has a line for an empty cell, which pandas would else leave out", async () => {
  await writeTable([{ a: "x" }, { a: null }, { a: Number.NaN }], at("one.csv"));
  assert.is(readFileSync(at("one.csv"), "utf8"), 'a\nx\n""\n""\n');
});

test("rows that come one by one are written in groups", async () => {
  const many = function* () {
    for (let i = 0; i < 12_000; i++) yield { i, name: `n${i}` };
  };
  await writeTable(many(), at("many.parquet"));
  const file = await openParquet(at("many.parquet"));
  const read = await file.read({ metadata: file.metadata, rowStart: 11_999, rowEnd: 12_000 });
  file.close();
  assert.is(file.metadata.row_groups.length, 3);
  assert.equal(read, [{ i: 11_999, name: "n11999" }]);
});

test("what cannot be written is said in a sentence", async () => {
  const failure = (rows: object[], name: string) =>
    writeTable(rows, at(name)).then(
      () => "",
      (error: Error) => error.message,
    );
  assert.match(await failure(rows, "a.xlsx"), /a\.xlsx does not end in \.csv, \.tsv, \.jsonl or \.parquet/);
  assert.match(
    await failure([{ a: 1 }, { a: "x" }], "a.parquet"),
    /column "a" holds "x" beside values of another type/,
  );
  assert.match(await failure([], "a.parquet"), /Give the columns/);
  assert.match(await failure([{ a: 2n ** 63n }], "a.parquet"), /9223372036854775808, which no 64 bits hold/);
  assert.match(
    await failure([{ a: 2n ** 60n }, { a: 0.5 }], "a.parquet"),
    /holds 1152921504606846976 beside values of another type/,
  );
});

test.run();
