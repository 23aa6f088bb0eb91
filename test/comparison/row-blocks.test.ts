import { spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compareVectors } from "../../src/comparison/compare-vectors.js";
import { writeNpy } from "../../src/format/npy.js";
import type { Progress } from "../../src/types.js";
import { vectors } from "../similarity/vectors.js";

const folder = mkdtempSync(join(tmpdir(), "similarity-rows-"));
test.after(() => rmSync(folder, { recursive: true }));

const input = join(folder, "x.npy");
const n = 900;
writeFileSync(input, writeNpy(vectors(n, 24).data, { shape: [n, 24] }));
const options = { topK: 6, threshold: 0.7, matrix: true } as const;

function sameFiles(a: string, b: string): void {
  assert.equal(readdirSync(a).sort(), readdirSync(b).sort());
  for (const name of readdirSync(a))
    assert.ok(readFileSync(join(a, name)).equals(readFileSync(join(b, name))), name);
}

test("Row blocks in any order give the bytes of a single run", async () => {
  const [single, shared] = [join(folder, "single"), join(folder, "shared")];
  await compareVectors(input, single, options);
  for (const rowRange of [
    [700, n],
    [0, 300],
    [300, 700],
  ] as [number, number][]) {
    const { result } = await compareVectors(input, shared, { ...options, rowRange, blockRows: 133 });
    assert.is(result === undefined, rowRange[0] !== 300, "the last one joins");
  }
  assert.not(existsSync(join(shared, "similarity_rows")));
  sameFiles(single, shared);
});

test("After kill -9 what is stored is not done again, and nothing half-done counts", async () => {
  const killed = join(folder, "killed");
  const home = join(killed, "similarity_rows");
  const script = `
    const { compareVectors } = require(${JSON.stringify(join(__dirname, "../../src/comparison/compare-vectors.ts"))});
    compareVectors(${JSON.stringify(input)}, ${JSON.stringify(killed)}, ${JSON.stringify({ ...options, rowRange: [0, n], blockRows: 60 })});
  `;
  const child = spawn(process.execPath, ["--import", "tsx", "--eval", script], { stdio: "inherit" });
  const ended = new Promise((resolve) => child.on("close", resolve));
  const stored = () => (existsSync(home) ? readdirSync(home).filter((name) => /^\d+-\d+$/.test(name)) : []);
  while (stored().length < 3 && child.exitCode === null)
    await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill("SIGKILL");
  await ended;
  const before = stored();
  assert.ok(before.length >= 3 && before.length < n / 60, `${before.length} blocks`);
  const made = before.map((name) => readFileSync(join(home, name, "block.json"), "utf8"));
  let started = Number.NaN;
  const onProgress = (progress: Progress) => {
    if (progress.stage === "similarity" && Number.isNaN(started)) {
      started = progress.done;
      assert.equal(
        before.map((name) => readFileSync(join(home, name, "block.json"), "utf8")),
        made,
      );
    }
  };
  await compareVectors(input, killed, {
    ...options,
    rowRange: [0, n],
    blockRows: 60,
    onProgress,
  });
  assert.is(started, before.length * 60);
  const fresh = join(folder, "fresh");
  await compareVectors(input, fresh, { ...options });
  sameFiles(fresh, killed);
});

test("Blocks of other vectors or settings are an error before anything is computed", async () => {
  const mixed = join(folder, "mixed");
  await compareVectors(input, mixed, { ...options, rowRange: [0, 700] });
  const other = join(folder, "other.npy");
  writeFileSync(other, writeNpy(vectors(n, 24, { seed: 2 }).data, { shape: [n, 24] }));
  const onProgress = () => {
    throw new Error("It is computing.");
  };
  for (const [path, changed, pattern] of [
    [input, { threshold: 0.6 }, /Rows 0:700 were compared with threshold 0\.7 instead of 0\.6\./],
    [input, { topK: 9 }, /topK 6 instead of 9/],
    [other, {}, /with other vectors\./],
  ] as const)
    await compareVectors(path, mixed, { ...options, rowRange: [700, n], onProgress, ...changed }).then(
      () => assert.unreachable(),
      (error) => {
        assert.is(error.tag, "conflict");
        assert.match(error.message, pattern);
        assert.match(error.message, "similarity_rows");
      },
    );
  // Rows that are there, in whatever blocks, are not done again.
  const { result } = await compareVectors(input, mixed, { ...options, rowRange: [600, n], blockRows: 50 });
  assert.is(result!.statistics.totalPairs, (n * (n - 1)) / 2);
  sameFiles(join(folder, "single"), mixed);
});

test("Processes that join the rows at the same time all end well, and no block of others is deleted", async () => {
  const stored = join(folder, "stored");
  for (const rowRange of [
    [0, 500],
    [500, 899],
  ] as [number, number][])
    await compareVectors(input, stored, { ...options, rowRange, blockRows: 100 });
  const single = join(folder, "single");
  await compareVectors(input, single, options);
  for (let round = 0; round < 2; round++) {
    const place = join(folder, `joined ${round}`);
    cpSync(stored, place, { recursive: true });
    // Of another machine that is still writing.
    const foreign = join(place, "similarity_rows", ".0123456789abcdef-1-1.abcdef01.tmp");
    mkdirSync(foreign);
    const results = await Promise.all(
      [0, 1, 2].map(() => compareVectors(input, place, { ...options, rowRange: [899, n] })),
    );
    assert.ok(results.some(({ result }) => result !== undefined));
    for (const { result, joinedElsewhere } of results) assert.ok(result !== undefined || joinedElsewhere);
    assert.ok(existsSync(foreign));
    rmSync(join(place, "similarity_rows"), { recursive: true });
    sameFiles(single, place);
  }
});

test("A block that says nothing is an error that names its file", async () => {
  const place = join(folder, "torn");
  await compareVectors(input, place, { ...options, rowRange: [0, 100] });
  const facts = join(place, "similarity_rows", "000000000-000000100", "block.json");
  writeFileSync(facts, "");
  const error = await compareVectors(input, place, { ...options, rowRange: [100, n] }).then(
    () => undefined,
    (reason: Error) => reason,
  );
  assert.is(error?.name, "ScopeError", String(error?.stack));
  assert.ok(error?.message.includes(facts), error?.message);
});

test.run();
