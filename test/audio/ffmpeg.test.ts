// Some 200 files made from the bundled speech decode as FFmpeg decodes them, or give a clear error.
import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { loadAudio } from "../../src/audio/load-audio.js";
import { ScopeError } from "../../src/errors.js";
import { snr } from "./fixtures.js";

interface Row {
  /** The file's name, whose ending says the container. */
  file: string;
  /** FFmpeg's options that make it; none where it was joined, which FFmpeg may complain of. */
  options: string;
  /** How near to FFmpeg's samples, in dB; lossless formats are equal. */
  db?: number;
  /** Samples by which the end may differ: some decoders know less of it. */
  slack?: number;
  /** Hz, where the codec has its own. */
  rate?: number;
  /** FFmpeg's decoder, where its own is not the best. */
  decoder?: string;
}

const run = promisify(execFile);
const program = process.env.FFMPEG ?? "ffmpeg";
const speech = join(__dirname, "../../data/speech/test-other/367/367-130732-0003.flac");
const folder = mkdtempSync(join(tmpdir(), "ffmpeg-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const listed = spawnSync(program, ["-hide_banner", "-encoders"], { encoding: "utf8" });
const encoders = new Set([...(listed.stdout ?? "").matchAll(/^ A\S+ (\S+)/gm)].map(([, name]) => name));
const found = listed.status === 0;
if (!found) console.log("SKIPPED no FFmpeg on this machine: decoding is not compared with it");

/** Each at every rate and number of channels. */
function rowsOf(rate: number, channels: number): Row[] {
  const pcm = [
    "pcm_u8",
    "pcm_s16le",
    "pcm_s24le",
    "pcm_s32le",
    "pcm_f32le",
    "pcm_f64le",
    "pcm_alaw",
    "pcm_mulaw",
  ];
  const rows: Row[] = pcm.map((codec) => ({ file: `${codec}.wav`, options: `-c:a ${codec}` }));
  rows.push(
    { file: "rf64.wav", options: "-c:a pcm_s16le -rf64 always" },
    { file: "s24.aiff", options: "-c:a pcm_s24be" },
    { file: "s16.au", options: "-c:a pcm_s16be" },
    { file: "f32.caf", options: "-c:a pcm_f32le" },
    { file: "level0.flac", options: "-c:a flac -compression_level 0" },
    { file: "24bit.flac", options: "-c:a flac -sample_fmt s32 -bits_per_raw_sample 24 -frame_size 1234" },
    { file: "cbr.mp3", options: `-c:a libmp3lame -b:a ${rate < 16000 ? 24 : 64}k`, db: 90 },
    {
      file: "vbr.mp3",
      options: "-c:a libmp3lame -q:a 4 -id3v2_version 3 -write_id3v1 1 -metadata title=t",
      db: 90,
    },
  );
  if (rate >= 16000)
    rows.push(
      { file: "no-header.mp3", options: "-c:a libmp3lame -b:a 128k -write_xing 0 -id3v2_version 0", db: 90 },
      { file: "layer2.mp2", options: "-c:a mp2 -b:a 64k", db: 80, decoder: "mp2float" },
    );
  if (channels === 2)
    rows.push({ file: "left-right.mp3", options: "-c:a libmp3lame -b:a 64k -joint_stereo 0", db: 90 });
  return rows;
}

/** What only FFmpeg decodes. */
function foreignRows(rate: number): Row[] {
  const rows: Row[] = [
    { file: "adpcm.wav", options: "-c:a adpcm_ima_wav" },
    { file: "wavpack.wv", options: "-c:a wavpack" },
    { file: "tta.tta", options: "-c:a tta" },
    { file: "wave64.w64", options: "-c:a pcm_s16le" },
    { file: "matroska.mka", options: "-c:a flac" },
  ];
  if (rate >= 16000) rows.push({ file: "wma.wma", options: "-c:a wmav2 -b:a 64k" });
  if (rate >= 44100) rows.push({ file: "ac3.ac3", options: "-c:a ac3" });
  if (rate <= 16000) rows.push({ file: "speex.ogg", options: "-c:a libspeex" });
  return rows;
}

/** Containers and codecs of other rooms. */
function packetRows(rate: number): Row[] {
  const rows: Row[] = [
    { file: "vorbis.ogg", options: "-c:a libvorbis -q:a 4", db: 90, slack: 1024 },
    { file: "flac.oga", options: "-c:a flac -f ogg" },
    { file: "aac.m4a", options: "-c:a aac -b:a 48k", db: 80, slack: 1024 },
    { file: "aac.aac", options: "-c:a aac -b:a 48k", db: 80 },
    { file: "alac.m4a", options: "-c:a alac" },
  ];
  if (rate !== 22050 && rate !== 44100)
    rows.push({
      file: "opus.opus",
      options: "-c:a libopus -b:a 32k",
      db: 50,
      rate: 48000,
      decoder: "libopus",
    });
  return rows;
}

const sources = [8000, 16000, 22050, 44100, 48000].flatMap((rate) =>
  (rate === 16000 || rate === 44100 ? [1, 2] : [1]).map((channels) => ({
    rate,
    channels,
    name: `${rate}-${channels}`,
  })),
);
const ffmpeg = (...options: string[]) =>
  run(program, ["-nostdin", "-v", "error", "-y", ...options], { maxBuffer: 1 << 26 });
const codecOf = ({ options }: Row) => / ?-c:a (\S+)/.exec(options)?.[1] ?? "";
const inFolder = (source: string, file: string) => join(folder, source, file);

/** The source's file, then all rows' in one go, and FFmpeg's samples of each in another. */
async function make(source: (typeof sources)[number], rows: Row[]): Promise<void> {
  const { rate, channels, name } = source;
  mkdirSync(join(folder, name), { recursive: true });
  const pan = channels === 2 ? ",pan=stereo|c0=c0|c1=0.4*c0" : "";
  const input = inFolder(name, "source.wav");
  const filter = `aresample=${rate}${pan}`;
  await ffmpeg("-ss", "1", "-t", "0.7", "-i", speech, "-af", filter, "-c:a", "pcm_s16le", input);
  await ffmpeg(
    ...["-i", input],
    ...rows.flatMap(({ file, options }) => [...options.split(" "), inFolder(name, file)]),
  );
  await samplesByFfmpeg(name, rows);
}

const samplesByFfmpeg = (name: string, rows: Row[]) =>
  ffmpeg(
    ...rows.flatMap(({ file, decoder }) => [
      ...(decoder === undefined ? [] : ["-c:a", decoder]),
      "-i",
      inFolder(name, file),
    ]),
    ...rows.flatMap(({ file }, i) => ["-map", `${i}:a`, "-f", "f32le", `${inFolder(name, file)}.f32`]),
  );

async function compare(name: string, row: Row, rate: number, channels: number): Promise<void> {
  const path = inFolder(name, row.file);
  const what = `${name}/${row.file}`;
  const bytes = readFileSync(`${path}.f32`);
  const want = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  for (let channel = 0; channel < channels; channel++) {
    const expected = want.filter((_, i) => i % channels === channel);
    const { samples, ...facts } = await loadAudio(path, { sampleRate: row.rate ?? rate, channel });
    assert.is(facts.originalSampleRate, row.rate ?? rate, what);
    assert.is(facts.channels, channels, what);
    if (row.options !== "") assert.equal(facts.doubts, [], what);
    const off = Math.abs(samples.length - expected.length);
    assert.ok(off <= (row.slack ?? 0), `${what}: ${samples.length} samples, FFmpeg gives ${expected.length}`);
    const common = Math.min(samples.length, expected.length);
    const db = snr(expected.subarray(0, common), samples);
    assert.ok(db >= (row.db ?? Number.POSITIVE_INFINITY), `${what}: ${db} dB`);
  }
}

const same = suite("loadAudio, beside FFmpeg");
let files = 0;
async function all(rowsAt: (rate: number, channels: number) => Row[]): Promise<void> {
  for (const source of sources) {
    const rows = rowsAt(source.rate, source.channels).filter((row) => encoders.has(codecOf(row)));
    await make(source, rows);
    for (const row of rows) await compare(source.name, row, source.rate, source.channels);
    files += rows.length;
  }
}
same("gives the samples that FFmpeg gives, of each format at each rate and number of channels", async () => {
  if (found) await all(rowsOf);
});
same("gives what FFmpeg gives where only FFmpeg decodes", async () => {
  if (found) await all(foreignRows);
});
same("gives the samples that FFmpeg gives, of Ogg and MP4 and AAC", async () => {
  if (found) await all(packetRows);
});

const bytesAt = (name: string, file: string) => readFileSync(inFolder(name, file));
const id3v1 = Buffer.from("TAG".padEnd(128, "\0"), "latin1");
const id3v2 = Buffer.from(`ID3\x04\0\0\0\0\x01\x00${"x".repeat(128)}`, "latin1");

same("gives joined files the samples of both", async () => {
  if (!found) return;
  for (const { name, rate, channels } of sources) {
    if (rate < 16000) continue;
    const file = bytesAt(name, "no-header.mp3");
    const once = (await loadAudio(file, { sampleRate: rate })).samples;
    for (const between of [Buffer.alloc(0), id3v1, id3v2]) {
      const { samples } = await loadAudio(Buffer.concat([file, between, file, id3v1]), { sampleRate: rate });
      assert.is(samples.length, 2 * once.length, name);
      assert.ok(snr(once, samples) > 200, name);
      // The second begins with what the first left in the filters.
      assert.ok(snr(once.subarray(4000), samples.subarray(once.length + 4000)) > 80, name);
      files++;
    }
    const headed = bytesAt(name, "vbr.mp3");
    const alone = await loadAudio(headed, { sampleRate: rate, channel: 0 });
    const both = await loadAudio(Buffer.concat([headed, headed]), { sampleRate: rate, channel: 0 });
    assert.ok(both.samples.length >= 2 * alone.samples.length, name);
    assert.ok(snr(alone.samples.subarray(0, -2000), both.samples) > 80, name);
    assert.is(both.channels, channels);
    files++;
  }
});
same("follows a change of channels and rate by FFmpeg, as FFmpeg does", async () => {
  if (!found) return;
  for (const [first, second] of [
    ["44100-1", "44100-2"],
    ["44100-2", "44100-1"],
    ["16000-1", "22050-1"],
    ["48000-1", "16000-2"],
  ]) {
    const row = { file: `then-${second}.mp3`, options: "" };
    writeFileSync(
      inFolder(first, row.file),
      Buffer.concat([bytesAt(first, "no-header.mp3"), bytesAt(second, "no-header.mp3")]),
    );
    await samplesByFfmpeg(first, [row]);
    // Which of the two FFmpeg makes of it depends on how far it looks ahead.
    const { format, originalSampleRate, channels } = await loadAudio(inFolder(first, row.file));
    assert.is(format, "ffmpeg");
    await compare(first, row, originalSampleRate, channels);
    files++;
  }
});
same("refuses every file that is cut off, of each format that shows it", async () => {
  if (!found) return;
  for (const { name } of sources)
    for (const file of [
      "pcm_s16le.wav",
      "pcm_f64le.wav",
      "s24.aiff",
      "s16.au",
      "level0.flac",
      "24bit.flac",
      "vbr.mp3",
    ]) {
      const bytes = bytesAt(name, file);
      for (const share of [0.3, 0.6, 0.93]) {
        const error = await loadAudio(bytes.subarray(0, Math.round(share * bytes.length))).catch(
          (thrown) => thrown,
        );
        assert.instance(error, ScopeError, `${name}/${file} cut to ${share}`);
        assert.is(error.tag, "invalid");
        assert.match(error.message, /cut off/, `${name}/${file} cut to ${share}`);
        files++;
      }
    }
});
same("never lets FFmpeg open another file, whatever the name and the bytes ask for", async () => {
  if (!found) return;
  const secret = join(folder, "secret.wav");
  await ffmpeg("-t", "1", "-i", speech, secret);
  const sdp = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n";
  const playlists: [string, string][] = [
    ["list.ffconcat", `ffconcat version 1.0\nfile secret.wav\nfile '${secret}'\n`],
    ["list.wav", `ffconcat version 1.0\nfile ${secret}\n`],
    ["list.m3u8", `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:${secret}\n#EXT-X-ENDLIST\n`],
    ["list.mp3", `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.wav\n#EXT-X-ENDLIST\n`],
    ["session.sdp", sdp],
    ["script.avs", `DirectShowSource("${secret}")\n`],
    [
      "dash.mpd",
      `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>${secret}</BaseURL></MPD>`,
    ],
  ];
  for (const [name, content] of playlists) {
    const path = join(folder, name);
    writeFileSync(path, content);
    for (const file of [path, Buffer.from(content)]) {
      const error = await loadAudio(file).catch((thrown) => thrown);
      assert.instance(error, ScopeError, name);
      assert.match(error.message, /none of WAV.*FFmpeg could not decode it either/, name);
    }
  }
});
same("lets FFmpeg end with its parent, even when that is killed, and leaves nothing behind", async () => {
  if (!found) return;
  const silence = join(folder, "silence.wv");
  await ffmpeg("-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo", "-t", "300", "-c:a", "wavpack", silence);
  const wrapper = join(folder, "wrapper");
  const [pidFile, temporary] = [join(folder, "pid"), join(folder, "temporary")];
  mkdirSync(temporary);
  writeFileSync(wrapper, `#!/bin/sh\necho $$ > ${pidFile}\nexec ${program} "$@"\n`, { mode: 0o755 });
  const module_ = JSON.stringify(join(__dirname, "../../src/audio/load-segments.ts"));
  const parent = spawn(
    process.execPath,
    [
      ...["--import", "tsx", "-e"],
      `const { loadSegments } = require(${module_});
       const bytes = require("fs").readFileSync(${JSON.stringify(silence)});
       loadSegments(bytes, { seconds: 10 }).next().then(() => { console.log("begun"); setInterval(() => {}, 1000); });`,
    ],
    {
      env: { ...process.env, FFMPEG: wrapper, TMPDIR: temporary },
      stdio: ["ignore", "pipe", "inherit"],
      cwd: join(__dirname, "../.."),
    },
  );
  await once(parent.stdout, "data");
  const pid = Number(readFileSync(pidFile, "utf8"));
  const lives = () => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  assert.ok(lives(), "FFmpeg waits for a reader");
  parent.kill("SIGKILL");
  for (let i = 0; i < 600 && lives(); i++) await setTimeout(50);
  assert.not(lives());
  assert.equal(
    readdirSync(temporary).filter((name) => name.startsWith("speakerscope")),
    [],
  );
});
same("has compared some 200 files", () => {
  if (found && encoders.has("libmp3lame") && encoders.has("libopus")) assert.ok(files >= 200, `${files}`);
});
same.run();
