import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, utimesSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MatrixFile } from "../../src/comparison/matrix-file.js";
import { openIndividualWriter } from "../../src/store/individual-writer.js";
import { isTemporary, removeLeftovers, temporaryIn } from "../../src/util/temporary.js";
import { writeFile } from "../../src/util/write-file.js";
import { put, temporaryFolder } from "../tiny.js";

const dist = join(__dirname, "../../dist/src");

/** A process that is amid writing `path`. */
async function writing(path: string): Promise<ChildProcess> {
  const code = `
    async function* endless() {
      for (;;) {
        yield Buffer.alloc(2 << 20);
        console.log("wrote");
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
    }
    require("${dist}/util/write-file.js").writeFile(${JSON.stringify(path)}, endless());`;
  const child = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  const closed = once(child, "close");
  child.kill("SIGKILL");
  await closed;
}

test("What a killed process left goes with the next file that is written there, that of a living one stays", async () => {
  const folder = temporaryFolder();
  const [dead, living] = await Promise.all([writing(join(folder, "a.csv")), writing(join(folder, "b.csv"))]);
  await killed(dead);
  assert.is(readdirSync(folder).length, 2);
  await writeFile(join(folder, "c.csv"), "text");
  const names = readdirSync(folder).sort();
  assert.is(names.length, 2);
  assert.match(names[0]!, new RegExp(`-${living.pid}-`));
  assert.is(names[1], "c.csv");
  await killed(living);
  await writeFile(join(folder, "c.csv"), "more");
  assert.equal(readdirSync(folder), ["c.csv"]);
  assert.is(readFileSync(join(folder, "c.csv"), "utf8"), "more");
});

test("A process that has the id of a dead one is not taken for it", () => {
  const folder = temporaryFolder();
  const name = basename(temporaryIn(folder));
  const other = name.replace(/-\d*\./, "-1.");
  for (const one of [name, other]) put(join(folder, one), "half");
  removeLeftovers(folder);
  assert.equal(readdirSync(folder), [name]);
});

test("What another machine writes stays for a week after its last change, and other hidden files for ever", () => {
  const folder = temporaryFolder();
  const foreign = (number: string) => `.${"0123456789abcdef"}-1-1.${number}.tmp`;
  const [fresh, old] = [foreign("00000001"), foreign("00000002")];
  const others = [".notes.tmp", ".1.0123abcd.tmp", `${old}.bak`];
  const week = 7 * 24 * 3600;
  for (const name of [fresh, old, ...others]) put(join(folder, name), "half");
  for (const name of [old, ...others])
    utimesSync(join(folder, name), Date.now() / 1000 - week - 60, Date.now() / 1000 - week - 60);
  utimesSync(join(folder, fresh), Date.now() / 1000 - week + 600, Date.now() / 1000 - week + 600);
  removeLeftovers(folder);
  assert.equal(readdirSync(folder).sort(), [fresh, ...others].sort());
  assert.equal([fresh, ...others].map(isTemporary), [true, false, false, false]);
});

test("Every writer takes leftovers away: of matrices and of individual files too", async () => {
  const folder = temporaryFolder();
  const left = (place: string) =>
    put(temporaryIn(place).replace(/-\d*\.(?=[0-9a-f]{8}\.tmp$)/, "-1."), "half");
  left(folder);
  await (await MatrixFile.create(join(folder, "m.npy"), [1, 1])).discard();
  assert.equal(readdirSync(folder), []);
  const writer = openIndividualWriter(join(folder, "individual"));
  const utterance = {
    dataset: "d",
    speakerId: "s",
    utteranceId: "u",
    path: "u.wav",
    embedding: Float32Array.of(1),
  };
  const path = writer.utterance(utterance);
  left(dirname(path));
  openIndividualWriter(join(folder, "individual")).utterance(utterance);
  assert.equal(readdirSync(dirname(path)), [basename(path)]);
});

test.run();
