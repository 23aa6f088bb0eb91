import { suite } from "uvu";
import * as assert from "uvu/assert";
import { decode } from "../decode.js";
import { lossyFile } from "../fixtures.js";

/** AAC in mono at 16 kHz: 4,800 samples in 6 packets, an edit list of one edit, and moov at the end. */
const file = (): Buffer => Buffer.from(lossyFile("aac.m4a"));
const frames = (bytes: Uint8Array): number => decode(bytes).channels[0].length;

function box(type: string, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(8);
  header.writeUInt32BE(8 + body.length);
  header.write(type, 4, "latin1");
  return Buffer.concat([header, body]);
}

const u32 = (...numbers: number[]): Buffer => {
  const bytes = Buffer.alloc(4 * numbers.length);
  numbers.forEach((number, i) => {
    bytes.writeUInt32BE(number >>> 0, 4 * i);
  });
  return bytes;
};

/** The file with another edit list; times are those of the media and of the movie, thousandths of a second. */
function withEdits(...edits: [duration: number, mediaTime: number, rate?: number][]): Buffer {
  const original = file();
  const at = original.indexOf("elst") - 4;
  const size = original.readUInt32BE(at);
  const list = edits.flatMap(([duration, mediaTime, rate = 1]) => [duration, mediaTime, rate * 65536]);
  const elst = box("elst", u32(0, edits.length, ...list));
  return replaced(original, at, at + size, elst, ["moov", "trak", "edts"]);
}

/** The file with other bytes from one place to another, within the boxes that are named. */
function replaced(original: Buffer, start: number, end: number, by: Uint8Array, outer: string[]): Buffer {
  const bytes = Buffer.concat([original.subarray(0, start), by, original.subarray(end)]);
  for (const name of outer) {
    const place = original.indexOf(name) - 4;
    bytes.writeUInt32BE(original.readUInt32BE(place) + by.length - (end - start), place);
  }
  return bytes;
}

/** A file in fragments whose single packet size is 1, with runs of so many packets each. */
function withRuns(runs: number, count: number): Buffer {
  const original = Buffer.from(lossyFile("aac-fragments.mp4"));
  const moov = original.indexOf("moov") - 4;
  const head = original.subarray(0, moov + original.readUInt32BE(moov));
  const run = box("trun", u32(1, count, 8));
  const tfhd = box("tfhd", u32(0x20038, 1, 1024, 1, 0));
  const moof = box("moof", box("mfhd", u32(0, 1)), box("traf", tfhd, ...new Array<Buffer>(runs).fill(run)));
  return Buffer.concat([head, moof, box("mdat", Buffer.alloc(1000, 1))]);
}

const cut = suite("mp4, files that are cut off");
cut("says so where the moov box is not whole, whatever lacks", () => {
  for (const by of [1, 20, 200, 400])
    assert.throws(() => decode(file().subarray(0, -by)), /cut off in the moov box/, `${by}`);
});
cut("says so of a codec that only FFmpeg knows as well", () => {
  const original = file();
  original.write("Opus", original.indexOf("mp4a"), "latin1");
  assert.throws(() => decode(original), /holds the codec "Opus"/);
  // The first packet would lie beyond the end.
  const table = original.indexOf("stco") + 12;
  original.writeUInt32BE(original.length, table);
  assert.throws(() => decode(original), /cut off: it has \d+ bytes, and its table places a packet up to/);
});
cut.run();

const edits = suite("mp4, edit lists");
edits("cuts what a single edit leaves out", () => {
  assert.is(frames(withEdits([300, 1024])), 4800);
  assert.is(frames(withEdits([100, 1024])), 1600);
  assert.is(frames(withEdits([0, 1024])), 4800);
});
edits("passes an edit without media, a pause before the audio, over", () => {
  assert.is(frames(withEdits([500, -1], [300, 1024])), 4800);
});
edits("leaves several pieces and another speed to FFmpeg", () => {
  assert.throws(
    () => frames(withEdits([100, 1024], [100, 3000])),
    /The MP4 edit list plays the audio in 2 pieces\. FFmpeg may decode it/,
  );
  assert.throws(
    () => frames(withEdits([150, 1024, 2])),
    /The MP4 edit list plays the audio at another speed\. FFmpeg/,
  );
});
edits.run();

const tables = suite("mp4, tables that are wrong");
tables("cuts nothing where the table of durations is wrong", () => {
  for (const delta of [0, 1, 341, 512]) {
    const bytes = file();
    bytes.writeUInt32BE(delta, bytes.indexOf("stts") + 16);
    assert.ok(frames(bytes) >= 4800, `packets of ${delta}`);
  }
  const fewer = file();
  fewer.writeUInt32BE(1, fewer.indexOf("stts") + 12);
  assert.ok(frames(fewer) >= 4800);
});
tables("refuses packets that lie over one another, at once", () => {
  for (const bytes of [withRuns(3000, 900), withRuns(1, 0xffffffff)])
    assert.throws(() => frames(bytes), /Packets of the MP4 file lie over one another|The file is cut off/);
  const same = file();
  const sizes = same.indexOf("stsz");
  const count = same.readUInt32BE(sizes + 12);
  const table = same.indexOf("stco");
  // All packets but the first are as long as the file lets the first be.
  for (let i = 0; i < count; i++)
    same.writeUInt32BE(same.length - same.readUInt32BE(table + 12), sizes + 16 + 4 * i);
  assert.throws(() => frames(same), /The file is cut off|lie over one another/);
});
tables("refuses an empty packet", () => {
  const bytes = file();
  bytes.writeUInt32BE(0, bytes.indexOf("stsz") + 16);
  assert.throws(() => frames(bytes), /Packet 1 of the MP4 file is empty/);
});
tables("refuses audio in another file and packets of several codecs", () => {
  const url = file().indexOf("url ");
  const place = Buffer.concat([u32(0), Buffer.from("file:///etc/passwd\0")]);
  const outer = ["moov", "trak", "mdia", "minf", "dinf", "dref", "url "];
  const elsewhere = replaced(file(), url + 4, url + 8, place, outer);
  assert.throws(() => frames(elsewhere), /has its audio in another file/);
  const second = file();
  second.writeUInt32BE(2, second.indexOf("stsc") + 20);
  assert.throws(() => frames(second), /has packets of 2 codecs or configurations/);
});
tables.run();
