import { execFileSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { audioExtensions } from "../../src/audio/formats.js";
import { type Audio, loadAudio } from "../../src/audio/load-audio.js";
import { loadSegments } from "../../src/audio/load-segments.js";
import { mixdown } from "../../src/audio/mixdown.js";
import { concatenated, resample } from "../../src/audio/resample.js";
import { float32, fmt, int16, lossyFile, riff, sine16, wave } from "./fixtures.js";

const folder = mkdtempSync(join(tmpdir(), "audio-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const place = (name: string, bytes: Uint8Array) => {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
};
const reason = (loading: Promise<unknown>) =>
  loading.then(
    () => "loaded",
    (error) => error.message as string,
  );

/** Left: 0.25, right: -0.75, rear: 0.5. */
const three = riff([
  ["fmt ", fmt({ channels: 3, sampleRate: 16000 })],
  ["data", int16(...Array.from({ length: 300 }, (_, i) => [8192, -24576, 16384][i % 3]))],
]);

const load = suite("loadAudio");
load("gives the samples and what the file was", async () => {
  const path = place("tone.wav", wave(sine16(440, 1.5)));
  const { samples, ...rest } = await loadAudio(path);
  assert.is(samples.length, 24000);
  assert.equal(rest, {
    sampleRate: 16000,
    channels: 1,
    originalSampleRate: 16000,
    seconds: 1.5,
    format: "wav",
    codec: "pcm_s16le",
    doubts: [],
  });
});
load("tells a file by its content, not by its name", async () => {
  assert.is((await loadAudio(place("flac.wav", lossyFile("vorbis.ogg")))).codec, "vorbis");
});
load("takes bytes as well as a path", async () => {
  const bytes = wave(sine16(440, 0.1));
  assert.equal((await loadAudio(bytes)).samples, (await loadAudio(place("same.wav", bytes))).samples);
});
load("means the channels, or takes the one asked for", async () => {
  const first = async (channel?: "mean" | number) => (await loadAudio(three, { channel })).samples[50];
  assert.is(await first(), 0);
  assert.is(await first("mean"), 0);
  assert.equal([await first(0), await first(1), await first(2)], [0.25, -0.75, 0.5]);
});
load("keeps a voice that is on the right only", async () => {
  const voice = sine16(300, 0.5, 44100);
  const stereo = Buffer.alloc(2 * voice.length);
  for (let i = 0; i < voice.length / 2; i++) stereo.writeInt16LE(voice.readInt16LE(2 * i), 4 * i + 2);
  const { samples } = await loadAudio(wave(stereo, { channels: 2, sampleRate: 44100 }));
  assert.ok(Math.abs(Math.max(...samples) - 0.25) < 0.001);
});
load("refuses a channel that is not there, naming the file and what there is", async () => {
  const path = place("three.wav", three);
  for (const channel of [3, -1, 0.5, Number.NaN])
    assert.is(
      await reason(loadAudio(path, { channel })),
      `${path}: There is no channel ${channel}: the audio has channels 0 to 2. Pass one of them, or "mean".`,
    );
  assert.match(
    await reason(loadAudio(wave(int16(1)), { channel: 1 })),
    /no channel 1: the audio has only channel 0/,
  );
});
load("changes the rate to the one asked for", async () => {
  const bytes = wave(sine16(1000, 1, 8000), { sampleRate: 8000 });
  const { samples, sampleRate, originalSampleRate, seconds } = await loadAudio(bytes);
  assert.equal([samples.length, sampleRate, originalSampleRate, seconds], [16000, 16000, 8000, 1]);
  assert.is((await loadAudio(bytes, { sampleRate: 22050 })).samples.length, 22050);
  const original = await loadAudio(bytes, { sampleRate: 8000 });
  assert.equal(resample(original.samples, 8000, 16000), samples);
});
load("loads a long file with room for it and no more", async () => {
  // 200 s, over several blocks and turns of the event loop.
  const { samples, seconds } = await loadAudio(wave(sine16(100, 200, 48000, 0.1), { sampleRate: 48000 }), {
    sampleRate: 48000,
  });
  assert.equal([samples.length, seconds, samples.buffer.byteLength], [9_600_000, 200, 4 * 9_600_000]);
});
load("says which file is missing, or is none", async () => {
  assert.match(
    await reason(loadAudio(join(folder, "none.wav"))),
    /^The audio file .*none\.wav does not exist\.$/,
  );
  assert.match(await reason(loadAudio(folder)), / is a folder, not a file\.$/);
  const huge = place("huge.wav", three);
  truncateSync(huge, 2 ** 31 + 1);
  assert.match(await reason(loadAudio(huge)), /huge\.wav is larger than the 2,147,483,647 bytes/);
  rmSync(huge);
});
load("refuses what is no regular file, or an empty one, before it reads a byte", async () => {
  execFileSync("mkfifo", [join(folder, "pipe.wav")]);
  const server = createServer().listen(join(folder, "socket.wav"));
  await once(server, "listening");
  const what = async (path: string) => (await reason(loadAudio(path))).replace(path, "FILE");
  const noFile = "The audio file FILE is a device or pipe, not a file.";
  assert.is(await what("/dev/zero"), noFile);
  assert.is(await what(join(folder, "pipe.wav")), noFile);
  assert.match(await what(join(folder, "socket.wav")), /^The audio file FILE cannot be read \(ENXIO/);
  assert.is(await what(place("nothing.wav", Buffer.alloc(0))), "FILE: The file is empty (0 bytes).");
  server.close();
});
load("refuses samples far beyond full scale, and says where", async () => {
  for (const value of [4e37, -4e37, 2e9])
    assert.match(
      await reason(loadAudio(wave(float32(0, 0.5, value, 0), { tag: 3, bits: 32 }))),
      /^The sample at 0\.000 s is -?[0-9.]+(e\+[0-9]+)?, far beyond full scale, which is 1\.$/,
    );
});
load("refuses rates that would take all memory, at once", async () => {
  for (const sampleRate of [1, 0, -16000, 1e9, Number.NaN])
    assert.match(
      await reason(loadAudio(three, { sampleRate })),
      /cannot be resampled to 1 Hz|is no sample rate/,
    );
});
load("names the file in every error", async () => {
  const path = place("cut.wav", three.subarray(0, 100));
  assert.match(await reason(loadAudio(path)), /cut\.wav: The file is cut off in the samples/);
});
load("stops when told, before and within", async () => {
  assert.match(
    await reason(loadAudio(three, { abortSignal: AbortSignal.abort() })),
    /^Loading audio was stopped on request\.$/,
  );
  const control = new AbortController();
  const loading = loadAudio(wave(Buffer.alloc(2 * 10_000_000)), { abortSignal: control.signal });
  setImmediate(() => control.abort());
  assert.match(await reason(loading), /^Loading audio was stopped on request\.$/);
});
load.run();

const segments = suite("loadSegments");
const piecesOf = async (bytes: Uint8Array, seconds: number) => {
  const pieces: Float32Array[] = [];
  for await (const { samples, sampleRate } of loadSegments(bytes, { seconds })) {
    assert.is(sampleRate, 16000);
    pieces.push(samples);
  }
  return pieces;
};
segments(
  "give the samples that loadAudio gives, in pieces of a length, the last from half to one and a half",
  async () => {
    const bytes = wave(sine16(440, 7.3, 44100), { sampleRate: 44100 });
    const whole = (await loadAudio(bytes)).samples;
    for (const seconds of [0.5, 1, 3, 4, 5, 8]) {
      const pieces = await piecesOf(bytes, seconds);
      const last = pieces.pop() as Float32Array;
      assert.ok(pieces.every(({ length }) => length === seconds * 16000));
      if (pieces.length > 0)
        assert.ok(last.length >= 8000 * seconds && last.length <= 24000 * seconds, `${seconds}`);
      assert.equal(concatenated([...pieces, last]), whole, `${seconds}`);
    }
  },
);
segments("come whole up to one and a half lengths", async () => {
  assert.is((await piecesOf(wave(sine16(440, 1.5)), 1)).length, 1);
  assert.is((await piecesOf(wave(sine16(440, 1.51)), 1)).length, 2);
});
segments("tell in the last piece what is doubtful about the file", async () => {
  const file = wave(sine16(440, 2));
  file.writeUInt32LE(64_008, 40);
  const doubts: string[] = [];
  for await (const piece of loadSegments(file, { seconds: 0.5 }))
    doubts.push(piece.doubts.map(({ warning }) => warning).join());
  assert.equal(doubts, ["", "", "", "inconsistent"].slice(-doubts.length));
});
segments("end at maxSeconds", async () => {
  const file = wave(sine16(440, 2));
  const all = async () => {
    for await (const _ of loadSegments(file, { seconds: 0.5, maxSeconds: 1 }));
  };
  assert.match(await reason(all()), /longer than 1 s/);
});
segments("refuse what loadAudio refuses", async () => {
  assert.match(await reason(piecesOf(three.subarray(0, 100), 1)), /cut off in the samples/);
  assert.match(await reason(piecesOf(wave(int16()), 1)), /no samples/);
});
segments.run();

const mix = suite("mixdown");
mix("gives the only channel itself, and new arrays else", () => {
  const [a, b] = [Float32Array.of(1, 2), Float32Array.of(3, 5)];
  assert.is(mixdown([a]), a);
  assert.is(mixdown([a, b], 1), b);
  assert.equal([...mixdown([a, b])], [2, 3.5]);
  assert.equal([...a], [1, 2]);
  assert.throws(() => mixdown([a, b], 2), /There is no channel 2: the audio has channels 0 to 1/);
});
mix.run();

const extra = suite("loadAudio, with the user's FFmpeg");
/** A program in FFmpeg's place. */
const program = (name: string, body: string) => {
  const path = place(name, Buffer.from(`#!${process.execPath}\n${body}\n`));
  chmodSync(path, 0o755);
  return path;
};
extra.after.each(() => {
  delete process.env.FFMPEG;
  delete process.env.TMPDIR;
});
extra("hands over what is not decoded here, and reads what comes back", async () => {
  const answer = place("answer.au", sun(sine16(500, 0.5, 32000), 32000));
  const log = join(folder, "arguments.json");
  process.env.FFMPEG = program(
    "ffmpeg-good",
    `const fs = require("fs");
     const [i, l] = ["-i", "-format_whitelist"].map((name) => process.argv[process.argv.indexOf(name) + 1]);
     fs.writeFileSync(${JSON.stringify(log)}, JSON.stringify([i, String(fs.readFileSync(i.slice(5))), l]));
     process.stdout.write(fs.readFileSync(${JSON.stringify(answer)}));`,
  );
  const path = place("-odd name%03d.wma", Buffer.from("\x30\x26\xb2\x75 something of Microsoft's"));
  const { samples, format, originalSampleRate, doubts } = await loadAudio(path);
  assert.equal([samples.length, format, originalSampleRate, doubts], [8000, "ffmpeg", 32000, []]);
  const [input, content, formats] = JSON.parse(readFileSync(log, "utf8"));
  // A name could steer FFmpeg: it gets none.
  assert.equal([input, content.slice(4)], ["file:/dev/fd/3", " something of Microsoft's"]);
  for (const opener of [
    "hls",
    "applehttp",
    "dash",
    "concat",
    "image2",
    "image2pipe",
    "sdp",
    "rtsp",
    "lavfi",
    "imf",
  ])
    assert.not(formats.split(",").includes(opener), opener);
  // Bytes go through a file of their own, which is gone at once.
  process.env.TMPDIR = mkdtempSync(join(folder, "temporary-"));
  await loadAudio(Buffer.from("some bytes of unknown kind"));
  assert.is(JSON.parse(readFileSync(log, "utf8"))[1], "some bytes of unknown kind");
  assert.equal(readdirSync(tmpdir()), []);
});
extra("gives its own reason where FFmpeg fails too, and FFmpeg's behind it", async () => {
  process.env.FFMPEG = program(
    "ffmpeg-bad",
    `console.error("[wma @ 0x55] Invalid data found"); console.error("Conversion failed!"); process.exit(1);`,
  );
  assert.match(
    await reason(loadAudio(place("x.wma", Buffer.from("whatever this is")))),
    /^.*x\.wma: The file begins with "whatever thi", which is none of .* FFmpeg could not decode it either: Invalid data found\.$/,
  );
});
extra("takes what FFmpeg complains of for a doubt where it succeeds", async () => {
  const answer = place("answer2.au", sun(sine16(500, 0.5), 16000));
  process.env.FFMPEG = program(
    "ffmpeg-grumbles",
    `console.error("[mov @ 0x55] odd number of things");
     process.stdout.write(require("fs").readFileSync(${JSON.stringify(answer)}));`,
  );
  assert.equal((await loadAudio(Buffer.from("whatever this is"))).doubts, [
    { warning: "inconsistent", detail: "FFmpeg decoded it, but says: odd number of things" },
  ]);
});
extra("takes what FFmpeg says of a packet that is not whole for a cut, also where it succeeds", async () => {
  const answer = place("answer3.au", sun(sine16(500, 0.5), 16000));
  for (const [complaint, status] of [
    ["File ended prematurely", 0],
    ["stream 0, offset 0x61da: partial file", 0],
    ["corrupt input packet in stream 0", 1],
    ["Input buffer exhausted before END element found", 1],
  ]) {
    process.env.FFMPEG = program(
      `ffmpeg-cut-${status}`,
      `console.error("[x @ 0x55] ${complaint}");
       process.stdout.write(require("fs").readFileSync(${JSON.stringify(answer)}), () => process.exit(${status}));`,
    );
    const error = await loadAudio(Buffer.from("whatever this is")).catch((thrown) => thrown);
    assert.is(error.tag, "invalid");
    assert.is(error.message, `The file is cut off or damaged: FFmpeg says "${complaint}".`);
  }
});
/** Silence in AAC-LC that goes on in HE-AAC, without a word in the headers. */
function lateReplication(): Buffer {
  const he = readFileSync(join(__dirname, "../fixtures/audio/he-implicit.aac"));
  const silence = Buffer.from([...he.subarray(0, 7), 0x21, 0x10, 0x04, 0x60, 0x8c, 0x1c]);
  silence[3] &= 0xfc;
  silence.writeUInt16BE((silence.length << 5) | 0x1f, 4);
  return Buffer.concat([...new Array<Buffer>(200).fill(silence), he]);
}
extra(
  "begins anew with FFmpeg where a file shows only later that it is beyond the decoders here",
  async () => {
    const answer = place("answer4.au", sun(sine16(500, 0.5), 16000));
    process.env.FFMPEG = program(
      "ffmpeg-late",
      `process.stdout.write(require("fs").readFileSync(${JSON.stringify(answer)}));`,
    );
    const { samples, format } = await loadAudio(lateReplication());
    assert.equal([samples.length, format], [8000, "ffmpeg"]);
    const pieces = await piecesOf(lateReplication(), 100);
    assert.equal(
      pieces.map(({ length }) => length),
      [8000],
    );
    assert.match(
      await reason(piecesOf(lateReplication(), 0.1)),
      /HE-AAC.* This shows only after a part of it .* Let FFmpeg convert the whole: ffmpeg -i/,
    );
  },
);
extra("refuses an answer that is no audio, or breaks off", async () => {
  process.env.FFMPEG = program("ffmpeg-talks", `console.log("usage: ffmpeg");`);
  assert.match(
    await reason(loadAudio(Buffer.from("whatever this is"))),
    /answered with something else than audio/,
  );
  process.env.FFMPEG = program("ffmpeg-silent", "");
  assert.match(await reason(loadAudio(Buffer.from("whatever this is"))), /it ended with status 0/);
  const answer = place("answer3.au", sun(sine16(500, 0.5), 16000));
  process.env.FFMPEG = program(
    "ffmpeg-breaks",
    `process.stdout.write(require("fs").readFileSync(${JSON.stringify(answer)}), () => process.kill(process.pid));`,
  );
  assert.match(await reason(loadAudio(Buffer.from("whatever this is"))), /FFmpeg could not decode it either/);
});
extra("does not ask it about broken files of a kind that is known", async () => {
  process.env.FFMPEG = program("ffmpeg-never", "process.exit(0);");
  assert.match(await reason(loadAudio(three.subarray(0, 100))), /cut off in the samples/);
});
extra("says what to do where there is none", async () => {
  process.env.FFMPEG = join(folder, "no-such-program");
  assert.match(
    await reason(loadAudio(place("y.wma", Buffer.from("whatever this is")))),
    /^.*y\.wma: The file begins with .* none of WAV, FLAC.* FFmpeg may decode it: put the program ffmpeg on the PATH, or name it in the environment variable FFMPEG\.$/,
  );
});
extra("says what to do where it has no place for a temporary file", async () => {
  process.env.FFMPEG = program("ffmpeg-waits", "");
  const { TMPDIR } = process.env;
  process.env.TMPDIR = join(folder, "no-such-folder");
  try {
    assert.match(
      await reason(loadAudio(Buffer.from("whatever this is"))),
      /No temporary file for FFmpeg can be made in .*no-such-folder \(ENOENT.*\)\. Set TMPDIR to a folder that can be written to\.$/,
    );
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  }
});
extra("stops it when told", async () => {
  process.env.FFMPEG = program("ffmpeg-slow", "setTimeout(() => {}, 60_000);");
  const control = new AbortController();
  const loading = reason(loadAudio(Buffer.from("whatever this is"), { abortSignal: control.signal }));
  setTimeout(() => control.abort(), 200);
  assert.match(await loading, /^Loading audio was stopped on request\.$/);
});
extra("decodes with a real one where the machine has it", async () => {
  const tone = sine16(500, 0.25);
  let loaded: Audio;
  try {
    loaded = await loadAudio(wave64(tone));
  } catch (error) {
    if (!/put the program ffmpeg on the PATH/.test(String(error))) throw error;
    console.log("SKIPPED no FFmpeg on this machine: decoding with a real one is not tested");
    return;
  }
  assert.is(loaded.format, "ffmpeg");
  assert.equal(loaded.samples, (await loadAudio(wave(tone))).samples);
});
extra.run();

/** Floats as FFmpeg answers them, of 16-bit samples. */
function sun(samples: Buffer, sampleRate: number): Buffer {
  const file = Buffer.alloc(32 + 2 * samples.length);
  file.write(".snd");
  [32, 0xffffffff, 6, sampleRate, 1].forEach((value, i) => {
    file.writeUInt32BE(value, 4 + 4 * i);
  });
  for (let i = 0; i < samples.length / 2; i++)
    file.writeFloatBE(samples.readInt16LE(2 * i) / 32768, 32 + 4 * i);
  return file;
}

/** Sony's Wave64, which is not decoded here: chunks have GUIDs and 64-bit sizes. */
function wave64(samples: Buffer): Buffer {
  const chunk = (name: string, tail: string, body: Buffer, size = 24 + body.length) => {
    const header = Buffer.concat([Buffer.from(name), Buffer.from(tail, "hex"), Buffer.alloc(8)]);
    header.writeBigUInt64LE(BigInt(size), 16);
    return Buffer.concat([header, body]);
  };
  const tail = "f3acd3118cd100c04f8edb8a";
  const wave = Buffer.concat([Buffer.from("wave"), Buffer.from(tail, "hex")]);
  const body = Buffer.concat([wave, chunk("fmt ", tail, fmt()), chunk("data", tail, samples)]);
  return chunk("riff", "2e91cf11a5d628db04c10000", body);
}

const extensions = suite("audioExtensions");
extensions("are lower case, with their dot, for all that is decoded here and more", () => {
  for (const extension of audioExtensions) assert.match(extension, /^\.[a-z0-9]+$/);
  for (const name of ["wav", "flac", "mp3", "ogg", "opus", "m4a", "aac", "aiff", "au", "caf", "sph", "wma"])
    assert.ok(audioExtensions.has(`.${name}`), name);
  assert.not(audioExtensions.has(".txt"));
});
extensions.run();
