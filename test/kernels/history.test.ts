import { appendFileSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { History, historyPath } from "../../kernels/speakerscope/history.js";

const file = () => join(mkdtempSync(join(tmpdir(), "speakerscope-history-")), "sub", "history.jsonl");

test("tail gives the last cells of this and earlier sessions, oldest first", () => {
  const path = file();
  const first = new History(path, 1);
  for (const [i, code] of ["a", "b", "c"].entries()) first.add(i + 1, code);
  const second = new History(path, 2);
  second.add(1, "d");
  assert.equal(second.find({ hist_access_type: "tail", n: 3 }), [
    [1, 2, "b"],
    [1, 3, "c"],
    [2, 1, "d"],
  ]);
});

test("range takes start, leaves stop out, and counts sessions back from 0", () => {
  const path = file();
  const first = new History(path, 10);
  for (const [i, code] of ["a", "b", "c"].entries()) first.add(i + 1, code);
  const second = new History(path, 20);
  second.add(1, "d");
  const range = (session: number, start: number, stop: number) =>
    second.find({ hist_access_type: "range", session, start, stop }).map(([, , code]) => code);
  assert.equal(range(10, 2, 4), ["b", "c"]);
  assert.equal(range(-1, 1, 2), ["a"]);
  assert.equal(range(0, 1, 9), ["d"]);
  assert.equal(range(-5, 1, 9), []);
});

test("search takes shell wildcards, and nothing else as a pattern", () => {
  const history = new History(null, 1);
  for (const [i, code] of ["load(1)", "load(2)", "load(1)", "x.y"].entries()) history.add(i + 1, code);
  const search = (options: object) =>
    history.find({ hist_access_type: "search", ...options }).map(([, line]) => line);
  assert.equal(search({ pattern: "load*" }), [1, 2, 3]);
  assert.equal(search({ pattern: "load(?)", n: 2 }), [2, 3]);
  assert.equal(search({ pattern: "load*", unique: true }), [2, 3]);
  assert.equal(search({ pattern: "x[.]y" }), [4]);
  assert.equal(search({ pattern: "x[!.]y" }), []);
  assert.equal(search({ pattern: "oad" }), []);
});

test("with output each entry is a pair", () => {
  const history = new History(null, 1);
  history.add(1, "1 + 1");
  history.add(2, "let x");
  history.setOutput(1, "2");
  assert.equal(history.find({ hist_access_type: "tail", n: 2, output: true }), [
    [1, 1, ["1 + 1", "2"]],
    [1, 2, ["let x", null]],
  ]);
});

test("half a line, as a killed kernel leaves it, is skipped", () => {
  const path = file();
  new History(path, 1).add(1, "a");
  appendFileSync(path, '{"session":1,"li\n');
  assert.equal(new History(path, 2).find({ hist_access_type: "tail", n: 9 }), [[1, 1, "a"]]);
});

test("a folder that cannot be written costs only the memory", () => {
  const history = new History("/dev/null/history.jsonl", 1);
  history.add(1, "a");
  assert.equal(history.find({ hist_access_type: "tail", n: 1 }), [[1, 1, "a"]]);
});

test("the file is named by the environment", () => {
  assert.is(historyPath({ SPEAKERSCOPE_HISTORY: "none" }), null);
  assert.is(historyPath({ SPEAKERSCOPE_HISTORY: "/h" }), "/h");
  assert.is(historyPath({ XDG_DATA_HOME: "/data" }), "/data/speakerscope/history.jsonl");
});

test.run();
