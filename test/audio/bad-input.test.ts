import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { loadAudio } from "../../src/audio/load-audio.js";
import { ScopeError } from "../../src/errors.js";
import { withChecksums } from "./checksums.js";
import { allFiles, bytesOf, flacCases, float32, int16, lossyFile, random, wave } from "./fixtures.js";

// Only what is decoded here, whatever the machine has.
process.env.FFMPEG = "/nonexistent/ffmpeg";

// Nobody decodes in silence who writes on stderr.
let written = "";
process.stderr.write = ((text: string | Uint8Array) => {
  written += text;
  return true;
}) as typeof process.stderr.write;

async function fails(bytes: Uint8Array, reason: RegExp, what = ""): Promise<void> {
  const error = await loadAudio(bytes).then(
    ({ samples }) => new Error(`loaded ${samples.length} samples`),
    (thrown) => thrown,
  );
  assert.ok(error instanceof ScopeError, `${what}: ${error.stack}`);
  assert.match(error.message, reason, what);
}

const bad = suite("loadAudio, files that are no audio or broken");
bad("says what is wrong with an empty file, a text and a picture", async () => {
  await fails(new Uint8Array(), /The file is empty \(0 bytes\)/);
  await fails(
    Buffer.from("dear diary,\nnothing happened\n"),
    /The file begins with "dear diary.+none of WAV, FLAC.+FFMPEG/,
  );
  await fails(Buffer.from("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "latin1"), /none of WAV/);
  await fails(Buffer.alloc(5000), /none of WAV/);
});
bad("finds no audio in headers alone", async () => {
  await fails(wave(int16(1)).subarray(0, 12), /no data chunk in its 12 bytes/);
  await fails(wave(int16(1)).subarray(0, 36), /no data chunk/);
  await fails(wave(Buffer.alloc(0)), /The file holds no samples/);
  await fails(bytesOf(flacCases()[4].file).subarray(0, 4), /The FLAC header is cut off/);
  await fails(bytesOf(flacCases()[4].file).subarray(0, 42), /cut off/);
  await fails(Buffer.from("OggS"), /cut off in the last page/);
  await fails(Buffer.from(".snd\0\0\0\x18", "latin1"), /The AU header is cut off/);
});
bad("takes no truncated file for a shorter one, of any format and wherever it is cut", async () => {
  for (const [name, bytes] of allFiles()) {
    // What follows the samples of AIFF, CAF and MP4 may miss; cuts between two frames of ADTS and MP2 cannot be seen.
    const steps = Array.from({ length: 8 }, (_, i) => Math.floor((bytes.length * (i + 0.37)) / 8.2));
    for (const length of steps) {
      if (/^(adts|layer2|mpeg25|cbr)/.test(name) && isBetweenFrames(name, bytes, length)) continue;
      // So little that a recorder may have counted its header too.
      if (/^(WAV|RF64|AIFF|AU|CAF|NIST|SD2|W64)/i.test(name) && bytes.length - length <= 68) continue;
      await fails(bytes.subarray(0, length), /./, `${name} cut to ${length}`);
    }
  }
});
bad("tells how many bytes of a cut WAVE file are missing", async () => {
  const file = wave(int16(...new Array(1000).fill(5)));
  await fails(
    file.subarray(0, 1044),
    /cut off in the samples: 1000 of the 2000 bytes that its header promises/,
  );
});
bad(
  "tells how many samples of a cut FLAC file are missing, also of one that misses a whole frame",
  async () => {
    const bytes = readFileSync(join(__dirname, "../../data/speech/test-other/367/367-130732-0003.flac"));
    // The sync code, a block size in 16 bits, 16 kHz, mono: so begins the last frame alone.
    const frame = bytes.lastIndexOf(Buffer.from([0xff, 0xf8, 0x75, 0x08]));
    for (const length of [bytes.length - 1, frame, frame - 1])
      await fails(bytes.subarray(0, length), /cut off or damaged, .*: 2\d{5} of the 240080 samples/);
  },
);
bad("says of bytes behind the last FLAC frame that they may be other data", async () => {
  const bytes = readFileSync(join(__dirname, "../../data/speech/test-other/367/367-130732-0003.flac"));
  await fails(
    Buffer.concat([bytes, Buffer.alloc(100, 7)]),
    /or followed by other data: 2\d{5} of the 240080 samples/,
  );
});
bad("refuses a flipped bit in FLAC and Ogg, which carry checksums", async () => {
  const next = random(3);
  for (const name of ["vorbis.ogg", "silk.opus", "flac.oga"]) {
    const file = lossyFile(name);
    file[200 + Math.floor(next() * (file.length - 200))] ^= 1 << Math.floor(next() * 8);
    await fails(file, /checksum|Ogg/, name);
  }
  for (let i = 0; i < 20; i++) {
    const file = bytesOf(flacCases()[4].file);
    const audio = Buffer.from(file).indexOf(Buffer.from([0xff, 0xf8]));
    file[audio + Math.floor(next() * (file.length - audio))] ^= 1 << Math.floor(next() * 8);
    await fails(file, /damaged|cut off|FLAC/, `flip ${i}`);
  }
});
bad("refuses samples that are no numbers, and says where", async () => {
  const wav = (...samples: number[]) => wave(float32(...samples), { tag: 3, bits: 32 });
  await fails(wav(0, 0.5, Number.NaN, 0), /The sample at 0.000 s is NaN, no number/);
  await fails(wav(0, Number.NEGATIVE_INFINITY), /is -Infinity, no number/);
});
bad("refuses impossible rates and channels", async () => {
  await fails(
    wave(int16(1, 2), { sampleRate: 1_000_000 }),
    /says 1000000 Hz, which is no sample rate of audio: those are 1000 to 768000 Hz/,
  );
  await fails(wave(int16(1, 2), { sampleRate: 0 }), /says 0 Hz/);
  await fails(wave(int16(1, 2), { channels: 0 }), /says 0 channels/);
  await fails(wave(int16(1, 2), { align: 7 }), /contradicts itself: 16 bits, 1 channels, but 7 bytes/);
  await fails(wave(int16(1, 2), { bits: 33, align: 5 }), /does not read WAVE samples of 33 bits/);
  await fails(wave(int16(1, 2), { tag: 2 }), /WAVE codec with the format tag 0x2/);
});
bad("believes no size that the file does not have", async () => {
  const before = process.memoryUsage().rss;
  // 2^36 - 1 samples in FLAC, 2^32 - 1 in AIFF, 4 GiB of MP4 packets, 2^60 bytes in CAF.
  const flac = bytesOf(flacCases()[4].file);
  flac.fill(255, 22, 26);
  flac[21] |= 15;
  await fails(flac, /500 of the 68719476735 samples/);
  const mp4 = Buffer.from(lossyFile("aac.m4a"));
  const sizes = mp4.indexOf("stsz");
  mp4.writeUInt32BE(0xffffffff, sizes + 8);
  mp4.writeUInt32BE(0xffffffff, sizes + 12);
  await fails(mp4, /The MP4 table tells 4294967295 packets of 4294967295 bytes/);
  const many = Buffer.from(lossyFile("aac.m4a"));
  many.writeUInt32BE(0xffffffff, many.indexOf("stts") + 8);
  await fails(many, /The stts box of the MP4 file is too short/);
  const aiff = Buffer.from(
    "FORM\0\0\0\0AIFFCOMM\0\0\0\x12\0\x01\xff\xff\xff\xff\0\x10\x40\x0c\xfa\0\0\0\0\0\0\0SSND\0\0\0\x08\0\0\0\0\0\0\0\0",
    "latin1",
  );
  await fails(aiff, /cut off in the samples/);
  assert.ok(process.memoryUsage().rss - before < 200e6);
});
bad("stops at maxSeconds", async () => {
  const file = wave(Buffer.alloc(400_000));
  const error = await loadAudio(file, { maxSeconds: 10 }).catch((thrown) => thrown);
  assert.match(error.message, /longer than 10 s. Take a shorter file, or a larger maxSeconds/);
});
bad("survives any bytes", async () => {
  const next = random(11);
  const below = (n: number) => Math.floor(next() * n);
  const files = allFiles();
  for (let round = 0; round < 800; round++) {
    const [name, original] = files[below(files.length)];
    const bytes = original.slice();
    const way = below(4);
    const reach = way === 1 ? Math.min(300, bytes.length) : bytes.length;
    if (way < 2) for (let i = below(12); i >= 0; i--) bytes[below(reach)] = below(256);
    if (way === 2) bytes.fill(below(256), below(bytes.length));
    if (way === 3)
      new DataView(bytes.buffer).setUint32(below(bytes.length - 4), [0, 1, 0x7fffffff, 0xffffffff][below(4)]);
    if (/ogg|opus|oga/.test(name) && below(2) === 0) withChecksums(bytes);
    try {
      const { samples } = await loadAudio(bytes);
      assert.ok(samples.every(Number.isFinite));
    } catch (error) {
      assert.ok(
        error instanceof ScopeError && /^(invalid|unsupported)$/.test(error.tag),
        `${name}: ${(error as Error).stack}`,
      );
      assert.ok(!/undefined|\[object/.test(error.message), error.message);
    }
  }
});
bad("writes nothing on stderr", () => assert.is(written, ""));
bad.run();

/** Whether a frame begins at `length`. */
function isBetweenFrames(name: string, bytes: Uint8Array, length: number): boolean {
  const sync = name.startsWith("adts") ? 0xf0 : 0xe0;
  return bytes[length] === 0xff && (bytes[length + 1] & sync) === sync;
}
