import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type FrontEndSettings, openFrontEnd } from "../../src/embed/front-end.js";
import { type Piece, prepare } from "../../src/extract/prepare.js";
import { fbankDefaults } from "../../src/features/fbank.js";
import { packageRoot } from "../../src/util/package-root.js";
import { voice, wav } from "../tiny.js";

// Threads run what is built.
const { prepareInThreads } = require(
  join(packageRoot, "dist", "src", "extract", "prepare-in-threads.js"),
) as typeof import("../../src/extract/prepare-in-threads.js");

const frontEnd: FrontEndSettings = { fbank: fbankDefaults, minFrames: 1, bucket: 1 };

async function all(file: AsyncIterable<Piece>): Promise<Piece[] | string> {
  const pieces: Piece[] = [];
  try {
    for await (const piece of file) pieces.push(piece);
  } catch (error) {
    return (error as Error).message;
  }
  return pieces;
}

test("more files than threads, broken and long ones among them, give what they give without threads", async () => {
  const long = new Float32Array(16000 * 450);
  for (let i = 0; i < 450; i++) long.set(voice(i % 7, { seconds: 1 }), i * 16000);
  const files = [
    wav([voice(1)]),
    wav([long]),
    wav([voice(2)]).subarray(0, 700),
    Buffer.from("no audio"),
    wav([new Float32Array(8000)]),
    wav([voice(3, { seconds: 0.01 })]),
    wav([voice(4), voice(5)]),
  ];
  const here = openFrontEnd(frontEnd);
  const expected = await Promise.all(files.map((bytes) => all(prepare(bytes, here, "mean"))));
  assert.equal(
    expected.map((pieces) => (typeof pieces === "string" ? "error" : pieces.length)),
    [1, 2, "error", "error", 1, 1, 1],
  );
  for (const count of [1, 3]) {
    const preparer = prepareInThreads(count, { frontEnd, channel: "mean", vad: false });
    // All begin before the first is read.
    const given = files.map((bytes) => preparer.prepare(bytes));
    const pieces: unknown[] = [];
    for (const file of given) pieces.push(await all(file));
    await preparer.close();
    assert.equal(pieces, expected);
  }
});

test("a long file that is read no further leaves its thread to the next", async () => {
  const preparer = prepareInThreads(1, { frontEnd, channel: "mean", vad: false });
  const long = preparer.prepare(wav([new Float32Array(16000 * 450).fill(0.1)]));
  const next = preparer.prepare(wav([voice(1)]));
  for await (const _ of long) break;
  assert.is((await all(next)).length, 1);
  await preparer.close();
});

test("errors keep their tag on the way out of a thread", async () => {
  const preparer = prepareInThreads(1, { frontEnd, channel: "mean", vad: false });
  const file = preparer.prepare(wav([voice(2)]).subarray(0, 700));
  const error = await file[Symbol.asyncIterator]()
    .next()
    .then(
      () => undefined,
      (error: { tag?: string }) => error,
    );
  await preparer.close();
  assert.is(error?.tag, "invalid");
});

test("a thread that dies fails its file, and another takes the next", async () => {
  const broken = { ...frontEnd, fbank: { ...fbankDefaults, scale: Number.NaN } };
  const preparer = prepareInThreads(1, { frontEnd: broken, channel: "mean", vad: false });
  const files = [1, 2, 3].map((seed) => preparer.prepare(wav([voice(seed)])));
  for (const file of files) assert.match(String(await all(file)), /scale is NaN/);
  await preparer.close();
});

test.run();
