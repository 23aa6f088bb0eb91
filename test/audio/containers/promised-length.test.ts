import { suite } from "uvu";
import * as assert from "uvu/assert";
import { checkPromisedLength } from "../../../src/audio/containers/promised-length.js";
import { sourceOf } from "../../../src/audio/containers/source.js";

const latin = (text: string): Buffer => Buffer.from(text, "latin1");
const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const u64 = (value: number | bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
const body = Buffer.alloc(600, "x");

const block = (index: number, total: number): Buffer =>
  Buffer.concat([latin("wvpk"), u32(124), u32(0), u32(total), u32(index), u32(100), Buffer.alloc(108)]);
const tag = Buffer.concat([latin("\x08\0\0\xc8\0\0\0\0\0\0\0"), Buffer.alloc(200), latin("\0\0\0\xd3")]);
const guid = latin("\x30\x26\xb2\x75".padEnd(16, "g"));
const transport = (packets: number): Buffer =>
  Buffer.concat(new Array<Buffer>(packets).fill(latin("G".padEnd(188, "\xff"))));

const files: [string, Buffer][] = [
  ["Matroska", Buffer.concat([latin("\x1aE\xdf\xa3\x84test\x18S\x80g\x01\0\0\0\0\0\x02\x58"), body])],
  ["Wave64", Buffer.concat([latin("riff".padEnd(16, "g")), u64(624), body])],
  ["AVI", Buffer.concat([latin("RIFF"), u32(604), latin("AVI "), body])],
  ["WavPack", Buffer.concat([block(0, 300), block(100, 300), block(200, 300)])],
  ["Flash video", Buffer.concat([latin("FLV\x01\x04\0\0\0\x09\0\0\0\0"), tag, tag, tag])],
  [
    "ASF",
    Buffer.concat([guid, u64(124), Buffer.alloc(100), latin("data".padEnd(16)), u64(524), Buffer.alloc(500)]),
  ],
  ["a transport stream", transport(5)],
];

const check = (bytes: Uint8Array) => checkPromisedLength(sourceOf(bytes, undefined));

const promised = suite("checkPromisedLength");
promised("passes whole files", () => {
  for (const [, bytes] of files) check(bytes);
});
promised("refuses files of which a piece lacks at the end", () => {
  for (const [name, bytes] of files)
    for (const by of [1, 10, 100, 250])
      assert.throws(
        () => check(bytes.subarray(0, -by)),
        /^The file is cut off: \d+ of the \d+ (bytes|samples)/,
        `${name} ${by}`,
      );
});
promised("refuses WavPack that lacks whole blocks", () => {
  const [, bytes] = files[3];
  assert.throws(() => check(bytes.subarray(0, 264)), /cut off: 200 of the 300 samples/);
});
promised("passes sizes that were never filled in, and what it does not know", () => {
  const live = Buffer.concat([
    latin("\x1aE\xdf\xa3\x84test\x18S\x80g\x01\xff\xff\xff\xff\xff\xff\xff"),
    body,
  ]);
  check(live);
  check(Buffer.concat([latin("riff".padEnd(16, "g")), u64(0xffff_ffff_ffff_ffffn), body]));
  check(Buffer.concat([latin("RIFF"), u32(0xffff_ffff), latin("AVI "), body]));
  check(Buffer.concat([block(0, 0xffff_ffff), block(100, 0xffff_ffff)]));
  check(body);
  check(Buffer.alloc(0));
});
promised.run();
