import { spawnSync } from "node:child_process";
import { existsSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { checkWritable, makeFolder } from "../../src/util/make-folder.js";
import { put, temporaryFolder } from "../tiny.js";

const folder = temporaryFolder();

test("folders are made as deep as they are asked for, and again without an error", () => {
  const deep = join(folder, "a/b/c");
  makeFolder(deep);
  makeFolder(deep);
  assert.ok(statSync(deep).isDirectory());
});

test("a file in the way is an error", () => {
  put(join(folder, "file"), "");
  assert.throws(() => makeFolder(join(folder, "file")), /EEXIST/);
  assert.throws(() => makeFolder(join(folder, "file/a")), /ENOTDIR/);
});

test("where no folder can be made, it is an error and not an endless loop", () => {
  if (!existsSync("/proc/self")) return console.log("SKIPPED there is no /proc");
  assert.throws(() => makeFolder("/proc/none/deep/er"), /ENOENT|EPERM|EACCES/);
});

test("a log below /proc, or that is a pipe, is said and ends nothing", () => {
  if (!existsSync("/proc/self")) return console.log("SKIPPED there is no /proc");
  const pipe = join(folder, "pipe");
  if (spawnSync("mkfifo", [pipe]).status !== 0) return console.log("SKIPPED there is no mkfifo");
  const code = `
    const { openReporter } = require(${JSON.stringify(join(__dirname, "../../src/cli/reporter.ts"))});
    for (const logFile of ["/proc/none/x.log", ${JSON.stringify(pipe)}]) openReporter({ logFile }).log("goes on");`;
  const { stdout, signal } = spawnSync(process.execPath, ["--import", "tsx", "-e", code], {
    encoding: "utf8",
    cwd: join(__dirname, "../.."),
    timeout: 60_000,
  });
  assert.is(signal, null);
  assert.equal(
    stdout.match(/cannot be written|goes on$/gm),
    ["cannot be written", "goes on", "cannot be written", "goes on"],
    stdout,
  );
});

test("a folder without a name, and one behind a link that leads nowhere, are told", () => {
  assert.throws(() => checkWritable(""), /The folder to write to has no name/);
  const folder = temporaryFolder();
  symlinkSync(join(folder, "b"), join(folder, "a"));
  symlinkSync(join(folder, "a"), join(folder, "b"));
  for (const path of [join(folder, "a"), join(folder, "a", "deep")])
    assert.throws(() => checkWritable(path), /a is a link that leads nowhere\)\. Give another folder/);
});

test.run();
