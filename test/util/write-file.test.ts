import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
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
  assert.match(error.message, /taken/);
  assert.equal(readdirSync(folder), ["taken"]);
  const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  assert.is(
    (namePath(full, "/out/a.pkl") as Error).message,
    "ENOSPC: no space left on device, write '/out/a.pkl'",
  );
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
