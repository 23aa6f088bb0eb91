import { batchesOf, decodePackets } from "../codecs.js";
import { readAacConfig } from "./aac-config.js";
import { broken, type Decoding, foreign, named, part, type Source, text, trim } from "./source.js";

interface Box {
  type: string;
  /** The body. */
  start: number;
  end: number;
}

/** Pieces of the file, one coded packet each, and their lengths in time. */
interface Samples {
  packets: Uint8Array[];
  /** In units of the track's time scale. */
  duration: number;
  /** Of the first packet. */
  packetDuration: number;
}

/**
 * The first audio track of an MP4 or QuickTime file: AAC-LC or ALAC, whole or in fragments.
 *
 * The encoder's delay and padding are cut away where an edit list or iTunes' own tag tells them. The end is cut to the
 * exact sample, where FFmpeg 5 keeps the last packet whole.
 *
 * Sources: ISO/IEC 14496-12 and -14, Apple's ALAC magic cookie description.
 */
export function mp4(source: Source): Decoding {
  const top = boxes(source, 0, source.bytes.length);
  const moov = top.find(({ type }) => type === "moov");
  if (moov === undefined)
    throw broken(source, "MP4 file, it is cut off or was never finished", {
      got: types(top),
      want: "a moov box",
    });
  const tracks = boxes(source, moov.start, moov.end).filter(({ type }) => type === "trak");
  const track = tracks.find((trak) => handler(source, trak) === "soun");
  if (track === undefined)
    throw foreign(source, "MP4 file", { got: `${tracks.length} tracks, none with sound` });
  const media = need(source, track, "mdia");
  const timescale = mediaTimescale(source, need(source, media, "mdhd"));
  const table = need(source, need(source, media, "minf"), "stbl");
  const codec = sampleEntry(source, need(source, table, "stsd"));
  const samples = top.some(({ type }) => type === "moof")
    ? fragments(source, top, moov, trackId(source, track))
    : sampleTable(source, table);
  const { sampleRate, channels } = codec;
  const rate = sampleRate / timescale;
  // One packet of AAC is 1024 samples: twice that in the table is a replicated band that the codec's header conceals.
  if (codec.name === "aac" && Math.round(samples.packetDuration * rate) === 2048)
    throw foreign(source, "AAC profile", { got: "HE-AAC" });
  const [start, end] = span(source, moov, track, samples.duration, timescale, sampleRate);
  const blocks = decodePackets(codec.name, codec.extra, batchesOf(samples.packets));
  return {
    format: "mp4",
    codec: codec.name,
    sampleRate,
    channels,
    blocks: named(source, trim(blocks, start, end)),
  };
}

/** The audio's first and last sample within what the decoder gives. */
function span(
  source: Source,
  moov: Box,
  track: Box,
  duration: number,
  timescale: number,
  sampleRate: number,
): [number, number] {
  const total = Math.round((duration / timescale) * sampleRate) || Number.POSITIVE_INFINITY;
  const edits = editList(source, track).filter(({ mediaTime }) => mediaTime >= 0);
  if (edits.length !== 1) return tagged(source, moov) ?? [0, total];
  const [edit] = edits;
  const start = Math.round((edit.mediaTime / timescale) * sampleRate);
  const header = child(source, moov, "mvhd");
  const movieScale = header === undefined ? timescale : mediaTimescale(source, header);
  // The edit's length is often in milliseconds, too coarse to cut by unless it really says less than the media.
  const length = Math.round((edit.duration / movieScale) * sampleRate);
  const isShorter = edit.duration > 0 && start + length + sampleRate / movieScale < total;
  return [start, isShorter ? start + length : total];
}

/** iTunes' `iTunSMPB`: hexadecimal words, the second is the delay, the third the padding, the fourth the length. */
function tagged(source: Source, moov: Box): [number, number] | undefined {
  const content = text(source, moov.start, moov.end - moov.start);
  const match = /iTunSMPB[\s\S]{0,40}? [0-9A-F]{8} ([0-9A-F]{8}) [0-9A-F]{8} ([0-9A-F]{16})/.exec(content);
  if (match === null) return undefined;
  const [delay, length] = [Number.parseInt(match[1], 16), Number.parseInt(match[2], 16)];
  return [delay, delay + length];
}

function editList(source: Source, track: Box): { duration: number; mediaTime: number }[] {
  const edits = child(source, track, "edts");
  const list = edits && child(source, edits, "elst");
  if (list === undefined) return [];
  const reader = read(source, list);
  const long = reader.u32() >>> 24 === 1;
  return Array.from({ length: reader.count(long ? 20 : 12) }, () => {
    const duration = long ? reader.u64() : reader.u32();
    const mediaTime = long ? reader.i64() : reader.u32() | 0;
    reader.u32();
    return { duration, mediaTime };
  });
}

function sampleEntry(source: Source, stsd: Box) {
  const entry = boxes(source, stsd.start + 8, stsd.end)[0];
  if (entry === undefined || entry.end - entry.start < 28) throw broken(source, "MP4 sample description");
  const version = source.view.getUint16(entry.start + 8);
  // QuickTime's newer versions put more before the boxes, or wrap them into `wave`.
  const inner = boxes(source, entry.start + 28 + [0, 16, 36][Math.min(version, 2)], entry.end);
  const wave = inner.find(({ type }) => type === "wave");
  const all = wave === undefined ? inner : [...inner, ...boxes(source, wave.start, wave.end)];
  const find = (type: string) => all.find((box) => box.type === type);
  if (entry.type === "mp4a") {
    const esds = find("esds");
    if (esds === undefined) throw broken(source, "MP4 audio without its configuration");
    const { config, ...rest } = readAacConfig(source, decoderConfig(source, esds));
    return { name: "aac", extra: config, ...rest } as const;
  }
  if (entry.type === "alac") {
    const alac = find("alac");
    if (alac === undefined || alac.end - alac.start < 28)
      throw broken(source, "ALAC audio without its configuration");
    const cookie = part(source, alac.start + 4, alac.end);
    const [channels, sampleRate] = [cookie.bytes[9], cookie.view.getUint32(20)];
    // The decoder loses one of eight.
    if (channels > 2) throw foreign(source, "ALAC stream", { got: `${channels} channels`, want: "1 or 2" });
    return { name: "alac", extra: cookie.bytes, sampleRate, channels } as const;
  }
  throw foreign(source, "MP4 codec", { got: entry.type });
}

/** The AudioSpecificConfig within descriptors 3 (stream), 4 (decoder) and 5 (its configuration). */
function decoderConfig(source: Source, esds: Box): Uint8Array {
  const reader = read(source, esds);
  reader.u32();
  for (;;) {
    const tag = reader.u8();
    let length = 0;
    for (let byte = 0x80; byte & 0x80; ) {
      byte = reader.u8();
      length = (length << 7) | (byte & 0x7f);
    }
    if (tag === 5) return reader.bytes(length);
    if (tag === 3) {
      reader.bytes(2);
      const flags = reader.u8();
      reader.bytes((flags & 0x80 ? 2 : 0) + (flags & 0x20 ? 2 : 0));
      if (flags & 0x40) reader.bytes(reader.u8());
    } else if (tag === 4) {
      const kind = reader.u8();
      if (kind !== 0x40) throw foreign(source, "MP4 codec", { got: `object type 0x${kind.toString(16)}` });
      reader.bytes(12);
    } else throw broken(source, "MP4 audio without its configuration");
  }
}

function sampleTable(source: Source, table: Box): Samples {
  const sizes = sampleSizes(source, table);
  const offsets = chunkOffsets(source, table);
  const runs = read(source, need(source, table, "stsc"));
  runs.u32();
  const groups = Array.from({ length: runs.count(12) }, () => ({
    firstChunk: runs.u32(),
    perChunk: runs.u32(),
    description: runs.u32(),
  }));
  const packets: Uint8Array[] = [];
  let group = -1;
  for (let chunk = 0; chunk < offsets.length && packets.length < sizes.length; chunk++) {
    if (groups[group + 1]?.firstChunk === chunk + 1) group++;
    let at = offsets[chunk];
    const last = Math.min(sizes.length, packets.length + (groups[group]?.perChunk ?? 0));
    while (packets.length < last) {
      const size = sizes[packets.length];
      packets.push(packetAt(source, at, size));
      at += size;
    }
  }
  if (packets.length < sizes.length)
    throw broken(source, "MP4 sample table", {
      got: `places of ${packets.length} packets`,
      want: `${sizes.length}`,
    });
  return { packets, ...durations(source, table) };
}

function sampleSizes(source: Source, table: Box): number[] {
  const reader = read(source, need(source, table, "stsz"));
  reader.u32();
  const same = reader.u32();
  if (same === 0) return Array.from({ length: reader.count(4) }, () => reader.u32());
  const count = reader.u32();
  // Each sample has at least a byte: a count beyond the file's size is a lie.
  if (count * same > source.bytes.length)
    throw broken(source, "MP4 sample table", {
      got: `${count} packets`,
      want: "packets that fit into the file",
    });
  return new Array<number>(count).fill(same);
}

function chunkOffsets(source: Source, table: Box): number[] {
  const short = child(source, table, "stco");
  const reader = read(source, short ?? need(source, table, "co64"));
  reader.u32();
  return Array.from({ length: reader.count(short ? 4 : 8) }, () => (short ? reader.u32() : reader.u64()));
}

function durations(source: Source, table: Box): Pick<Samples, "duration" | "packetDuration"> {
  const reader = read(source, need(source, table, "stts"));
  reader.u32();
  let duration = 0;
  let packetDuration = 0;
  for (let left = reader.count(8); left > 0; left--) {
    const [count, delta] = [reader.u32(), reader.u32()];
    duration += count * delta;
    packetDuration ||= delta;
  }
  return { duration, packetDuration };
}

/** Movie fragments: `moof` boxes with runs of packets, as streaming services write them. */
function fragments(source: Source, top: Box[], moov: Box, track: number): Samples {
  const extends_ = child(source, moov, "mvex");
  const defaults = (extends_ === undefined ? [] : boxes(source, extends_.start, extends_.end))
    .filter(({ type }) => type === "trex")
    .map((box) =>
      [1, 2, 3, 4].map((i) =>
        read(source, box)
          .skip(4 * i)
          .u32(),
      ),
    )
    .find(([id]) => id === track) ?? [track, 1, 0, 0];
  const samples: Samples = { packets: [], duration: 0, packetDuration: 0 };
  for (const moof of top.filter(({ type }) => type === "moof"))
    for (const traf of boxes(source, moof.start, moof.end).filter(({ type }) => type === "traf"))
      runsOf(source, moof, traf, track, defaults, samples);
  return samples;
}

function runsOf(source: Source, moof: Box, traf: Box, track: number, trex: number[], samples: Samples): void {
  const header = read(source, need(source, traf, "tfhd"));
  const flags = header.u32();
  if (header.u32() !== track) return;
  let at = flags & 1 ? header.u64() : moof.start - 8;
  const base = at;
  if (flags & 2) header.u32();
  const duration = flags & 8 ? header.u32() : trex[2];
  const size = flags & 16 ? header.u32() : trex[3];
  for (const run of boxes(source, traf.start, traf.end).filter(({ type }) => type === "trun")) {
    const reader = read(source, run);
    const what = reader.u32();
    const count = reader.u32();
    if (what & 1) at = base + (reader.u32() | 0);
    if (what & 4) reader.u32();
    for (let i = 0; i < count; i++) {
      const delta = what & 0x100 ? reader.u32() : duration;
      const length = what & 0x200 ? reader.u32() : size;
      if (what & 0x400) reader.u32();
      if (what & 0x800) reader.u32();
      if (length === 0) throw broken(source, "MP4 fragment", { got: "an empty packet" });
      samples.packets.push(packetAt(source, at, length));
      samples.duration += delta;
      samples.packetDuration ||= delta;
      at += length;
    }
  }
}

function packetAt(source: Source, at: number, size: number): Uint8Array {
  if (at + size > source.bytes.length)
    throw broken(source, "length, it is cut off", {
      got: `${source.bytes.length} bytes`,
      want: `at least ${at + size}, where its table places a packet`,
    });
  return source.bytes.subarray(at, at + size);
}

const handler = (source: Source, track: Box): string => {
  const media = child(source, track, "mdia");
  const box = media && child(source, media, "hdlr");
  return box === undefined ? "" : text(source, box.start + 8);
};

const trackId = (source: Source, track: Box): number => {
  const header = read(source, need(source, track, "tkhd"));
  return header.skip(header.u8() === 1 ? 19 : 11).u32();
};

/** Of a media or movie header. */
const mediaTimescale = (source: Source, box: Box): number => {
  const header = read(source, box);
  return header.skip(header.u8() === 1 ? 19 : 11).u32() || 1;
};

function boxes(source: Source, start: number, end: number): Box[] {
  const { view } = source;
  const found: Box[] = [];
  for (let at = start; at + 8 <= end; ) {
    let size = view.getUint32(at);
    let header = 8;
    if (size === 1 && at + 16 <= end) {
      size = Number(view.getBigUint64(at + 8));
      header = 16;
    } else if (size === 0) size = end - at;
    if (size < header) break;
    // Only the last box can be cut off; what lies in it says whether that matters.
    found.push({ type: text(source, at + 4), start: at + header, end: Math.min(end, at + size) });
    at += size;
  }
  return found;
}

const child = (source: Source, box: Box, type: string): Box | undefined =>
  boxes(source, box.start, box.end).find((inner) => inner.type === type);

function need(source: Source, box: Box, type: string): Box {
  const found = child(source, box, type);
  if (found === undefined) throw broken(source, `MP4 file, its ${box.type} box has no ${type} box`);
  return found;
}

const types = (found: Box[]): string => found.map(({ type }) => type).join(" ");

/** Reads numbers one after the other, and nothing beyond the box. */
function read(source: Source, box: Box) {
  const { view } = source;
  let at = box.start;
  const take = (length: number): number => {
    if (at + length > box.end) throw broken(source, `MP4 file, its ${box.type} box is too short`);
    at += length;
    return at - length;
  };
  const reader = {
    u8: () => view.getUint8(take(1)),
    u32: () => view.getUint32(take(4)),
    u64: () => Number(view.getBigUint64(take(8))),
    i64: () => Number(view.getBigInt64(take(8))),
    bytes: (length: number) => source.bytes.subarray(take(length), at),
    /** A number of entries that the rest of the box really holds. */
    count: (entryBytes: number): number => {
      const count = view.getUint32(take(4));
      if (count * entryBytes > box.end - at)
        throw broken(source, `MP4 file, its ${box.type} box is too short`, {
          got: `${box.end - at} bytes`,
          want: `${count} entries of ${entryBytes} bytes`,
        });
      return count;
    },
    skip: (length: number) => {
      take(length);
      return reader;
    },
  };
  return reader;
}
