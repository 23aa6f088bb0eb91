import { deepStrictEqual } from "node:assert";
import { inspect } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { format } from "../../kernels/speakerscope/display/format.js";
import { showAs, showRows, showVector } from "../../src/show/show-as.js";

const plain = () => ({
  name: "<b>ann",
  rows: Array.from({ length: 300 }, (_, i) => ({ key: `k${i}`, score: i / 7 })),
});
const shown = () =>
  showAs(plain(), ({ name, rows }) => ({
    title: `Rows of ${name}`,
    parts: ["", "a line", { rows, noun: "scores" }],
  }));
const bundle = async (value: unknown) => (await format(value, false)) as Record<string, string>;

test("a result shows itself in the terminal, whole by itself and in one line within another value", () => {
  const text = inspect(shown());
  assert.match(text, /^Rows of <b>ann\na line\n {2}key {2}score\n/);
  assert.match(text, "the first 10 of 300 scores");
  assert.ok(text.split("\n").length <= 25);
  assert.is(inspect([shown()]), "[ Rows of <b>ann ]");
  assert.is(inspect({ shown: shown() }, { depth: 4 }), "{ shown: Rows of <b>ann }");
  assert.is(inspect(shown(), { depth: 1 }), "Rows of <b>ann");
});

test("a result shows itself in a cell by the same text, and as HTML in which names are text", async () => {
  const { "text/plain": text, "text/html": html } = await bundle(shown());
  assert.is(text, inspect(shown()));
  assert.match(html!, "Rows of &lt;b&gt;ann");
  assert.match(html!, '<td style="text-align:left">k9</td><td>1.286</td>');
  assert.not.match(html!, "<b>");
  assert.is((await bundle({ shown: shown() }))["text/plain"], "{ shown: Rows of <b>ann }");
  const table = await bundle([{ at: 1, shown: shown() }]);
  assert.match(table["text/html"], ">Rows of &lt;b&gt;ann</td>");
});

test("it stays plain data: copies, JSON, keys and comparisons do not see what was added", () => {
  const result = shown();
  assert.equal(result, plain());
  deepStrictEqual(result, plain());
  deepStrictEqual(structuredClone(result), plain());
  assert.is(JSON.stringify(result), JSON.stringify(plain()));
  assert.equal(Object.getOwnPropertySymbols({ ...result }), []);
  assert.equal(
    Reflect.ownKeys(result).filter((key) => typeof key === "string"),
    ["name", "rows"],
  );
  const list = showRows([{ a: 1 }], "row");
  deepStrictEqual(list, [{ a: 1 }]);
  assert.equal(list, [{ a: 1 }]);
  assert.equal(Object.keys(list), ["0"]);
  deepStrictEqual([...list], [{ a: 1 }]);
  deepStrictEqual(showVector(new Float32Array(3)), new Float32Array(3));
});

test("a list is a table of its first rows, and shows what it holds now", () => {
  const list = showRows(plain().rows, "score");
  assert.match(inspect(list), /^300 scores\n/);
  list.length = 1;
  assert.is(inspect(list), "1 score\n  key  score\n  ----------\n  k0       0");
  list.length = 0;
  assert.is(inspect(list), "0 scores");
});

test("a result that was changed beyond recognition is shown as it is", async () => {
  const result = shown() as { name: string; rows: unknown };
  result.rows = null;
  assert.is(inspect(result), "{ name: '<b>ann', rows: null }");
  assert.equal(await bundle(result), { "text/plain": "{ name: '<b>ann', rows: null }" });
});

test("a vector is shape, norm and eight values, also in a row that was copied", () => {
  const vector = showVector(Float32Array.from({ length: 192 }, (_, i) => (i === 0 ? 3 : i === 1 ? 4 : 0)));
  const line = "Float32Array (192), norm 5: 3, 4, 0, 0, 0, 0, 0, 0, …";
  assert.is(inspect(vector), line);
  assert.match(inspect({ ...{ key: "a", embedding: vector } }), line);
  assert.is(vector.length, 192);
});

test("control characters of names do not reach the terminal, and wide tables are cut to its width", () => {
  const rows = [{ "a\u001b[31m": "x\ny\u202e", long: "n".repeat(500), wide: "語".repeat(200) }];
  const text = inspect(showRows(rows, "row"));
  for (const character of ["\u001b", "\u202e"]) assert.not.ok(text.includes(character));
  assert.is(text.split("\n").length, 4);
  for (const line of text.split("\n")) assert.ok(line.length <= 120, line);
});

test("columns that do not fit are left out, and numbers are never cut", () => {
  const row = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`text${i}`, "x".repeat(40)]));
  const text = inspect(showRows([{ score: 1 / 7, ...row }], "row"));
  assert.match(text, /\n {2}0\.1429 {2}x/);
  assert.match(text, /text7 *\n/);
  for (const line of text.split("\n")) assert.ok(line.length <= 120, line);
});

test("a view of too many lines ends with a mark at the twenty-fifth", () => {
  const lines = inspect(
    showAs({}, () => ({ title: "t", parts: Array.from({ length: 60 }, (_, i) => `${i}`) })),
  ).split("\n");
  assert.is(lines.length, 25);
  assert.is(lines.at(-1), "…");
});

test.run();
