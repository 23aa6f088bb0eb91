import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { namePath } from "../../src/util/name-path.js";
import { writeFile } from "../../src/util/write-file.js";
import { temporaryFolder } from "../tiny.js";

/** How often something is brought onto the disk meanwhile. */
async function syncs(action: () => Promise<void>): Promise<number> {
  const handle = await open(__filename);
  const prototype = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  const { sync } = prototype;
  let count = 0;
  prototype.sync = function () {
    count++;
    return sync.call(this);
  };
  try {
    await action();
  } finally {
    prototype.sync = sync;
  }
  return count;
}

test("a file and its name are on the disk when it is written, unless many are to follow", async () => {
  const folder = temporaryFolder();
  assert.is(await syncs(() => writeFile(join(folder, "a"), "text")), 2);
  assert.is(await syncs(() => writeFile(join(folder, "b"), "text", { durable: false })), 0);
  assert.equal(readdirSync(folder), ["a", "b"]);
  assert.is(readFileSync(join(folder, "b"), "utf8"), "text");
});

test("a name may be as long as the file system takes", async () => {
  const path = join(temporaryFolder(), "ä".repeat(127));
  await writeFile(path, "text");
  assert.is(readFileSync(path, "utf8"), "text");
});

test("what cannot be written leaves nothing behind and is named", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "taken", "inside"), { recursive: true });
  const error = await writeFile(join(folder, "taken"), "text").catch((e) => e);
  assert.match(error.message, /taken is a folder, so no file can be written there\. Move it away/);
  assert.equal(readdirSync(folder), ["taken"]);
  const below = await writeFile(join(__filename, "below", "a.csv"), "text").catch((e) => e);
  assert.match(
    below.message,
    /(ENOTDIR|EEXIST).*'.*below.a\.csv'\. A file is in the place of a folder there/,
  );
  const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  assert.is(
    (namePath(full, "/out/a.pkl") as Error).message,
    "ENOSPC: no space left on device, write '/out/a.pkl'. Make room on that disk, then run the same again.",
  );
});

test("what is written may come from a file that cannot be read, which is not taken for the one that is written", async () => {
  const folder = temporaryFolder();
  async function* content() {
    yield "begin";
    yield readFileSync(join(folder, "gone.txt"));
  }
  const error = await writeFile(join(folder, "out.txt"), content()).catch((e) => e);
  assert.is(error.message, `ENOENT: no such file or directory, open '${join(folder, "gone.txt")}'`);
});

test("a pipe or device is written into, and not replaced by a file", async () => {
  const folder = temporaryFolder();
  const pipe = join(folder, "pipe");
  if (spawnSync("mkfifo", [pipe]).status !== 0) return console.log("SKIPPED pipes: no mkfifo here");
  const reader = spawn("cat", [pipe]);
  let text = "";
  reader.stdout.on("data", (data) => (text += data));
  const closed = once(reader, "close");
  await writeFile(pipe, ["some ", "text"]);
  await closed;
  assert.is(text, "some text");
  assert.ok(statSync(pipe).isFIFO());
  // Standard output, which is a file here and stays one for the shell that opened it.
  const module = join(__dirname, "../../dist/src/util/write-file.js");
  const code = `console.log("before"); require(${JSON.stringify(module)}).writeFile("/dev/stdout", "text").then(() => console.log("after"))`;
  const out = join(folder, "out.txt");
  spawnSync("bash", ["-c", `'${process.execPath}' -e '${code}' >> '${out}'`]);
  assert.is(readFileSync(out, "utf8"), "before\ntextafter\n");
});

test("a process that ends while it writes leaves nothing behind", () => {
  const folder = temporaryFolder();
  const module = join(__dirname, "../../dist/src/util/write-file.js");
  const code = `
    async function* chunks() { yield Buffer.alloc(2 << 20); yield "more"; process.exit(3); }
    require(${JSON.stringify(module)}).writeFile(${JSON.stringify(join(folder, "a"))}, chunks());`;
  assert.is(spawnSync(process.execPath, ["-e", code]).status, 3);
  assert.equal(readdirSync(folder), []);
});

test.run();
