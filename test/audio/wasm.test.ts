import { suite } from "uvu";
import * as assert from "uvu/assert";
import { decodeFlac } from "../../src/audio/codecs.js";
import { borrow, giveBack } from "../../src/audio/wasm.js";
import { bytesOf, flacCases } from "./fixtures.js";

/** The metadata of these files end with STREAMINFO or a comment. */
const decoded = (bytes: Uint8Array) => {
  const at = Buffer.from(bytes).indexOf(Buffer.from([0xff, 0xf8]));
  return decodeFlac(bytes.subarray(0, at), [bytes.subarray(at)]);
};

const wasm = suite("audio.wasm");
wasm("decodes several files at the same time", () => {
  const files = flacCases()
    .slice(3, 6)
    .map((fixture) => bytesOf(fixture.file));
  const sum = (block: Float32Array[]) => block[0].reduce((total, sample) => total + Math.abs(sample), 0);
  const alone: number[] = [];
  for (const bytes of files) for (const block of decoded(bytes)) alone.push(sum(block));
  const blocks = files.map((bytes) => decoded(bytes).next().value);
  assert.equal(blocks.map(sum), alone);
});
wasm("gives its memory back after each file", () => {
  const grow = () => {
    for (let i = 0; i < 50; i++) for (const _ of decoded(bytesOf(flacCases()[9].file)));
    const instance = borrow();
    giveBack(instance);
    return instance.memory.buffer.byteLength;
  };
  const first = grow();
  assert.is(grow(), first);
});
wasm("is thrown away when it trapped, and another goes on", () => {
  const before = borrow();
  giveBack(before);
  // A channel that is not there: the module panics.
  const broken = { ...before, decode: () => before.plane(before.create(), 9) };
  giveBack(broken);
  const [{ file }] = flacCases().slice(4);
  assert.throws(() => decoded(bytesOf(file)).next(), /the decoder gave up on it/);
  const after = borrow();
  giveBack(after);
  assert.is.not(after, broken);
  assert.is(decoded(bytesOf(file)).next().value[0].length, 500);
});
wasm.run();
