import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Decoded, decode } from "./decode.js";
import { bytesOf, flacCases, float32, fmt, int16, lossyFile, riff, sine16, wave } from "./fixtures.js";

/** Equal, without a picture of thousands of samples where they are not. */
function same(got: Decoded, want: Decoded, what = ""): void {
  const facts = ({ channels, ...rest }: Decoded) => ({
    ...rest,
    lengths: channels.map(({ length }) => length),
  });
  assert.equal(facts(got), facts(want), what);
  got.channels.forEach((plane, c) => {
    assert.is(
      plane.findIndex((sample, i) => sample !== want.channels[c][i]),
      -1,
      what,
    );
  });
}

const lengthOf = (bytes: Uint8Array) => decode(bytes).channels[0].length;
const join_ = (...parts: Uint8Array[]) => Buffer.concat(parts);

const id3v1 = Buffer.from("TAG".padEnd(128, "\0"), "latin1");
const enhanced = Buffer.from("TAG+".padEnd(227, "\0"), "latin1");
/** With a sync code of MPEG audio in it. */
const id3v2 = Buffer.from(`ID3\x04\0\0\0\0\x01\x22\xff\xfb\x90\x64${"x".repeat(158)}`, "latin1");
const apeItems = Buffer.from("x".repeat(100));
const apeEnd = (flags: number) => {
  const footer = Buffer.alloc(32);
  footer.write("APETAGEX");
  [2000, 132, 1, flags].forEach((value, i) => {
    footer.writeUInt32LE(value >>> 0, 8 + 4 * i);
  });
  return footer;
};
const apev2 = join_(apeEnd(0xa0000000), apeItems, apeEnd(0x80000000));
const apev1 = join_(apeItems, apeEnd(0));
const lyricsBody = `LYRICSBEGININD00002${"10".padEnd(40, " ")}`;
const lyrics2 = Buffer.from(`${lyricsBody}${String(lyricsBody.length).padStart(6, "0")}LYRICS200`);
const lyrics1 = Buffer.from("LYRICSBEGINla la laLYRICSEND");
const tags: [string, Buffer][] = [
  ["ID3v1", id3v1],
  ["ID3v1 with its extension", join_(enhanced, id3v1)],
  ["ID3v2", id3v2],
  ["APEv2", apev2],
  ["APEv2 without the flag of its header", join_(apeEnd(0), apeItems, apeEnd(0))],
  ["APEv1", apev1],
  ["Lyrics3v2 and ID3v1", join_(lyrics2, id3v1)],
  ["Lyrics3v1 and ID3v1", join_(lyrics1, id3v1)],
  ["APEv2, Lyrics3v2 and ID3v1", join_(apev2, lyrics2, id3v1)],
];

const mp3 = suite("decode, MP3 of odd structure");
mp3("skips every kind of tag between two files and behind the last", () => {
  for (const name of ["cbr-stereo-without-header.mp3", "mpeg25.mp3", "layer2.mp2"]) {
    const file = lossyFile(name);
    const once = decode(file);
    const twice = decode(join_(file, file));
    for (const [kind, tag] of tags) {
      same(decode(join_(file, tag)), once, `${name}, ${kind} behind`);
      same(decode(join_(file, tag, file, tag, id3v2)), twice, `${name}, ${kind} between`);
    }
  }
});
mp3("skips several tags before the first frame", () => {
  const file = lossyFile("mpeg25.mp3");
  for (const before of [id3v2, join_(id3v2, id3v2), apev2, join_(apev2, id3v2)])
    same(decode(join_(before, file)), decode(file));
});
mp3("says where and to what the audio changes, and names FFmpeg", () => {
  assert.throws(
    () => decode(join_(lossyFile("cbr-stereo-without-header.mp3"), lossyFile("mpeg25.mp3"))),
    /changes amid the file, at byte 2194 \(0\.366 s\), from MP3 of two channels at 22050 Hz to MP3 of one channel at 8000 Hz.*FFmpeg/,
  );
});
mp3("says that a bit rate is free-format", () => {
  const file = lossyFile("mpeg25.mp3");
  for (let at = 0; at + 4 < file.length; at++)
    if (file[at] === 0xff && file[at + 1] === 0xe3) file[at + 2] &= 0x0f;
  assert.throws(() => decode(file), /free-format bit rate.*FFmpeg/);
});
mp3("decodes joint stereo whose channels have unlike blocks, as FFmpeg does", () => {
  const { channels } = decode(readFileSync(join(__dirname, "../fixtures/audio/unlike-blocks.mp3")));
  assert.is(channels[0].length, 3456);
  // FFmpeg 5.1's samples.
  const want = [
    [0, -1.9e-5],
    [2.3e-5, -4.78e-4],
    [0.212798, 0.190006],
    [0.158927, -0.003873],
    [-0.08817, -0.024646],
    [-0.18517, -0.206666],
    [-0.25163, -0.015551],
    [0.073018, 0.018061],
  ];
  want.forEach((pair, i) => {
    pair.forEach((sample, channel) => {
      const got = channels[channel][288 + i * 432];
      assert.ok(Math.abs(got - sample) < 2e-6, `${i} ${channel}: ${got} instead of ${sample}`);
    });
  });
});
mp3("refuses what lies between frames and is no tag", () => {
  const file = lossyFile("mpeg25.mp3");
  for (const junk of [Buffer.alloc(50), Buffer.from("x".repeat(999))])
    assert.throws(
      () => decode(join_(file, junk, file)),
      new RegExp(`^(?!.*FFmpeg).*${junk.length} bytes at byte 1008 .* between MPEG audio frames`),
    );
});
mp3("leaves frames that lie amid another format to FFmpeg", () => {
  const file = lossyFile("mpeg25.mp3");
  const chunk = Buffer.from("01wb\xf0\x03\0\0", "latin1");
  assert.throws(
    () => decode(join_(Buffer.from("AVI ".repeat(30)), chunk, file, chunk, file)),
    /8 bytes at byte 1136 .* between MPEG audio frames.*FFmpeg/,
  );
});
mp3("doubts what lies behind the last frame and is no tag", () => {
  const file = lossyFile("mpeg25.mp3");
  assert.equal(decode(join_(file, Buffer.alloc(50))).doubts, []);
  assert.match(
    decode(join_(file, Buffer.from("x".repeat(50)))).doubts[0].detail,
    /last 50 bytes, at byte 1008 \(0\.504 s\), are neither audio nor a tag/,
  );
});
mp3("doubts a tag that goes beyond the end", () => {
  const file = lossyFile("mpeg25.mp3");
  assert.match(
    decode(join_(file, id3v2.subarray(0, 50))).doubts[0].detail,
    /a tag at byte 1008 .* beyond the end/,
  );
});
mp3.run();

const flac = suite("decode, FLAC of odd structure");
const speech = readFileSync(join(__dirname, "../../data/speech/test-other/367/367-130732-0003.flac"));
const want = decode(speech);
flac("skips every kind of tag before and behind", () => {
  for (const [kind, tag] of tags) {
    same(decode(join_(speech, tag)), want, kind);
    same(decode(join_(speech, tag, id3v2)), want, `${kind}, then ID3v2`);
  }
  same(decode(join_(speech, apeEnd(0), apeItems, id3v1)), want, "APEv2 without a footer, and ID3v1");
  same(decode(join_(id3v2, apev2, speech)), want);
});
flac("takes the block sizes from the first frame where the header's cannot be", () => {
  for (const [least, most] of [
    [0, 0],
    [0, 4096],
    [16, 4096],
    [4096, 65535],
    [4096, 0],
    [1152, 1152],
  ]) {
    const file = Buffer.from(speech);
    file.writeUInt16BE(least, 8);
    file.writeUInt16BE(most, 10);
    same(decode(file), want, `${least} to ${most}`);
  }
  for (const { name, file } of flacCases()) {
    const bytes = bytesOf(file);
    bytes.fill(0, 8, 10);
    same(decode(bytes), decode(bytesOf(file)), name);
    // Less than a file's only block.
    bytes.set([0, 16, 0, 16], 8);
    same(decode(bytes), decode(bytesOf(file)), name);
  }
});
flac("reads a file without a total, and refuses it where it is cut amid a frame", () => {
  const file = Buffer.from(speech);
  file.fill(0, 22, 26);
  file[21] &= 0xf0;
  same(decode(file), want);
  for (const [kind, tag] of tags) same(decode(join_(file, tag)), want, kind);
  for (const end of [-1, -7, -40, -1000, -30_000])
    assert.throws(
      () => decode(file.subarray(0, end)),
      /followed by other data: [0-9]+ bytes lie behind/,
      `${end}`,
    );
});
flac("refuses two files that are stuck together", () => {
  assert.throws(() => decode(join_(speech, speech)), /damaged|cut off/);
});
flac("reads a file with much metadata before its frames", () => {
  const block = Buffer.alloc(300_004);
  block.writeUInt32BE((6 << 24) | 300_000);
  same(decode(join_(speech.subarray(0, 42), block, speech.subarray(42))), want);
});
flac.run();

const wav = suite("decode, WAVE of odd structure");
const samples = sine16(440, 0.5);
const plain = decode(wave(samples));
const sized = (by: number, riffBy = 0) => {
  const file = wave(samples);
  file.writeUInt32LE(samples.length + by, 40);
  file.writeUInt32LE(file.length - 8 + riffBy, 4);
  return file;
};
wav("reads what is there where the size counts a header too, and doubts it", () => {
  for (const by of [2, 8, 12, 24, 36, 44, 68]) {
    const { channels, doubts } = decode(sized(by));
    same({ ...plain, channels }, plain, `${by}`);
    assert.equal(
      doubts.map(({ warning }) => warning),
      ["inconsistent"],
    );
    assert.match(doubts[0].detail, new RegExp(`promises ${16000 + by} bytes of samples, the file has 16000`));
  }
  assert.equal(plain.doubts, []);
});
wav("counts a long header, too", () => {
  const chunks: [string, Buffer][] = [
    ["bext", Buffer.alloc(602)],
    ["fmt ", fmt()],
    ["data", samples],
  ];
  for (const by of [646, 654]) {
    const file = riff(chunks);
    file.writeUInt32LE(samples.length + by, file.indexOf("data") + 4);
    assert.is(decode(file).doubts.length, 1);
  }
});
wav("refuses a file that is really cut", () => {
  for (const by of [70, 100, 1000, 1e6])
    assert.throws(() => decode(sized(by)), /cut off in the samples: 16000 of the \d+ bytes/, `${by}`);
});
wav("reads sizes that were never filled in", () => {
  for (const [by, riffBy] of [
    [-16000, 0],
    [-16000, -16036],
    [0xffffffff - 16000, 0],
    [0xffffffff - 16000, 0xffffffff - 16036],
  ])
    same(decode(sized(by, riffBy)), plain, `${by} ${riffBy}`);
});
wav("doubts bytes behind the samples that are no chunk", () => {
  assert.match(decode(sized(-8000)).doubts[0].detail, /8000 bytes behind the samples/);
  const chunks: [string, Buffer][] = [
    ["fmt ", fmt()],
    ["data", samples],
  ];
  same(decode(riff([...chunks, ["LIST", Buffer.from("INFOISFT\x04\0\0\0abcd")]])), plain);
  same(decode(join_(riff(chunks), Buffer.alloc(100))), plain);
});
wav("works the bytes of a frame out where the header leaves 0", () => {
  same(decode(wave(samples, { align: 0 })), plain);
  const stereo = wave(samples, { align: 0, channels: 2 });
  assert.is(decode(stereo).channels.length, 2);
});
wav("works them out where the header's are too few, or not those of a second, and doubts it", () => {
  for (const [align, channels] of [
    [1, 1],
    [2, 2],
    [3, 2],
  ]) {
    const { doubts, ...rest } = decode(wave(samples, { align, channels }));
    same({ ...rest, doubts: [] }, decode(wave(samples, { channels })), `${align}`);
    assert.match(
      doubts[0].detail,
      new RegExp(`says ${align} bytes for each frame, but .* take ${2 * channels}`),
    );
  }
  const file = wave(samples, { align: 8 });
  assert.throws(() => decode(file), /contradicts itself: 16 bits, 1 channels, but 8 bytes for each frame/);
  file.writeUInt32LE(32000, 28);
  assert.is(decode(file).channels[0].length, plain.channels[0].length);
});
wav("takes a companded sample for a byte, whatever the header says of its bits", () => {
  const want = decode(wave(samples, { tag: 7, bits: 8 }));
  for (const bits of [0, 16]) same(decode(wave(samples, { tag: 7, bits, align: 1 })), want, `${bits}`);
});
wav("refuses two data chunks and two formats that differ, and doubts a second file behind", () => {
  const [format, data]: [string, Buffer][] = [
    ["fmt ", fmt()],
    ["data", samples],
  ];
  assert.throws(() => decode(riff([format, data, data])), /has two data chunks, at bytes 36 and 16044/);
  assert.throws(() => decode(riff([["fmt ", fmt({ sampleRate: 8000 })], format, data])), /two format chunks/);
  same(decode(riff([format, format, data])), plain);
  assert.match(
    decode(join_(riff([format, data]), riff([format, data]))).doubts[0].detail,
    /16044 bytes behind/,
  );
});
wav("says that a file is cut off, of a codec that only FFmpeg knows as well", () => {
  const file = wave(samples, { tag: 0x11, bits: 4, align: 256 });
  assert.throws(() => decode(file), /codec with the format tag 0x11/);
  assert.throws(() => decode(file.subarray(0, 44 + 256 * 20)), /cut off in the samples: 5120 of the 16000/);
});
wav("finds chunks in any order, and behind one of odd size without its padding", () => {
  same(
    decode(
      riff([
        ["data", samples],
        ["fmt ", fmt()],
      ]),
    ),
    plain,
  );
  const unpadded = join_(
    wave(samples).subarray(0, 12),
    Buffer.from("LIST\x05\0\0\0INFOx"),
    wave(samples).subarray(12),
  );
  same(decode(unpadded), plain);
});
wav("takes 24 bits in 4 bytes from the upper three, and refuses them elsewhere", () => {
  const upper = Buffer.from(Int32Array.of(1 << 8, -(1 << 30), 1 << 29).buffer);
  assert.equal([...decode(wave(upper, { bits: 24, align: 4 })).channels[0]], [2 ** -23, -0.5, 0.25]);
  const lower = Buffer.from(Int32Array.of(1, -5, 1 << 20).buffer);
  assert.throws(() => decode(wave(lower, { bits: 24, align: 4 })), /do not lie in the upper 3.*FFmpeg/);
  // Which of both it is cannot be told of 16 bits in the lower three.
  const either = Buffer.from(Int32Array.of(1 << 8, -5 << 8, 1 << 20).buffer);
  assert.match(decode(wave(either, { bits: 24, align: 4 })).doubts[0].detail, /may lie in the lower/);
  assert.equal(decode(wave(Buffer.alloc(400), { bits: 24, align: 4 })).doubts, []);
});
wav("leaves out half a sample at the end of an odd size", () => {
  assert.is(lengthOf(wave(Buffer.alloc(2001))), 1000);
  assert.is(lengthOf(wave(Buffer.alloc(4000 + 5), { tag: 3, bits: 32 })), 1001);
});
wav("leaves kinds of samples that it does not know to FFmpeg", () => {
  for (const format of [
    { tag: 1, bits: 64 },
    { tag: 3, bits: 16 },
    { tag: 2, bits: 4, align: 256 },
  ])
    assert.throws(() => decode(wave(float32(1, 2), format)), /FFmpeg/);
});
wav.run();

const sphere = suite("decode, SPHERE of odd structure");
const nist = (fields: string[]) =>
  join_(Buffer.from(`NIST_1A\n   1024\n${fields.join("\n")}\nend_head\n`.padEnd(1024, "\0")), int16(1, 2, 3));
const usual = [
  "sample_rate -i 8000",
  "channel_count -i 1",
  "sample_n_bytes -i 2",
  "sample_byte_format -s2 01",
];
sphere("reads to the end without a number of samples", () => {
  assert.equal(
    [...decode(nist(usual)).channels[0]],
    [1, 2, 3].map((x) => x / 32768),
  );
  assert.is(lengthOf(nist([...usual, "sample_count -i 2"])), 2);
});
sphere("takes 0 samples for a number that was never filled in, and doubts what lies behind fewer", () => {
  assert.is(lengthOf(nist([...usual, "sample_count -i 0"])), 3);
  const { channels, doubts } = decode(join_(nist([...usual, "sample_count -i 3"]), sine16(440, 1)));
  assert.is(channels[0].length, 3);
  assert.match(doubts[0].detail, /32000 bytes behind the samples are no part of the SPHERE file/);
});
sphere("refuses more samples than there are, and a header that is none", () => {
  assert.throws(
    () => decode(nist([...usual, "sample_count -i 300"])),
    /cut off in the samples: 6 of the 600 bytes/,
  );
  assert.throws(() => decode(nist([...usual, "sample_count -i many"])), /number of samples as "many"/);
  assert.throws(() => decode(nist([...usual.slice(0, 2), "sample_n_bytes -i 9"])), /9 bytes a sample/);
  assert.throws(() => decode(nist(usual).subarray(0, 500)), /SPHERE header says that it is 1024 bytes/);
});
sphere("leaves shorten to FFmpeg", () => {
  assert.throws(
    () => decode(nist([...usual, "sample_coding -s26 pcm,embedded-shorten-v2.00"])),
    /sample coding "pcm,embedded-shorten-v2.00".*FFmpeg/,
  );
});
sphere.run();

const others = suite("decode, AU and AIFF of odd structure");
const sun = (start: number, size: number, encoding = 3) => {
  const header = Buffer.alloc(24);
  header.write(".snd", "latin1");
  [start, size, encoding, 16000, 1].forEach((value, i) => {
    header.writeUInt32BE(value, 4 + 4 * i);
  });
  return join_(header, Buffer.alloc(2000, 1));
};
others("reads AU to the end where the size is 0, and doubts what lies behind a smaller one", () => {
  assert.is(lengthOf(sun(24, 0)), 1000);
  assert.match(decode(sun(24, 1000)).doubts[0].detail, /1000 bytes behind the samples/);
  assert.equal(decode(sun(24, 2000)).doubts, []);
});
others("refuses AU whose samples would begin amid the header", () => {
  assert.throws(() => decode(sun(8, 2000)), /begin at byte 8, amid the header/);
});
others("says that a file is cut off, of a codec that only FFmpeg knows as well", () => {
  assert.throws(() => decode(sun(24, 2000, 23)), /AU encoding 23/);
  assert.throws(() => decode(sun(24, 3000, 23)), /cut off in the samples: 2000 of the 3000/);
});
const aifc = (frames: number, codec: string, size = 2008) => {
  const common = Buffer.alloc(24);
  common.writeUInt16BE(1, 0);
  common.writeUInt32BE(frames, 2);
  common.writeUInt16BE(16, 6);
  common.set([0x40, 0x0c, 0xfa], 8);
  common.write(codec, 18, "latin1");
  const header = (id: string, length: number) => {
    const bytes = Buffer.alloc(8);
    bytes.write(id, "latin1");
    bytes.writeUInt32BE(length, 4);
    return bytes;
  };
  const chunks = join_(
    header("COMM", 24),
    common,
    header("SSND", size),
    Buffer.alloc(8),
    Buffer.alloc(2000, 1),
  );
  return join_(header("FORM", 4 + chunks.length), Buffer.from("AIFC"), chunks);
};
others("doubts AIFF whose header promises less than there is", () => {
  assert.equal(decode(aifc(1000, "NONE")).doubts, []);
  assert.match(decode(aifc(500, "NONE")).doubts[0].detail, /holds 2000 bytes, its header promises 1000/);
});
others("says that AIFC is cut off, of a codec that only FFmpeg knows as well", () => {
  assert.throws(() => decode(aifc(1000, "ima4")), /AIFC codec "ima4"/);
  assert.throws(() => decode(aifc(1000, "ima4", 4008)), /cut off in the samples: 2000 of the 4000/);
});
others.run();
