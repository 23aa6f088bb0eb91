import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { lockFolder, lockName } from "../../src/util/folder-lock.js";
import { put, temporaryFolder } from "../tiny.js";

const purpose = "testing";
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error) => error,
  );

const started: ChildProcess[] = [];
test.after.each(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

/** Processes that each try to take a folder once a line arrives on their stdin, and hold it until they are killed. */
function takers(folder: string, count: number): (ChildProcess & { said: () => string })[] {
  const code = `
    const { lockFolder } = require(${JSON.stringify(join(__dirname, "../../src/util/folder-lock.ts"))});
    console.log("ready");
    process.stdin.once("data", () => lockFolder(${JSON.stringify(folder)}, { purpose: "racing" }).then(
      () => console.log("won"),
      (error) => console.log("lost " + error.message)));
    setInterval(() => {}, 1000);`;
  return Array.from({ length: count }, () => {
    const child = spawn(process.execPath, ["--import", "tsx", "-e", code], { stdio: "pipe" });
    started.push(child);
    let text = "";
    child.stdout.on("data", (data) => (text += data));
    child.stderr.on("data", (data) => (text += data));
    return Object.assign(child, { said: () => text });
  });
}

async function until(condition: () => boolean, what: () => string): Promise<void> {
  const end = Date.now() + 120_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`waited two minutes: ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The lock of a process of this machine that has just died, with changes. */
async function deadLock(folder: string, changes: Record<string, unknown> = {}): Promise<void> {
  const lock = await lockFolder(folder, { purpose });
  const record = JSON.parse(readFileSync(join(folder, lockName), "utf8"));
  await lock.release();
  put(join(folder, lockName), `${JSON.stringify({ ...record, started: "1", ...changes })}\n`);
}

test("a folder that is held is refused with who holds it, since when and for what", async () => {
  const folder = temporaryFolder();
  const lock = await lockFolder(join(folder, "new"), { purpose: "extracting embeddings" });
  const error = await failure(lockFolder(join(folder, "new"), { purpose }));
  assert.is(error.tag, "conflict");
  assert.match(
    error.message,
    new RegExp(`^Process ${process.pid} on \\S+ has been extracting embeddings in this folder since 20`),
  );
  assert.match(error.message, /Wait until it has ended, or use another folder\.$/);
  assert.is(error.got.pid, process.pid);
  await lock.release();
  await lock.release();
  assert.equal(readdirSync(join(folder, "new")), [], "nothing stays behind");
  await (await lockFolder(join(folder, "new"), { purpose })).release();
});

test("a file in the place of the folder is an error with its path", async () => {
  const file = put(join(temporaryFolder(), "file"), "");
  for (const folder of [file, join(file, "below")]) {
    const error = await failure(lockFolder(folder, { purpose }));
    assert.equal([error.tag, error.path], ["invalid", folder]);
    assert.is(
      error.message,
      `The folder ${folder} cannot be made, because a file is in its place. Give another folder.`,
    );
  }
});

test("the lock of a dead process of this machine is taken at once, also when its id is in use again", async () => {
  const folder = temporaryFolder();
  const [taker] = takers(folder, 1);
  await until(() => taker!.said().includes("ready"), taker!.said);
  taker!.stdin!.write("go\n");
  await until(() => taker!.said().includes("won"), taker!.said);
  assert.match(
    (await failure(lockFolder(folder, { purpose }))).message,
    new RegExp(`^Process ${taker!.pid} `),
  );
  taker!.kill("SIGKILL");
  await new Promise((resolve) => taker!.on("close", resolve));
  await (await lockFolder(folder, { purpose })).release();
  // Our own id, but of a process that started at another time.
  await deadLock(folder);
  await (await lockFolder(folder, { purpose })).release();
});

test("what a process that was killed while it waited left goes, and the draft of one that waits stays", async () => {
  const folder = temporaryFolder();
  await deadLock(folder);
  const dead = JSON.parse(readFileSync(join(folder, lockName), "utf8"));
  const drafts = {
    "0123456789abcdef": dead,
    "after-0123456789abcdef": dead,
    "1123456789abcdef": { ...dead, machine: "elsewhere" },
  };
  for (const [name, record] of Object.entries(drafts))
    put(join(folder, `${lockName}.${name}`), `${JSON.stringify(record)}\n`);
  await (await lockFolder(folder, { purpose })).release();
  assert.equal(readdirSync(folder), [`${lockName}.1123456789abcdef`]);
});

test("what is no file in the place of the lock is an error that names it", async () => {
  for (const make of [
    (path: string) => mkdirSync(path),
    (path: string) => symlinkSync("nowhere", path),
    (path: string) => spawnSync("mkfifo", [path]),
  ]) {
    const folder = temporaryFolder();
    make(join(folder, lockName));
    const error = await failure(lockFolder(folder, { purpose }));
    assert.is(error.tag, "invalid");
    assert.match(error.message, /speakerscope\.lock is in the place of a lock, and is no file\. Remove it/);
    assert.equal(readdirSync(folder), [lockName]);
  }
});

test("the lock of another machine is watched: renewed, it holds; not renewed for five minutes, it is dead", async () => {
  const folder = temporaryFolder();
  const path = join(folder, lockName);
  await deadLock(folder, { machine: "elsewhere", host: "node7" });
  const ago = (seconds: number) => utimesSync(path, Date.now() / 1000 - seconds, Date.now() / 1000 - seconds);
  ago(240);
  const lines: string[] = [];
  const onWait = (line: string) => {
    lines.push(line);
    setTimeout(() => ago(0), 100);
  };
  const error = await failure(lockFolder(folder, { purpose, onWait }));
  assert.match(error.message, /on node7 has been testing/);
  assert.match(error.message, /expires five minutes after it was last renewed, which was at 20/);
  assert.is(lines.length, 1);
  assert.match(lines[0]!, /^Waiting for process \d+ on node7/);
  ago(310);
  await (await lockFolder(folder, { purpose })).release();
  assert.not(existsSync(path));
  await deadLock(folder, { machine: "elsewhere" });
  await (await lockFolder(folder, { purpose, deadAfterMs: 500 })).release();
  await deadLock(folder, { machine: "elsewhere" });
  const abortSignal = AbortSignal.abort();
  assert.is((await failure(lockFolder(folder, { purpose, abortSignal })))?.tag, "interrupted");
});

test("a lock that cannot be read is watched too", async () => {
  const folder = temporaryFolder();
  const path = put(join(folder, lockName), "{");
  const onWait = () => void setTimeout(() => put(path, "{{"), 100);
  assert.match((await failure(lockFolder(folder, { purpose, onWait }))).message, /^Another process holds/);
  utimesSync(path, 1, 1);
  await (await lockFolder(folder, { purpose })).release();
});

test("a lock is renewed while it is held, and one that another has taken over is left alone", async () => {
  const folder = temporaryFolder();
  const path = join(folder, lockName);
  const lock = await lockFolder(folder, { purpose, renewMs: 5 });
  const first = JSON.parse(readFileSync(path, "utf8"));
  utimesSync(path, 1, 1);
  const renewed = () => JSON.parse(readFileSync(path, "utf8")).renewed > first.renewed;
  await until(renewed, () => readFileSync(path, "utf8"));
  const { unlinkSync } = require("node:fs") as typeof import("node:fs");
  unlinkSync(path);
  const other = await lockFolder(folder, { purpose: "taking over" });
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.is(JSON.parse(readFileSync(path, "utf8")).purpose, "taking over");
  await lock.release();
  assert.ok(existsSync(path), "the other's lock");
  await other.release();
});

test("of many that want a dead lock, or none, one gets it", async () => {
  const folder = temporaryFolder();
  await deadLock(folder);
  // Somebody died amid a takeover, too.
  const { id } = JSON.parse(readFileSync(join(folder, lockName), "utf8"));
  const dead = readFileSync(join(folder, lockName), "utf8").replace(id, "abc");
  put(join(folder, `${lockName}.after-${id}`), dead);
  const children = takers(folder, 6);
  const said = () => children.map((child) => child.said()).join("\n");
  await until(() => children.every((child) => child.said().includes("ready")), said);
  for (const child of children) child.stdin!.write("go\n");
  await until(() => children.every((child) => /won|lost/.test(child.said())), said);
  assert.is(children.filter((child) => child.said().includes("won")).length, 1, said());
  assert.equal(readdirSync(folder), [lockName]);
  for (const child of children) {
    const ended = new Promise((resolve) => child.on("close", resolve));
    child.kill("SIGKILL");
    await ended;
  }
  // In one process there are many more races.
  for (let round = 0; round < 200; round++) {
    if (round % 2 === 0) await deadLock(folder);
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, () => lockFolder(folder, { purpose })),
    );
    const won = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    assert.is(won.length, 1);
    await won[0]!.release();
    assert.equal(readdirSync(folder), []);
  }
});

test.run();
