import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { withChecksums } from "./checksums.js";
import { decode } from "./decode.js";
import {
  bytesOf,
  flacCases,
  float32,
  fmt,
  int16,
  lossyCases,
  lossyFile,
  riff,
  sndfileCases,
  snr,
  wave,
} from "./fixtures.js";

const floats = (base64: string) => new Float32Array(bytesOf(base64).buffer);

/** The MD5 of the samples as FLAC's encoder saw them, and the one in the header. */
function md5s(file: Uint8Array, bits: number): [string, string] {
  const { channels } = decode(file);
  const width = Math.ceil(bits / 8);
  const samples = Buffer.alloc(channels.length * channels[0].length * width);
  let at = 0;
  for (let i = 0; i < channels[0].length; i++)
    for (const plane of channels) at = samples.writeIntLE(plane[i] * 2 ** (bits - 1), at, width);
  return [
    createHash("md5").update(samples).digest("hex"),
    Buffer.from(file.subarray(26, 42)).toString("hex"),
  ];
}

const pcm = suite("decode, uncompressed");
pcm("gives bit for bit what libsndfile gives, for each of its formats and sample types", () => {
  const cases = sndfileCases();
  assert.is(cases.length, 46);
  for (const { name, channels, file, samples } of cases) {
    const got = decode(bytesOf(file), { path: name });
    const want = floats(samples);
    assert.is(got.channels.length, channels, name);
    assert.is(got.sampleRate, 16000, name);
    got.channels.forEach((plane, c) => {
      const frames = want.length / channels;
      assert.equal(plane, want.slice(c * frames, (c + 1) * frames), `${name}, channel ${c}`);
    });
  }
});
pcm("divides integers by 2^(bits - 1)", () => {
  assert.equal(
    [...decode(wave(int16(0, 1, -1, 32767, -32768))).channels[0]],
    [0, 1 / 32768, -1 / 32768, 32767 / 32768, -1],
  );
});
pcm("names the container and the codec", () => {
  const { format, codec } = decode(wave(int16(1, 2)));
  assert.equal([format, codec], ["wav", "pcm_s16le"]);
});
pcm("reads bytes that lie at an odd place of a larger buffer", () => {
  const file = wave(float32(0.1, 0.2, 0.3), { tag: 3, bits: 32 });
  const larger = Buffer.concat([Buffer.alloc(3), file, Buffer.alloc(5)]);
  assert.equal(decode(larger.subarray(3, 3 + file.length)).channels[0], Float32Array.of(0.1, 0.2, 0.3));
});
pcm("skips chunks of odd length before the samples", () => {
  const file = riff([
    ["JUNK", Buffer.from("odd")],
    ["fmt ", fmt()],
    ["LIST", Buffer.from("INFOISFT\u0005\0\0\0abcd\0")],
    ["data", int16(7, 8)],
    ["cue ", Buffer.alloc(4)],
  ]);
  assert.equal([...decode(file).channels[0]], [7 / 32768, 8 / 32768]);
});
pcm("takes the rest of the file where a streaming writer left 0 or a huge size", () => {
  for (const size of [0, 0xffffffff, 0x7ffff000, 0x7fffffff]) {
    const file = wave(int16(1, 2, 3));
    file.writeUInt32LE(size, 4);
    file.writeUInt32LE(size, 40);
    assert.is(decode(file).channels[0].length, 3, String(size));
  }
});
pcm("finds no samples in an empty data chunk that another chunk follows", () => {
  const file = riff([
    ["fmt ", fmt()],
    ["data", Buffer.alloc(0)],
    ["LIST", Buffer.from("INFO")],
  ]);
  assert.is(decode(file).channels[0].length, 0);
});
pcm("leaves out a frame that is cut off within the promised size", () => {
  assert.is(decode(wave(Buffer.alloc(11), { channels: 2 })).channels[0].length, 2);
});
pcm("takes the 64-bit size of BW64", () => {
  const ds64 = Buffer.alloc(28);
  ds64.writeBigUInt64LE(4n, 8);
  const file = riff(
    [
      ["ds64", ds64],
      ["fmt ", fmt()],
      ["data", int16(5, 6)],
      ["junk", Buffer.alloc(8)],
    ],
    { id: "BW64", size: 0xffffffff },
  );
  file.writeUInt32LE(0xffffffff, file.indexOf("data") + 4);
  assert.is(decode(file).channels[0].length, 2);
});
pcm("finds MP3 frames in a WAVE file", () => {
  const file = riff([
    ["fmt ", fmt({ tag: 0x55, bits: 0, align: 1 })],
    ["data", lossyFile("mpeg25.mp3")],
  ]);
  const { format, codec, sampleRate } = decode(file);
  assert.equal([format, codec, sampleRate], ["wav", "mp3", 8000]);
});
pcm("skips an ID3 tag before the file", () => {
  const tag = Buffer.from("ID3\x04\0\0\0\0\0\x05abcde", "latin1");
  assert.is(decode(Buffer.concat([tag, wave(int16(1, 2, 3))])).channels[0].length, 3);
});
pcm.run();

const flac = suite("decode, FLAC");
flac("reproduces the samples that the header's MD5 was taken of, for every size of sample and block", () => {
  const cases = flacCases();
  assert.is(cases.length, 13);
  for (const { name, bits, file } of cases) {
    const [got, want] = md5s(bytesOf(file), bits);
    assert.is(got, want, name);
  }
});
flac("reproduces the samples of every bundled FLAC file", () => {
  const root = join(__dirname, "../../data/speech");
  const files = readdirSync(root, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".flac"));
  assert.is(files.length, 116);
  for (const name of files) {
    const [got, want] = md5s(readFileSync(join(root, name)), 16);
    assert.is(got, want, name);
  }
});
flac("reads a file whose header tells no number of samples", () => {
  const file = bytesOf(flacCases()[4].file);
  const frames = decode(file).channels[0].length;
  file.fill(0, 22, 26);
  file[21] &= 0xf0;
  assert.is(decode(file).channels[0].length, frames);
});
flac("refuses 32 bits in stereo, which need 33", () => {
  const file = bytesOf(flacCases()[12].file);
  file[20] |= 2;
  assert.throws(() => decode(file), /FLAC of 32 bits in stereo/);
});
flac.run();

const lossy = suite("decode, compressed");
for (const { name, by, sampleRate, channels, frames, file, samples } of lossyCases())
  lossy(`gives ${name} the length and the samples that ${by} gives it`, () => {
    const got = decode(bytesOf(file), { path: name });
    assert.is(got.sampleRate, sampleRate);
    assert.is(got.channels.length, channels);
    assert.is(got.channels[0].length, frames);
    const every4th = got.channels[0].filter((_, i) => i % 4 === 0);
    const want = Float32Array.from(new Int16Array(bytesOf(samples).buffer), (x) => x / 32768);
    const exact = /alac|flac/.test(name);
    const db = snr(want.subarray(0, every4th.length), every4th);
    assert.ok(exact ? db === Number.POSITIVE_INFINITY : db > 75, `${db} dB`);
  });
lossy("joins Ogg streams that follow each other", () => {
  const file = Buffer.from(lossyFile("vorbis.ogg"));
  const { channels } = decode(Buffer.concat([file, file]));
  assert.is(channels[0].length, 9600);
  assert.equal(channels[0].slice(4800), channels[0].slice(0, 4800));
});
lossy("plays MP3 files stuck together to the end of the second", () => {
  const file = Buffer.from(lossyFile("mpeg25.mp3"));
  const once = decode(file).channels[0].length;
  assert.is(decode(Buffer.concat([file, file])).channels[0].length, 2 * once);
});
lossy("takes no tag behind an MP3 file for audio or damage", () => {
  const file = Buffer.from(lossyFile("vbr-mono.mp3"));
  const want = decode(file).channels[0].length;
  for (const tag of [
    Buffer.from("TAG".padEnd(128, " ")),
    Buffer.from("APETAGEX".padEnd(300, "\0")),
    Buffer.alloc(500),
  ])
    assert.is(decode(Buffer.concat([file, tag])).channels[0].length, want);
});
lossy("amplifies Opus by the gain in its header", () => {
  const file = lossyFile("silk.opus");
  const quiet = decode(file).channels[0];
  new DataView(file.buffer).setInt16(28 + 16, 256 * 6, true);
  const loud = decode(withChecksums(file)).channels[0];
  assert.ok(Math.abs(loud[5000] / quiet[5000] - 10 ** (6 / 20)) < 1e-6);
});
lossy("refuses profiles of AAC that would come out with half of their band", () => {
  const file = Buffer.from(lossyFile("aac.m4a"));
  // The AudioSpecificConfig behind its descriptor: object type 5 is HE-AAC.
  const at = file.indexOf(Buffer.from([0x05, 0x80, 0x80, 0x80])) + 5;
  file[at] = (5 << 3) | (file[at] & 7);
  assert.throws(() => decode(file), /AAC of object type 5, not AAC-LC\. FFmpeg may decode it/);
});
lossy("loses nothing where there is no edit list, and cuts by iTunes' own tag", () => {
  const file = Buffer.from(lossyFile("aac.m4a"));
  const whole = Buffer.from(file);
  whole.write("free", whole.indexOf("edts"), "latin1");
  assert.is(decode(whole).channels[0].length, 4800 + 1024);
  // Somewhere in moov: the name of the encoder makes room.
  const tag = " 00000000 00000400 00000000 0000000000000FA0";
  const moov = whole.indexOf("moov");
  const udta = Buffer.from(`\0\0\0\0free\0\0iTunSMPB\0\0data${tag}`, "latin1");
  udta.writeUInt32BE(udta.length, 0);
  const end = moov - 4 + whole.readUInt32BE(moov - 4);
  const tagged = Buffer.concat([whole.subarray(0, end), udta, whole.subarray(end)]);
  tagged.writeUInt32BE(tagged.readUInt32BE(moov - 4) + udta.length, moov - 4);
  assert.is(decode(tagged).channels[0].length, 4000);
});
lossy.run();
