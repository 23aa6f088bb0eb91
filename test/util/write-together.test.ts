import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { isDevice, writeFile } from "../../src/util/write-file.js";
import {
  refuseUnfinished,
  type Together,
  writeTogether,
  writeTogetherAt,
} from "../../src/util/write-together.js";
import { put, temporaryFolder } from "../tiny.js";

const purpose = "writing for a test";

const failure = (promise: Promise<unknown>): Promise<Error & { tag?: string }> =>
  promise.then(
    () => new Error("nothing was thrown"),
    (error) => error,
  );

const names = ["a.txt", "sub/b.txt", "c.txt"];

/** Writes files that all say the same. */
async function writeAll({ at, commit }: Together, folder: string, text: string): Promise<void> {
  for (const name of names) await writeFile(at(join(folder, name)), text, { durable: false });
  commit(names.map((name) => join(folder, name)));
}

/** The same for another process. */
const writeAllText = `async ({ at, commit }) => {
  for (const name of names) await writeFile(at(join(folder, name)), text, { durable: false });
  commit(names.map((name) => join(folder, name)));
}`;

const textsIn = (folder: string) =>
  names.flatMap((name) => (existsSync(join(folder, name)) ? [readFileSync(join(folder, name), "utf8")] : []));

/** Runs these lines in another process, with `folder` and what this test knows of. */
function elsewhere(folder: string, lines: string): ChildProcess {
  const code = `
    const { join } = require("node:path");
    const { writeFile } = require(${JSON.stringify(join(__dirname, "../../src/util/write-file.ts"))});
    const { writeTogether } = require(${JSON.stringify(join(__dirname, "../../src/util/write-together.ts"))});
    const folder = ${JSON.stringify(folder)};
    const names = ${JSON.stringify(names)};
    (async () => { ${lines} })().catch((error) => { console.log(error.message); process.exitCode = 1; });`;
  return spawn(process.execPath, ["--import", "tsx", "-e", code], { stdio: ["pipe", "pipe", "inherit"] });
}

test("files get their places together, and those of an earlier result go", async () => {
  const folder = temporaryFolder();
  const old = put(join(folder, "old.txt"), "old");
  const kept = put(join(folder, "sub/notes.txt"), "mine");
  await writeTogether(folder, { purpose }, async (files) => {
    await writeFile(files.at(join(folder, "sub/new.txt")), "new");
    assert.ok(existsSync(old));
    assert.not.ok(existsSync(join(folder, "sub/new.txt")));
    files.at(join(folder, "never.txt"));
    files.commit([old, join(folder, "nowhere/else.txt")]);
  });
  assert.equal(readdirSync(folder), ["sub"]);
  assert.equal(readdirSync(join(folder, "sub")), ["new.txt", "notes.txt"]);
  assert.is(readFileSync(kept, "utf8"), "mine");
});

test("after an error everything is as it was, and the error names the place in the folder", async () => {
  const folder = temporaryFolder();
  const out = join(folder, "deep", "out");
  const failing = (path: string) =>
    writeTogether(path, { purpose }, async ({ at }) => {
      await writeFile(at(join(path, "a.txt")), "new");
      mkdirSync(at(join(path, "b.txt")));
      await writeFile(at(join(path, "b.txt")), "new");
    });
  const error = await failure(failing(out));
  assert.ok(error.message.includes(`${join(out, "b.txt")} is a folder`), error.message);
  assert.equal(readdirSync(folder), []);
  put(join(out, "a.txt"), "old");
  await failure(failing(out));
  assert.equal(readdirSync(out), ["a.txt"]);
  assert.is(readFileSync(join(out, "a.txt"), "utf8"), "old");
});

test("a folder in the place of a file is told before anything is exchanged", async () => {
  const folder = temporaryFolder();
  put(join(folder, "a.txt"), "old");
  mkdirSync(join(folder, "c.txt"));
  const error = await failure(writeTogether(folder, { purpose }, (files) => writeAll(files, folder, "new")));
  assert.match(error.message, /c\.txt is a folder, so no file can be written there/);
  assert.is(readFileSync(join(folder, "a.txt"), "utf8"), "old");
  assert.equal(readdirSync(folder).sort(), ["a.txt", "c.txt"]);
});

test("who is stopped on request changes nothing", async () => {
  const folder = temporaryFolder();
  const controller = new AbortController();
  const stopped = writeTogether(folder, { purpose, abortSignal: controller.signal }, (files) => {
    controller.abort();
    return writeAll(files, folder, "new");
  });
  const error = await failure(stopped);
  assert.is(error.tag, "interrupted");
  assert.match(error.message, /^Writing for a test was stopped on request\. Nothing in .* has changed\.$/);
  assert.equal(readdirSync(folder), []);
});

test("who works in a folder is named to a second process, also after an error and a signal of the first", async () => {
  const folder = temporaryFolder();
  put(join(folder, "a.txt"), "old");
  for (const [ending, signal] of [
    ["throw new Error('over')", undefined],
    ["process.exit(3)", undefined],
    ["", "SIGKILL"],
  ] as const) {
    const other = elsewhere(
      folder,
      `await writeTogether(folder, { purpose: "holding it" }, async ({ at }) => {
        await writeFile(at(join(folder, "a.txt")), "half");
        console.log("ready");
        await new Promise((resolve) => process.stdin.once("data", resolve));
        ${ending};
      });`,
    );
    await once(other.stdout!, "data");
    const error = await failure(
      writeTogether(folder, { purpose }, (files) => writeAll(files, folder, "new")),
    );
    assert.is(error.tag, "conflict");
    assert.match(error.message, `Process ${other.pid} on `);
    assert.match(error.message, " has been holding it in this folder since ");
    refuseUnfinished(folder);
    if (signal === undefined) other.stdin!.end("go\n");
    else other.kill(signal);
    await once(other, "close");
    assert.equal(textsIn(folder), ["old"]);
    if (signal === undefined) assert.equal(readdirSync(folder), ["a.txt"]);
  }
  // What the killed process left holds nobody up, and goes.
  await writeTogether(folder, { purpose }, (files) => writeAll(files, folder, "new"));
  assert.equal(readdirSync(folder).sort(), ["a.txt", "c.txt", "sub"]);
});

test("results beside files of different names can be written into a folder at the same time, of one name not", async () => {
  const folder = temporaryFolder();
  const write = (name: string, inside: () => Promise<unknown> = async () => {}) =>
    writeTogetherAt(join(folder, name), { purpose }, async (files) => {
      await writeFile(files.at(join(folder, name)), name);
      await inside();
      files.commit([join(folder, name)]);
    });
  await write("a.csv", () => write("b.csv"));
  assert.equal(readdirSync(folder).sort(), ["a.csv", "b.csv"]);
  assert.is((await failure(write("a.csv", () => write("a.csv")))).tag, "conflict");
  assert.equal(readdirSync(folder).sort(), ["a.csv", "b.csv"]);
});

test("files of two results never lie side by side, whenever a process is killed", async () => {
  const folder = temporaryFolder();
  const writer = (text: string) =>
    elsewhere(
      folder,
      `console.log("begins");
      for (;;) for (const text of ["${text}1", "${text}2"])
        await writeTogether(folder, { purpose: "racing" }, ${writeAllText});`,
    );
  let refused = 0;
  for (let round = 0; round < 8; round++) {
    const process = writer(`${round}-`);
    await once(process.stdout!, "data");
    await new Promise((resolve) => setTimeout(resolve, 20 + 7 * round));
    process.kill("SIGKILL");
    await once(process, "close");
    const texts = textsIn(folder);
    assert.ok(new Set(texts).size <= 1, texts.join());
    if (texts.length === names.length || texts.length === 0) continue;
    refused++;
    assert.throws(
      () => refuseUnfinished(folder),
      /are not complete: a process that was racing put them there/,
    );
  }
  await writeTogether(folder, { purpose }, (files) => writeAll(files, folder, `after ${refused}`));
  assert.equal(new Set(textsIn(folder)).size, 1);
  // A lock that was cut off in its first write goes once it is five minutes old.
  const left = readdirSync(folder).filter((name) => !name.startsWith("speakerscope.lock."));
  assert.equal(left.sort(), ["a.txt", "c.txt", "sub"]);
});

test("what a kill in the middle leaves is refused, where it is concerned, until it is written again", async () => {
  const folder = temporaryFolder();
  const other = elsewhere(
    folder,
    `await writeTogether(folder, { purpose: "exchanging" }, async ({ at, commit }) => {
      for (const name of names) await writeFile(at(join(folder, name)), "new");
      commit([], () => process.kill(process.pid, "SIGKILL"));
    });`,
  );
  await once(other, "close");
  for (const path of [folder, join(folder, "a.txt"), join(folder, "sub")])
    assert.throws(() => refuseUnfinished(path), /exchanging put them there .* was killed or has not ended/);
  refuseUnfinished(join(folder, "other.txt"));
  await writeTogether(folder, { purpose }, (files) => writeAll(files, folder, "new"));
  refuseUnfinished(folder);
  assert.equal(textsIn(folder), ["new", "new", "new"]);
  // As after a power failure.
  put(join(folder, "speakerscope.unfinished"), "");
  assert.throws(() => refuseUnfinished(join(folder, "a.txt")), /are not complete/);
});

test("a folder that vanishes meanwhile, or that another process took over, is an error", async () => {
  const folder = join(temporaryFolder(), "out");
  const gone = writeTogether(folder, { purpose }, (files) => {
    rmSync(folder, { recursive: true });
    return writeAll(files, folder, "new");
  });
  assert.match(
    (await failure(gone)).message,
    /out\/speakerscope\.lock was taken away while this process was writing for a test/,
  );
  assert.not.ok(existsSync(folder));
});

test("links and devices: a link that leads nowhere is moved, and a device is written into", async () => {
  const folder = temporaryFolder();
  symlinkSync("/nowhere/at/all", join(folder, "old"));
  await writeTogether(folder, { purpose }, async ({ at, commit }) => {
    assert.is(at("/dev/null"), "/dev/null");
    mkdirSync(join(at(join(folder, "x")), ".."), { recursive: true });
    symlinkSync("/nowhere/new", at(join(folder, "new")));
    commit([join(folder, "old")]);
  });
  assert.equal(readdirSync(folder), ["new"]);
});

test("a folder that nobody may write to is told at once", async () => {
  if (process.getuid?.() === 0) return console.log("SKIPPED: root may write everywhere");
  const folder = temporaryFolder();
  chmodSync(folder, 0o500);
  const error = await failure(writeTogether(folder, { purpose }, async () => assert.unreachable()));
  assert.match(error.message, /Nothing can be written to/);
});

test("what stands in the way of one file is told before any is exchanged", async () => {
  const folder = temporaryFolder();
  for (const name of ["a.txt", "c.txt", "sub"]) put(join(folder, name), "old");
  const error = await failure(writeTogether(folder, { purpose }, (files) => writeAll(files, folder, "new")));
  assert.match(error.message, /sub/);
  assert.equal(
    ["a.txt", "c.txt", "sub"].map((name) => readFileSync(join(folder, name), "utf8")),
    ["old", "old", "old"],
  );
  refuseUnfinished(folder);
});

test("a result beside it does not vouch for what another command was killed at", async () => {
  const folder = temporaryFolder();
  put(join(folder, "train/a.txt"), "half");
  const mark = { purpose: "splitting", at: "2026-01-31T09:30:00Z", names: ["train"] };
  put(join(folder, "speakerscope.unfinished"), JSON.stringify(mark));
  await writeTogether(folder, { purpose }, (files) => writeAll(files, folder, "new"));
  refuseUnfinished(join(folder, "a.txt"));
  assert.throws(() => refuseUnfinished(join(folder, "train")), /splitting put them there/);
  const before = process.cwd();
  process.chdir(join(folder, "train"));
  try {
    assert.throws(() => refuseUnfinished("."), /splitting put them there/);
  } finally {
    process.chdir(before);
  }
  rmSync(join(folder, "train"), { recursive: true });
  await writeTogether(folder, { purpose }, (files) => writeAll(files, folder, "newer"));
  refuseUnfinished(folder);
});

test("standard output is a device, whatever it leads to", () => {
  for (const path of ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/dev/null"]) assert.ok(isDevice(path));
  assert.not.ok(isDevice(__filename));
  assert.not.ok(isDevice(join(__dirname, "none")));
});

test("a mark that cannot be written changes nothing", async () => {
  const folder = temporaryFolder();
  put(join(folder, "a.txt"), "old");
  mkdirSync(join(folder, "speakerscope.unfinished"));
  await failure(writeTogether(folder, { purpose }, (files) => writeAll(files, folder, "new")));
  assert.equal(textsIn(folder), ["old"]);
});

test.run();
