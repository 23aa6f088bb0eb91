import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { decode } from "../decode.js";
import { lossyFile } from "../fixtures.js";

const fixture = (name: string): Buffer => readFileSync(join(__dirname, "../../fixtures/audio", name));

/** Six frames of AAC in mono at 16 kHz. */
const file = Buffer.from(lossyFile("adts.aac"));
const frames = (...parts: Uint8Array[]): number => decode(Buffer.concat(parts)).channels[0].length;

const id3v2 = Buffer.concat([Buffer.from("ID3\x04\0\0\0\0\0\x14", "latin1"), Buffer.alloc(20, "x")]);
const id3v1 = Buffer.from("TAG".padEnd(128, " "));
/** An APEv2 tag of one item, with its header or without. */
function ape(withHeader: boolean): Buffer {
  const item = Buffer.from("\x04\0\0\0\0\0\0\0Title\0song", "latin1");
  const mark = (flags: number): Buffer => {
    const block = Buffer.alloc(32);
    block.write("APETAGEX", "latin1");
    block.writeUInt32LE(2000, 8);
    block.writeUInt32LE(item.length + 32, 12);
    block.writeUInt32LE(1, 16);
    block.writeUInt32LE(flags >>> 0, 20);
    return block;
  };
  return withHeader
    ? Buffer.concat([mark(0xa0000000), item, mark(0x80000000)])
    : Buffer.concat([item, mark(0)]);
}

const tags = suite("adts, tags");
tags("reads on behind tags between segments", () => {
  const once = frames(file);
  assert.is(once, 6144);
  for (const [name, tag] of Object.entries({ id3v2, id3v1, ape: ape(true) }))
    assert.is(frames(id3v2, file, tag, file, tag, tag, file), 3 * once, name);
});
tags("takes no tag, and no zeros, at the end for audio or damage", () => {
  const once = frames(file);
  for (const tag of [
    id3v2,
    id3v1,
    ape(true),
    ape(false),
    Buffer.concat([ape(false), id3v1]),
    Buffer.alloc(999),
  ])
    assert.is(frames(file, tag), once);
});
tags("tells the file apart also where a tag follows its first frame", () => {
  const size = (file.readUInt32BE(2) >>> 5) & 0x1fff;
  assert.is(frames(file.subarray(0, size), id3v2, file.subarray(size)), frames(file));
});
tags("refuses anything else between and behind frames", () => {
  for (const parts of [
    [file, Buffer.from("junk, not a tag"), file],
    [file, Buffer.from("junk, not a tag")],
  ])
    assert.throws(() => frames(...parts), /something else than an AAC frame at byte 1\d{3}/);
});
tags.run();

const changes = suite("adts, what FFmpeg has to decode");
changes("refuses another rate, other channels and several blocks amid the stream, and says where", () => {
  const changed = (byte: number, mask: number, value: number): Buffer => {
    const copy = Buffer.from(file);
    for (let at = 0; at < copy.length; at += (copy.readUInt32BE(at + 2) >>> 5) & 0x1fff)
      copy[at + byte] = (copy[at + byte] & ~mask) | value;
    return copy;
  };
  const place = `at byte ${file.length}`;
  assert.throws(
    () => frames(file, changed(2, 0x3c, 4 << 2)),
    new RegExp(`The AAC stream changes ${place}, from .+ 16000 Hz to .+ 44100 Hz\\. FFmpeg may decode it`),
  );
  assert.throws(
    () => frames(file, changed(3, 0xc0, 2 << 6)),
    new RegExp(`changes ${place}, from .+ 1 channel, .+ 2 channels,`),
  );
  assert.throws(() => frames(file, changed(6, 3, 1)), new RegExp(`The AAC frame ${place} holds 2 blocks`));
});
changes("refuses HE-AAC that only the payload signals, in ADTS and in M4A", () => {
  for (const name of ["he-implicit.aac", "he-implicit.m4a"])
    assert.throws(() => decode(fixture(name)), /HE-AAC.+FFmpeg may decode it/);
});
changes.run();
