import { suite } from "uvu";
import * as assert from "uvu/assert";
import { withChecksums } from "../checksums.js";
import { decode } from "../decode.js";
import { bytesOf, concealmentCases, lossyFile, snr } from "../fixtures.js";

/** The pages of a file, each of them a view of it. */
function pagesOf(file: Uint8Array): Buffer[] {
  const pages: Buffer[] = [];
  for (let at = 0; at < file.length; ) {
    const table = file.subarray(at + 27, at + 27 + file[at + 26]);
    const size = 27 + table.length + table.reduce((a, b) => a + b, 0);
    pages.push(Buffer.from(file.subarray(at, at + size)));
    at += size;
  }
  return pages;
}

const joined = (pages: Uint8Array[]): Uint8Array => withChecksums(new Uint8Array(Buffer.concat(pages)));
const frames = (file: Uint8Array): number => decode(file).channels[0].length;
const isAudio = (page: Buffer): boolean => page.readBigInt64LE(6) > 0n;
const markEnd = (page: Buffer, last: boolean): void => {
  page[5] = last ? page[5] | 4 : page[5] & ~4;
};

/** A file of the same packets, whose counts of samples are others. */
function recounted(file: Uint8Array, count: (granule: bigint, page: number) => bigint): Uint8Array {
  const pages = pagesOf(file);
  pages.filter(isAudio).forEach((page, i) => {
    page.writeBigInt64LE(count(page.readBigInt64LE(6), i), 6);
  });
  return joined(pages);
}

/** Pages of one packet each, whose last count cuts 648 of 960 samples, and Vorbis in two pages. */
const padding = 648;
const opus = ending(
  bytesOf(concealmentCases().find(({ name }) => name === "silk-one-byte.opus")?.file ?? ""),
);
const vorbis = manyPages(lossyFile("vorbis.ogg"));

function ending(file: Uint8Array): Uint8Array {
  const last = BigInt(pagesOf(file).length - 3);
  return recounted(file, (granule, page) => (BigInt(page) === last ? granule - BigInt(padding) : granule));
}

/** Half of the audio packets on a page of their own, whose count is worked out by decoding them alone. */
function manyPages(file: Uint8Array): Uint8Array {
  const pages = pagesOf(file);
  const last = pages[pages.length - 1];
  const table = [...last.subarray(27, 27 + last[26])];
  const half = table.findIndex((length, i) => i > table.length / 2 && length < 255) + 1;
  const split = 27 + table.length + table.slice(0, half).reduce((a, b) => a + b, 0);
  const piece = (lengths: number[], body: Uint8Array, sequence: number): Buffer => {
    const header = Buffer.from(last.subarray(0, 27));
    header.writeUInt32LE(sequence, 18);
    header[26] = lengths.length;
    return Buffer.concat([header, Buffer.from(lengths), body]);
  };
  const sequence = last.readUInt32LE(18);
  const first = piece(table.slice(0, half), last.subarray(27 + table.length, split), sequence);
  const second = piece(table.slice(half), last.subarray(split), sequence + 1);
  markEnd(first, false);
  first.writeBigInt64LE(-1n, 6);
  const alone = frames(joined([...pages.slice(0, -1), first]));
  first.writeBigInt64LE(BigInt(alone), 6);
  return joined([...pages.slice(0, -1), first, second]);
}

const concealment = suite("ogg, packets that are lost or stop");
for (const { name, frames: want, file, samples } of concealmentCases())
  concealment(`gives ${name} the length and the samples that libopus gives it`, () => {
    const { channels } = decode(bytesOf(file));
    const got = channels[channels.length - 1];
    assert.is(got.length, want);
    const db = snr(
      new Float32Array(bytesOf(samples).buffer),
      got.filter((_, i) => i % 64 === 0),
    );
    // SILK is made of integers, and is equal.
    assert.ok(name.startsWith("silk") && !name.includes("stereo") ? db === Infinity : db > 60, `${db} dB`);
  });
concealment.run();

const counts = suite("ogg, counts of samples");
counts("cuts no more than the last page where the counts are too small, as FFmpeg does", () => {
  // The last page's count is a third of itself more than the one before.
  assert.is(frames(opus), 96_000);
  assert.is(frames(recounted(opus, (granule) => granule / 3n)), 96_000 - 312 + 312 / 3);
});
counts("gives all that the packets hold where the counts are missing, fall or stand still", () => {
  const all = frames(opus) + padding;
  for (const [name, count] of Object.entries({
    missing: () => -1n,
    none: () => 0n,
    falling: (_: bigint, page: number) => 1_000_000n - BigInt(page),
    still: () => 48_000n,
  }))
    assert.is(frames(recounted(opus, count)), all, name);
});
counts("takes counts that begin late for a piece of a broadcast", () => {
  assert.is(frames(recounted(opus, (granule) => granule + 480_000n)), frames(opus));
  assert.is(frames(recounted(vorbis, (granule) => granule + 480_000n)), frames(vorbis));
});
counts("never takes fewer samples from Vorbis for counts that are wrong", () => {
  const whole = frames(vorbis);
  assert.is(whole, 4800);
  for (const count of [
    () => -1n,
    () => 0n,
    () => 3000n,
    (_: bigint, page: number) => 90_000n - BigInt(page),
    (granule: bigint) => 2n * granule,
  ])
    assert.ok(frames(recounted(vorbis, count)) >= whole);
});
counts("drops the start of a Vorbis stream whose first count says so", () => {
  assert.is(frames(recounted(vorbis, (granule) => granule - 100n)), 4700);
});
counts("gives the end of a file whose last page is not marked as such", () => {
  for (const file of [opus, vorbis]) {
    const pages = pagesOf(file);
    markEnd(pages[pages.length - 1], false);
    assert.ok(frames(joined(pages)) >= frames(file));
  }
});
counts("takes an empty last page for the mark of the one before", () => {
  const pages = pagesOf(opus);
  const last = pages[pages.length - 1];
  const empty = Buffer.from(last.subarray(0, 27));
  empty[26] = 0;
  empty.writeUInt32LE(last.readUInt32LE(18) + 1, 18);
  markEnd(last, false);
  assert.is(frames(joined([...pages, empty])), frames(opus));
});
counts.run();

const order = suite("ogg, the order of pages");
order("goes on behind a page that is marked as the last one too early", () => {
  for (const [file, back] of [
    [opus, 20],
    [vorbis, 2],
  ] as const) {
    const pages = pagesOf(file);
    markEnd(pages[pages.length - back], true);
    assert.is(frames(joined(pages)), frames(file));
  }
});
order("joins streams of one serial number, also where the first has no mark at its end", () => {
  const pages = pagesOf(opus);
  markEnd(pages[pages.length - 1], false);
  assert.is(frames(joined([...pages, ...pagesOf(opus)])), 2 * frames(opus) + padding);
  assert.is(frames(joined([...pagesOf(opus), ...pagesOf(opus)])), 2 * frames(opus));
});
order("passes a skeleton and other streams beside the audio over", () => {
  const pages = pagesOf(opus);
  const skeleton = Buffer.alloc(27 + 1 + 64);
  skeleton.set(pages[0].subarray(0, 27));
  skeleton.set([1, 64], 26);
  skeleton.write("fishead\0", 28, "latin1");
  skeleton.writeUInt32LE(99, 14);
  const more = Buffer.from(skeleton);
  more[5] = 4;
  assert.is(frames(joined([skeleton, pages[0], more, ...pages.slice(1)])), frames(opus));
});
order("refuses a missing page, one of an unknown stream and a damaged last one", () => {
  const pages = pagesOf(opus);
  assert.throws(
    () => frames(joined([...pages.slice(0, 50), ...pages.slice(51)])),
    /Pages of the Ogg file are missing: page 51 follows where page 50 should/,
  );
  const renamed = pagesOf(opus);
  for (const page of renamed.slice(-20)) page.writeUInt32LE(77, 14);
  assert.throws(() => frames(joined(renamed)), /page \d+ of a stream that has no beginning/);
  const damaged = new Uint8Array(opus);
  damaged[opus.length - pages[pages.length - 1].length] ^= 1;
  assert.throws(() => frames(damaged), /something else than an Ogg page at byte/);
});
order("refuses a file that ends amid a packet, although its pages are whole", () => {
  const pages = pagesOf(vorbis);
  const last = pages[pages.length - 1];
  const table = [...last.subarray(27, 27 + last[26])];
  // The last packet is longer than a page's table tells.
  last[27 + table.length - 1] = 255;
  const body = Buffer.concat([last, Buffer.alloc(255 - table[table.length - 1])]);
  assert.throws(() => frames(joined([...pages.slice(0, -1), body])), /cut off in an Ogg packet/);
});
order("refuses a chain that goes on with a codec that is not known here", () => {
  const pages = pagesOf(opus);
  const speex = Buffer.from(pages[0]);
  speex.write("Speex   ", 28, "latin1");
  speex.writeUInt32LE(5, 14);
  assert.throws(() => frames(joined([...pages, speex])), /begins with "Speex {3}", and no Vorbis.+FFmpeg/);
});
order.run();
