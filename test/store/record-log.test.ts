import { appendFileSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type LogRecord, openLog, openVectorReader, scanLog } from "../../src/store/record-log.js";
import { temporaryFolder } from "../tiny.js";

/** A log as a whole, without the vectors. */
async function readLog<Meta>(path: string) {
  const records: LogRecord<Meta>[] = [];
  const end = await scanLog<Meta>(path, (record) => records.push(record));
  return { records, ...end };
}

const vector = (seed: number, length = 5) => Float32Array.from({ length }, (_, i) => seed + i / 7);

async function write(path: string, count: number, start = 0, end = 0): Promise<void> {
  const log = openLog(path, end);
  for (let i = start; i < start + count; i++) log.append({ file: `f${i} é\n`, size: i }, vector(i));
  log.close();
}

test("what was appended is read back, vectors too", async () => {
  const path = join(temporaryFolder(), "log");
  await write(path, 100);
  const { records, end, damagedBytes } = await readLog<{ file: string; size: number }>(path);
  assert.is(records.length, 100);
  assert.is(damagedBytes, 0);
  assert.is(end, readFileSync(path).length);
  assert.equal(records[7]!.meta, { file: "f7 é\n", size: 7 });
  const reader = await openVectorReader(path);
  for (const [i, { vectorOffset, vectorLength }] of records.entries())
    assert.equal(await reader.read(vectorOffset, vectorLength), vector(i));
  assert.equal(await reader.read(records[3]!.vectorOffset, 5), vector(3));
  await reader.close();
});

test("cut off at every length, whole records stay and the torn one is not read", async () => {
  const folder = temporaryFolder();
  const path = join(folder, "log");
  await write(path, 3);
  const bytes = readFileSync(path);
  const { records } = await readLog(path);
  const ends = records.map(({ vectorOffset, vectorLength }) => vectorOffset + vectorLength * 4);
  for (let length = 0; length < bytes.length; length++) {
    const cut = join(folder, "cut");
    writeFileSync(cut, bytes.subarray(0, length));
    const found = await readLog(cut);
    const whole = ends.filter((end) => end <= length);
    assert.is(found.records.length, whole.length);
    assert.is(found.end, whole.at(-1) ?? 0);
    assert.is(found.damagedBytes, length - found.end);
  }
});

test("after a torn end the next records follow the last whole one", async () => {
  const path = join(temporaryFolder(), "log");
  await write(path, 3);
  truncateSync(path, readFileSync(path).length - 3);
  const { end } = await readLog(path);
  await write(path, 2, 10, end);
  const { records, damagedBytes } = await readLog<{ size: number }>(path);
  assert.equal(
    records.map(({ meta }) => meta.size),
    [0, 1, 10, 11],
  );
  assert.is(damagedBytes, 0);
});

test("any flipped byte costs the record it lies in and no other", async () => {
  const folder = temporaryFolder();
  const path = join(folder, "log");
  await write(path, 4);
  const bytes = readFileSync(path);
  for (let at = 0; at < bytes.length; at++) {
    const damaged = Buffer.from(bytes);
    damaged[at]! ^= 0x55;
    writeFileSync(join(folder, "damaged"), damaged);
    const { records, damagedBytes } = await readLog(join(folder, "damaged"));
    assert.is(records.length, 3, `byte ${at}`);
    assert.ok(damagedBytes > 0);
  }
});

test("a log larger than a read is read whole", async () => {
  const path = join(temporaryFolder(), "log");
  const log = openLog(path, 0);
  for (let i = 0; i < 3000; i++) log.append({ i }, vector(i, 700));
  log.close();
  const { records } = await readLog<{ i: number }>(path);
  assert.is(records.length, 3000);
  assert.is(records.at(-1)!.meta.i, 2999);
  appendFileSync(path, Buffer.alloc(5 << 20, 1));
  const after = await readLog(path);
  assert.is(after.records.length, 3000);
  assert.is(after.damagedBytes, 5 << 20);
});

test.run();
