import { batchesOf, decodePackets } from "../codecs.js";
import { readAacConfig } from "./aac-config.js";
import {
  broken,
  type Decoding,
  ForeignError,
  foreign,
  named,
  part,
  type Source,
  text,
  trim,
} from "./source.js";

interface Box {
  type: string;
  /** Where its header begins. */
  at: number;
  /** The body. */
  start: number;
  end: number;
  /** Whether it is not cut off. */
  isWhole: boolean;
}

/** The place of a coded packet in the file, and its duration in units of the track's time scale. */
interface Place {
  at: number;
  size: number;
  duration: number;
}

/**
 * The first audio track of an MP4 or QuickTime file: AAC-LC or ALAC, whole or in fragments.
 *
 * The encoder's delay and padding are cut away where an edit list or iTunes' own tag tells them. The end is cut to the
 * exact sample, where FFmpeg 5 keeps the last packet whole. An edit list that plays the audio in pieces or at another
 * speed is left to FFmpeg.
 *
 * Sources: ISO/IEC 14496-12 and -14, Apple's ALAC magic cookie description.
 */
export function mp4(source: Source): Decoding {
  const top = boxes(source, 0, source.bytes.length);
  const moov = top.find(({ type }) => type === "moov");
  if (moov === undefined)
    throw broken(
      source,
      `The MP4 file has no moov box: it is cut off or was never finished (it has ${types(top)}).`,
    );
  if (!moov.isWhole) throw broken(source, "The file is cut off in the moov box, which describes its audio.");
  const tracks = boxes(source, moov.start, moov.end).filter(({ type }) => type === "trak");
  const track = tracks.find((trak) => handler(source, trak) === "soun");
  if (track === undefined) throw foreign(source, `The MP4 file has no sound in its ${tracks.length} tracks.`);
  const media = need(source, track, "mdia");
  const timescale = mediaTimescale(source, need(source, media, "mdhd"));
  const information = need(source, media, "minf");
  checkReference(source, information);
  const table = need(source, information, "stbl");
  const isFragmented = top.some(({ type }) => type === "moof");
  const fragmented = () => fragments(source, top, moov, trackId(source, track));
  const codec = codecOf(source, table, () => (isFragmented ? fragmented() : sampleTable(source, table)()));
  // The places are computed twice: a list of them could be a hundred times as large as the file.
  const places = isFragmented ? fragmented : sampleTable(source, table);
  const { sampleRate, channels } = codec;
  const toSamples = (duration: number) => Math.round((duration / timescale) * sampleRate);
  const { count, duration, packetDuration } = totals(source, places());
  // An AAC packet has 1024 samples. Twice that means HE-AAC, which the codec's header does not always show.
  if (codec.name === "aac" && toSamples(packetDuration) === 2048)
    throw foreign(source, "The MP4 file holds HE-AAC.");
  // The last packet may be shorter than the others. A total beyond that means a wrong table, which says nothing about the end.
  const total = toSamples(duration);
  const end = total > (count - 1) * codec.packetSamples ? total : Number.POSITIVE_INFINITY;
  const cut = edited(source, moov, track, { timescale, sampleRate, end });
  const blocks = decodePackets(codec.name, codec.extra, batchesOf(packetsAt(source, places())));
  return {
    format: "mp4",
    codec: codec.name,
    sampleRate,
    channels,
    blocks: named(source, trim(blocks, ...cut)),
  };
}

/** The codec's name and configuration. A truncated file is not left to FFmpeg, which would not report it. */
function codecOf(source: Source, table: Box, places: () => Iterable<Place>) {
  try {
    return sampleEntry(source, need(source, table, "stsd"));
  } catch (error) {
    const sizes = child(source, table, "stsz");
    // With one size for all, QuickTime counts single bytes or samples as packets.
    const areTold = sizes !== undefined && read(source, sizes).skip(4).u32() === 0;
    if (error instanceof ForeignError && areTold) totals(source, places());
    throw error;
  }
}

/** Adds up the packets, and checks that they lie within the file and do not overlap. */
function totals(source: Source, places: Iterable<Place>) {
  const { length } = source.bytes;
  let [count, bytes, duration, packetDuration] = [0, 0, 0, 0];
  for (const place of places) {
    const end = place.at + place.size;
    if (end > length)
      throw broken(
        source,
        `The file is cut off: it has ${length} bytes, and its table places a packet up to byte ${end}.`,
      );
    count++;
    bytes += place.size;
    duration += place.duration;
    packetDuration ||= place.duration;
    if (place.size === 0) throw broken(source, `Packet ${count} of the MP4 file is empty.`);
    if (place.at < 0 || bytes > length)
      throw broken(
        source,
        `Packets of the MP4 file lie over one another: the first ${count} take more than its ${length} bytes.`,
      );
  }
  return { count, duration, packetDuration };
}

function* packetsAt({ bytes }: Source, places: Iterable<Place>): Generator<Uint8Array> {
  for (const { at, size } of places) yield bytes.subarray(at, at + size);
}

/** The first sample of the decoder's output that is audio, and the end of the audio. */
function edited(
  source: Source,
  moov: Box,
  track: Box,
  { timescale, sampleRate, end }: { timescale: number; sampleRate: number; end: number },
): [number, number] {
  const list = editList(source, track);
  if (list.some(({ rate }) => rate !== 1))
    throw foreign(source, "The MP4 edit list plays the audio at another speed.");
  // An edit without media is a pause before the audio.
  const edits = list.filter(({ mediaTime }) => mediaTime >= 0);
  if (edits.length > 1) throw foreign(source, `The MP4 edit list plays the audio in ${edits.length} pieces.`);
  const [edit] = edits;
  if (edit === undefined) return tagged(source, moov) ?? [0, end];
  const start = Math.round((edit.mediaTime / timescale) * sampleRate);
  const header = child(source, moov, "mvhd");
  const movieScale = header === undefined ? timescale : mediaTimescale(source, header);
  // An edit's length is often in milliseconds: too coarse to cut by, unless it is clearly less than the media's.
  const length = Math.round((edit.duration / movieScale) * sampleRate);
  const isShorter =
    edit.duration > 0 && Number.isFinite(end) && start + length + sampleRate / movieScale < end;
  return [start, isShorter ? start + length : end];
}

/** @throws `invalid` where the audio lies in another file */
function checkReference(source: Source, information: Box): void {
  const data = child(source, information, "dinf");
  const references = data && child(source, data, "dref");
  if (references === undefined) return;
  const [first] = boxes(source, references.start + 8, references.end);
  // Not flagged as this very file, and with a location after the flags.
  if (first !== undefined && first.end - first.start > 5 && (source.view.getUint32(first.start) & 1) === 0)
    throw broken(source, "The MP4 file has its audio in another file.");
}

/** iTunes' `iTunSMPB`: hexadecimal words, the second is the delay, the third the padding, the fourth the length. */
function tagged(source: Source, moov: Box): [number, number] | undefined {
  const content = text(source, moov.start, moov.end - moov.start);
  const match = /iTunSMPB[\s\S]{0,40}? [0-9A-F]{8} ([0-9A-F]{8}) [0-9A-F]{8} ([0-9A-F]{16})/.exec(content);
  if (match === null) return undefined;
  const [delay, length] = [Number.parseInt(match[1], 16), Number.parseInt(match[2], 16)];
  return [delay, delay + length];
}

function editList(source: Source, track: Box): { duration: number; mediaTime: number; rate: number }[] {
  const edits = child(source, track, "edts");
  const list = edits && child(source, edits, "elst");
  if (list === undefined) return [];
  const reader = read(source, list);
  const long = reader.u32() >>> 24 === 1;
  return Array.from({ length: reader.count(long ? 20 : 12) }, () => {
    const duration = long ? reader.u64() : reader.u32();
    const mediaTime = long ? reader.i64() : reader.u32() | 0;
    return { duration, mediaTime, rate: reader.u32() / 65536 };
  });
}

function sampleEntry(source: Source, stsd: Box) {
  const entry = boxes(source, stsd.start + 8, stsd.end)[0];
  if (entry === undefined || entry.end - entry.start < 28)
    throw broken(source, "The MP4 file does not describe its audio.");
  const version = source.view.getUint16(entry.start + 8);
  // QuickTime's newer versions put more before the boxes, or wrap them into `wave`.
  const inner = boxes(source, entry.start + 28 + [0, 16, 36][Math.min(version, 2)], entry.end);
  const wave = inner.find(({ type }) => type === "wave");
  const all = wave === undefined ? inner : [...inner, ...boxes(source, wave.start, wave.end)];
  const find = (type: string) => all.find((box) => box.type === type);
  if (entry.type === "mp4a") {
    const esds = find("esds");
    if (esds === undefined) throw broken(source, "The MP4 file lacks the configuration of its AAC audio.");
    const { config, ...rest } = readAacConfig(source, decoderConfig(source, esds));
    return { name: "aac", extra: config, packetSamples: 1024, ...rest } as const;
  }
  if (entry.type === "alac") {
    const alac = find("alac");
    if (alac === undefined || alac.end - alac.start < 28)
      throw broken(source, "The MP4 file lacks the configuration of its ALAC audio.");
    const cookie = part(source, alac.start + 4, alac.end);
    const [channels, sampleRate] = [cookie.view.getUint8(9), cookie.view.getUint32(20)];
    // The decoder drops one of eight channels.
    if (channels > 2)
      throw foreign(source, `The ALAC stream has ${channels} channels; only 1 and 2 are decoded here.`);
    const packetSamples = cookie.view.getUint32(0);
    return {
      name: "alac",
      extra: cookie.bytes.subarray(0, cookie.bytes.length),
      packetSamples,
      sampleRate,
      channels,
    } as const;
  }
  throw foreign(
    source,
    `The MP4 file holds the codec ${JSON.stringify(entry.type)}; AAC-LC and ALAC are decoded here.`,
  );
}

/** The AudioSpecificConfig within descriptors 3 (stream), 4 (decoder) and 5 (its configuration). */
function decoderConfig(source: Source, esds: Box): Uint8Array {
  const reader = read(source, esds);
  reader.u32();
  for (;;) {
    const tag = reader.u8();
    let length = 0;
    for (let count = 0; count < 4; count++) {
      const byte = reader.u8();
      length = (length << 7) | (byte & 0x7f);
      if ((byte & 0x80) === 0) break;
    }
    if (tag === 5) return reader.bytes(length);
    if (tag === 3) {
      reader.bytes(2);
      const flags = reader.u8();
      reader.bytes((flags & 0x80 ? 2 : 0) + (flags & 0x20 ? 2 : 0));
      if (flags & 0x40) reader.bytes(reader.u8());
    } else if (tag === 4) {
      const kind = reader.u8();
      if (kind !== 0x40)
        throw foreign(
          source,
          `The MP4 file holds the codec 0x${kind.toString(16)}; AAC-LC and ALAC are decoded here.`,
        );
      reader.bytes(12);
    } else throw broken(source, "The MP4 file lacks the configuration of its AAC audio.");
  }
}

/** Reads the tables; each call of the result yields the places of the packets from the first on. */
function sampleTable(source: Source, table: Box): () => Generator<Place> {
  const sizes = sampleSizes(source, table);
  const offsets = chunkOffsets(source, table);
  const groups = chunkGroups(source, table);
  const times = durations(source, table);
  return function* () {
    let [index, group, time, timed] = [0, -1, 0, 0];
    for (let chunk = 0; chunk < offsets.length && index < sizes.count; chunk++) {
      if (groups[group + 1]?.firstChunk === chunk + 1) group++;
      let at = offsets[chunk];
      const last = Math.min(sizes.count, index + (groups[group]?.perChunk ?? 0));
      for (; index < last; index++) {
        while (time < times.length && timed >= times[time].count) [time, timed] = [time + 1, 0];
        timed++;
        const size = sizes.of(index);
        yield { at, size, duration: times[time]?.delta ?? 0 };
        at += size;
      }
    }
    if (index < sizes.count)
      throw broken(source, `The MP4 table places ${index} of its ${sizes.count} packets.`);
  };
}

function sampleSizes(source: Source, table: Box): { count: number; of: (index: number) => number } {
  const box = child(source, table, "stsz");
  if (box === undefined && child(source, table, "stz2") !== undefined)
    throw foreign(source, "The MP4 file has a compact table of packet sizes (stz2).");
  const reader = read(source, box ?? need(source, table, "stsz"));
  reader.u32();
  const same = reader.u32();
  if (same === 0) {
    const sizes = Array.from({ length: reader.count(4) }, () => reader.u32());
    return { count: sizes.length, of: (index) => sizes[index] };
  }
  const count = reader.u32();
  // Each sample has at least a byte, so a count beyond the file's size is wrong.
  if (count * same > source.bytes.length)
    throw broken(
      source,
      `The MP4 table tells ${count} packets of ${same} bytes, more than fit into the file.`,
    );
  return { count, of: () => same };
}

function chunkGroups(source: Source, table: Box): { firstChunk: number; perChunk: number }[] {
  const reader = read(source, need(source, table, "stsc"));
  reader.u32();
  return Array.from({ length: reader.count(12) }, () => {
    const group = { firstChunk: reader.u32(), perChunk: reader.u32() };
    checkDescription(source, reader.u32());
    return group;
  });
}

/** A track may change its codec from packet to packet. */
function checkDescription(source: Source, index: number): void {
  if (index > 1) throw foreign(source, `The MP4 track has packets of ${index} codecs or configurations.`);
}

function chunkOffsets(source: Source, table: Box): number[] {
  const short = child(source, table, "stco");
  const reader = read(source, short ?? need(source, table, "co64"));
  reader.u32();
  return Array.from({ length: reader.count(short ? 4 : 8) }, () => (short ? reader.u32() : reader.u64()));
}

function durations(source: Source, table: Box): { count: number; delta: number }[] {
  const reader = read(source, need(source, table, "stts"));
  reader.u32();
  return Array.from({ length: reader.count(8) }, () => ({ count: reader.u32(), delta: reader.u32() }));
}

/** Movie fragments: `moof` boxes with runs of packets, as streaming services write them. */
function* fragments(source: Source, top: Box[], moov: Box, track: number): Generator<Place> {
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
  for (const moof of top.filter(({ type }) => type === "moof")) {
    const parts = boxes(source, moof.start, moof.end).filter(({ type }) => type === "traf");
    for (const traf of parts)
      yield* runsOf(source, { moof, traf, isFirst: traf === parts[0] }, track, defaults);
  }
}

function* runsOf(
  source: Source,
  { moof, traf, isFirst }: { moof: Box; traf: Box; isFirst: boolean },
  track: number,
  [, defaultDescription, defaultDuration, defaultSize]: number[],
): Generator<Place> {
  const header = read(source, need(source, traf, "tfhd"));
  const flags = header.u32();
  if (header.u32() !== track) return;
  const base = flags & 1 ? header.u64() : moof.at;
  if (!isFirst && (flags & 0x20001) === 0)
    throw foreign(source, "The place of an MP4 fragment follows from that of another track.");
  checkDescription(source, flags & 2 ? header.u32() : defaultDescription);
  const duration = flags & 8 ? header.u32() : defaultDuration;
  const size = flags & 16 ? header.u32() : defaultSize;
  let at = base;
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
      yield { at, size: length, duration: delta };
      at += length;
    }
  }
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
    // Only the last box can be cut off; its contents decide whether that matters.
    const type = text(source, at + 4);
    found.push({ type, at, start: at + header, end: Math.min(end, at + size), isWhole: at + size <= end });
    at += size;
  }
  return found;
}

const child = (source: Source, box: Box, type: string): Box | undefined =>
  boxes(source, box.start, box.end).find((inner) => inner.type === type);

function need(source: Source, box: Box, type: string): Box {
  const found = child(source, box, type);
  if (found === undefined) throw broken(source, `The ${box.type} box of the MP4 file has no ${type} box.`);
  return found;
}

const types = (found: Box[]): string => found.map(({ type }) => type).join(" ");

/** Reads numbers one after the other, and nothing beyond the box. */
function read(source: Source, box: Box) {
  const { view } = source;
  let at = box.start;
  const take = (length: number): number => {
    if (at + length > box.end) throw broken(source, `The ${box.type} box of the MP4 file is too short.`);
    at += length;
    return at - length;
  };
  const reader = {
    u8: () => view.getUint8(take(1)),
    u32: () => view.getUint32(take(4)),
    u64: () => Number(view.getBigUint64(take(8))),
    i64: () => Number(view.getBigInt64(take(8))),
    bytes: (length: number) => source.bytes.subarray(take(length), at),
    /** A number of entries, which the rest of the box must have room for. */
    count: (entryBytes: number): number => {
      const count = view.getUint32(take(4));
      if (count * entryBytes > box.end - at)
        throw broken(
          source,
          `The ${box.type} box of the MP4 file is too short: ${box.end - at} bytes for ${count} entries of ${entryBytes} bytes.`,
        );
      return count;
    },
    skip: (length: number) => {
      take(length);
      return reader;
    },
  };
  return reader;
}
