import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
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

test("a search with many stars takes no longer than its text", () => {
  const history = new History(null, 1);
  history.add(1, "a".repeat(50_000));
  const search = (pattern: string) => history.find({ hist_access_type: "search", pattern }).length;
  assert.is(search(`${"*a".repeat(50)}*b`), 0);
  assert.is(search(`${"*a".repeat(50)}*`), 1);
  assert.is(search(`${"*".repeat(1000)}b`), 0);
});

test("search knows ranges, and takes an open bracket for itself", () => {
  const history = new History(null, 1);
  for (const [i, code] of ["x1", "x9", "xa", "x[", "x\ny", "x-"].entries()) history.add(i + 1, code);
  const search = (pattern: string) =>
    history.find({ hist_access_type: "search", pattern }).map(([, line]) => line);
  assert.equal(search("x[0-9]"), [1, 2]);
  assert.equal(search("x[!0-9]"), [3, 4, 6]);
  assert.equal(search("x["), [4]);
  assert.equal(search("x[a-]"), [3, 6]);
  assert.equal(search("x*y"), [5]);
});

test("the file is for its owner alone, and its folder as well", () => {
  const path = file();
  new History(path, 1).add(1, "a");
  assert.is(statSync(path).mode & 0o777, 0o600);
  assert.is(statSync(dirname(path)).mode & 0o777, 0o700);
  chmodSync(path, 0o644);
  new History(path, 2).add(1, "b");
  assert.is(statSync(path).mode & 0o777, 0o600);
  const own = join(mkdtempSync(join(tmpdir(), "speakerscope-history-")), "speakerscope");
  mkdirSync(own, { mode: 0o755 });
  new History(join(own, "history.jsonl"), 1).add(1, "a");
  assert.is(statSync(own).mode & 0o777, 0o700);
});

test("what sets an environment variable is not kept", () => {
  const path = file();
  const history = new History(path, 1);
  history.add(1, "%env API_KEY=secret1");
  history.add(2, "%env API_KEY secret2\nconst kept = 1");
  history.add(3, "%set_env TOKEN=secret3\n%env");
  history.add(4, 'process.env.API_KEY = "secret4"');
  history.add(5, 'process.env["API_KEY"] ??= "secret5"; run()');
  history.add(6, 'Object.assign(process.env, { KEY: "secret6" })');
  history.add(7, "%env HOME");
  history.add(8, "if (process.env.DEBUG === '1') run()");
  const kept = ["const kept = 1", "%env", "%env HOME", "if (process.env.DEBUG === '1') run()"];
  for (const one of [history, new History(path, 2)])
    assert.equal(
      one.find({ hist_access_type: "tail" }).map(([, , input]) => input),
      kept,
    );
  assert.not.match(readFileSync(path, "utf8"), /secret/);
});

test("a place that is no file neither blocks nor fails", () => {
  const folder = mkdtempSync(join(tmpdir(), "speakerscope-history-"));
  const places = [
    "/proc/speakerscope/sub/history.jsonl",
    "/proc/self/history.jsonl",
    folder,
    "/dev/zero",
    "/dev/null",
  ];
  if (process.platform !== "win32") {
    execFileSync("mkfifo", [join(folder, "pipe")]);
    places.push(join(folder, "pipe"));
  }
  writeFileSync(join(folder, "file"), "");
  places.push(join(folder, "file", "history.jsonl"));
  for (const path of places) {
    const history = new History(path, 1);
    history.add(1, "a");
    assert.equal(history.find({ hist_access_type: "tail", n: 1 }), [[1, 1, "a"]], path);
  }
});

test("the file is named by the environment", () => {
  assert.is(historyPath({ SPEAKERSCOPE_HISTORY: "none" }), null);
  assert.is(historyPath({ SPEAKERSCOPE_HISTORY: "/h" }), "/h");
  assert.is(historyPath({ XDG_DATA_HOME: "/data" }), "/data/speakerscope/history.jsonl");
});

test.run();
