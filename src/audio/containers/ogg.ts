import { type Block, batchesOf, decodeOpus, decodePackets } from "../codecs.js";
import { flacPackets } from "./flac.js";
import {
  broken,
  type Decoding,
  foreign,
  indexOf,
  named,
  type Source,
  sourceOf,
  text,
  trim,
  truncated,
} from "./source.js";

interface Page {
  /** Where it begins in the file, and the next one. */
  at: number;
  end: number;
  serial: number;
  sequence: number;
  /** Granule position: samples up to the end of the last packet that ends here; -1n where none does. */
  granule: bigint;
  first: boolean;
  last: boolean;
  /** Pieces of packets; the last one goes on in the next page unless `complete`. */
  pieces: Uint8Array[];
  complete: boolean;
}

/** A page's granule position, and the number of packets that have ended by then. */
interface Mark {
  packets: number;
  granule: number;
}

/** One logical stream, and the times of its packets. */
interface Stream {
  kind: "vorbis" | "opus" | "flac";
  serial: number;
  /** Where its first page begins and its last one ends, in bytes. */
  start: number;
  end: number;
  /** The first three packets: those that are headers, or more. */
  headers: Uint8Array[];
  /** How many packets there are, the headers among them. */
  packets: number;
  /** Of the pages on which a packet of audio ends and that have a granule position. */
  marks: Mark[];
  /** Whether the last page with packets is marked as the last one. */
  ended: boolean;
}

/**
 * Ogg with Vorbis, Opus or FLAC. Every page's checksum and number is verified; streams one after the other are joined.
 *
 * A file that ends with a whole page counts as complete even where that page is not marked as the last: some recorders never
 * mark it. Others write wrong granule positions, or go on after a page that is marked as the last. So the packets decide what
 * there is to hear, and a granule position trims its own page at most.
 *
 * Sources: RFC 3533, RFC 7845 (Opus), the Vorbis I specification (appendix A), RFC 9639 section 10.1 (FLAC).
 */
export function ogg(source: Source): Decoding {
  const decodings = streams(source).map((stream) => decodingOf(source, stream));
  const [first] = decodings;
  for (const { sampleRate, channels, codec } of decodings)
    if (sampleRate !== first.sampleRate || channels !== first.channels)
      throw foreign(
        source,
        `The Ogg file changes from ${first.channels} channels at ${first.sampleRate} Hz to ${channels} at ${sampleRate} Hz (${codec}).`,
      );
  return { ...first, format: "ogg", blocks: joined(decodings) };
}

/** Packets before the audio. */
const headerPackets = { vorbis: 3, opus: 2, flac: 1 };

function* joined(decodings: Decoding[]): Generator<Block> {
  for (const { blocks } of decodings) yield* blocks;
}

function decodingOf(source: Source, stream: Stream): Decoding {
  if (stream.kind === "vorbis") return vorbis(source, stream);
  return stream.kind === "opus" ? opus(source, stream) : oggFlac(source, stream);
}

function kindOf(packet: Uint8Array): Stream["kind"] | undefined {
  const start = Buffer.from(packet.subarray(0, 8)).toString("latin1");
  if (start.startsWith("\x01vorbis")) return "vorbis";
  if (start === "OpusHead") return "opus";
  return start.startsWith("\x7fFLAC") ? "flac" : undefined;
}

function vorbis(source: Source, stream: Stream): Decoding {
  const [identification, , setup] = stream.headers;
  if (identification.length < 30 || setup === undefined)
    throw broken(source, "The Vorbis headers are incomplete.");
  const view = new DataView(identification.buffer, identification.byteOffset, identification.length);
  const [channels, sampleRate] = [view.getUint8(11), view.getUint32(12, true)];
  // The decoder undoes the coupling of channels in the wrong order, which only more than two can show.
  if (channels > 2)
    throw foreign(source, `The Vorbis stream has ${channels} channels; only 1 and 2 are decoded here.`);
  const headers = Buffer.concat([identification, setup]);
  const blocks = vorbisAudio(stream, decodePackets("vorbis", headers, byMarks(source, stream)));
  return {
    format: "ogg",
    codec: "vorbis",
    sampleRate,
    channels,
    blocks: named(source, blocks),
  };
}

/** The packets of audio, in batches that end at the marks; those after the last mark come last. */
function* byMarks(source: Source, stream: Stream): Generator<Uint8Array[]> {
  let batch: Uint8Array[] = [];
  let index = headerPackets[stream.kind];
  let mark = 0;
  for (const packet of packetsOf(source, stream)) {
    batch.push(packet);
    index++;
    if (index !== stream.marks[mark]?.packets) continue;
    yield batch;
    batch = [];
    mark++;
  }
  yield batch;
}

/**
 * Trims what the granule positions exclude. Packets differ in length, so only decoding tells how many samples a page has.
 *
 * A first page with a granule position below its number of samples begins before the audio does. That position is trusted, as
 * is that of the last page, if the neighbouring page's position agrees with its samples.
 */
function* vorbisAudio(stream: Stream, blocks: Iterable<Block>): Generator<Block> {
  const { marks } = stream;
  let index = 0;
  let agrees = true;
  let first: Block | undefined;
  for (const block of blocks) {
    const length = block[0]?.length ?? 0;
    const cut: number = index === marks.length - 1 && agrees ? excess(stream, length) : 0;
    const granule = marks[index]?.granule;
    agrees = index === 0 || length - cut === granule - marks[index - 1]?.granule;
    if (first !== undefined) yield* trim([first], agrees ? first[0].length - marks[0].granule : 0);
    first = undefined;
    if (index === 0 && granule < length - cut) first = block.map((plane) => plane.slice());
    else yield* trim([block], 0, length - cut);
    index++;
  }
  if (first !== undefined) yield first;
}

function opus(source: Source, stream: Stream): Decoding {
  const head = sourceOf(stream.headers[0], source.path);
  if (head.bytes.length < 19)
    throw broken(source, `The Opus header has ${head.bytes.length} bytes instead of 19 or more.`);
  const channels = head.view.getUint8(9);
  const preSkip = head.view.getUint16(10, true);
  const gain = 10 ** (head.view.getInt16(16, true) / (20 * 256));
  const family = head.view.getUint8(18);
  if (family > 1 && family !== 255)
    throw foreign(
      source,
      `The Opus stream has channel mapping family ${family}; only 0, 1 and 255 are decoded here.`,
    );
  const [streamCount, coupled] = family === 0 ? [1, channels - 1] : head.bytes.subarray(19, 21);
  const table =
    family === 0 ? Uint8Array.of(0, 1).subarray(0, channels) : head.bytes.subarray(21, 21 + channels);
  if (channels === 0 || table.length < channels)
    throw broken(source, `The Opus header maps ${table.length} of its ${channels} channels.`);
  const order = family === 1 ? waveOrder[channels] : undefined;
  const mapping = order === undefined ? table : Uint8Array.from(order, (channel) => table[channel]);
  const beforeLast = stream.marks.at(-2)?.packets ?? headerPackets.opus;
  let [index, total, onLast] = [headerPackets.opus, 0, 0];
  for (const packet of packetsOf(source, stream)) {
    total += opusLength(packet);
    if (index++ >= beforeLast) onLast += opusLength(packet);
  }
  // A low granule position on the first page means nothing in Opus, where pre-skip says what to drop.
  const end = total - excess(stream, onLast);
  const batches = batchesOf(packetsOf(source, stream));
  const blocks = trim(decodeOpus(mapping, streamCount, coupled, batches), preSkip, end);
  const scaled = gain === 1 ? blocks : amplified(blocks, gain);
  return { format: "ogg", codec: "opus", sampleRate: 48000, channels, blocks: named(source, scaled) };
}

/** By the number of channels: the index, in the order of Opus and Vorbis, of each channel in the order of WAVE files. */
const waveOrder: Record<number, number[]> = {
  3: [0, 2, 1],
  5: [0, 2, 1, 3, 4],
  6: [0, 2, 1, 5, 3, 4],
  7: [0, 2, 1, 6, 5, 3, 4],
  8: [0, 2, 1, 7, 5, 6, 3, 4],
};

function* amplified(blocks: Iterable<Block>, gain: number): Generator<Block> {
  for (const block of blocks) yield block.map((plane) => plane.map((sample) => sample * gain));
}

function oggFlac(source: Source, stream: Stream): Decoding {
  // After the mark come two bytes of version, the number of header packets, and a native file's start.
  const head = sourceOf(stream.headers[0], source.path);
  if (head.bytes.length < 51)
    throw broken(source, `The FLAC header in Ogg has ${head.bytes.length} bytes instead of 51 or more.`);
  return flacPackets(sourceOf(stream.headers[0].subarray(9), source.path), function* () {
    // Further headers are no frames.
    for (const packet of packetsOf(source, stream)) if (packet[0] === 0xff) yield packet;
  });
}

/** Samples of the last page beyond its granule position; none where the positions do not rise. */
function excess({ packets, marks, ended }: Stream, onLastPage: number): number {
  const [last, previous] = [marks.at(-1), marks.at(-2)?.granule ?? 0];
  if (!ended || last === undefined || last.packets < packets || last.granule <= previous) return 0;
  return Math.max(0, onLastPage - (last.granule - previous));
}

/** Samples in an Opus packet at 48 kHz, RFC 6716 section 3.1. */
function opusLength(packet: Uint8Array): number {
  if (packet.length === 0) return 0;
  const config = packet[0] >> 3;
  const frame =
    config < 12
      ? [480, 960, 1920, 2880][config & 3]
      : config < 16
        ? [480, 960][config & 1]
        : 120 << (config & 3);
  const code = packet[0] & 3;
  return frame * (code === 0 ? 1 : code < 3 ? 2 : (packet[1] ?? 0) & 63);
}

/**
 * The first audio stream of every link of a chain.
 *
 * Multiplexed streams begin together, before any other page; a stream that begins later belongs to the next link. Streams
 * beside the first audio stream are pictures or other languages.
 *
 * @throws `unsupported` for a part of a chain without audio that is known here, `invalid` where pages are missing
 */
function streams(source: Source): Stream[] {
  const found: Stream[] = [];
  const serials = new Set<number>();
  let open: { stream: Stream; sequence: number; tail: Uint8Array[] } | undefined;
  let beginning = false;
  let other = "";
  const settle = () => {
    if (open === undefined)
      throw foreign(
        source,
        `The Ogg file holds a stream that begins with ${JSON.stringify(other)}, and no Vorbis, Opus or FLAC.`,
      );
    if (open.tail.length > 0) throw broken(source, "The file is cut off in an Ogg packet.");
  };
  for (const page of pages(source, 0, source.bytes.length)) {
    const { serial, sequence } = page;
    if (page.first) {
      if (!beginning) {
        if (serials.size > 0) settle();
        serials.clear();
        open = undefined;
      }
      beginning = true;
      serials.add(serial);
      const start = page.pieces[0] ?? new Uint8Array();
      const kind = kindOf(start);
      if (open === undefined && kind !== undefined) {
        const lies = { serial, start: page.at, end: page.end };
        const stream = { kind, ...lies, headers: [], packets: 0, marks: [], ended: false };
        open = { stream, sequence, tail: [] };
        found.push(stream);
      } else other = Buffer.from(start.subarray(0, 8)).toString("latin1");
    } else beginning = false;
    if (!serials.has(serial))
      throw broken(source, `The Ogg file has page ${sequence} of a stream that has no beginning.`);
    if (open?.stream.serial !== serial) continue;
    if (sequence !== open.sequence)
      throw broken(
        source,
        `Pages of the Ogg file are missing: page ${sequence} follows where page ${open.sequence} should.`,
      );
    open.sequence++;
    addPage(open.stream, page, open.tail);
  }
  settle();
  return found;
}

function addPage(stream: Stream, page: Page, tail: Uint8Array[]): void {
  const before = stream.packets;
  for (const packet of endingOn(page, tail)) {
    if (stream.headers.length < 3) stream.headers.push(packet);
    stream.packets++;
  }
  const { packets } = stream;
  stream.end = page.end;
  // A last page may be empty: it marks the one before.
  stream.ended = page.last || (stream.ended && packets === before);
  const isAudio = packets > Math.max(before, headerPackets[stream.kind]);
  if (page.granule > 0n && isAudio) stream.marks.push({ packets, granule: Number(page.granule) });
}

/**
 * The packets of a stream after its headers, joined from its pages.
 *
 * They are read from the pages again each time: a list of them could be a hundred times as large as the file.
 */
function* packetsOf(source: Source, stream: Stream): Generator<Uint8Array> {
  const tail: Uint8Array[] = [];
  const headers = headerPackets[stream.kind];
  let index = 0;
  for (const page of pages(source, stream.start, stream.end, true)) {
    if (page.serial !== stream.serial) continue;
    for (const packet of endingOn(page, tail)) if (index++ >= headers) yield packet;
  }
}

/** The packets that end on a page. The pieces of one that goes on in the next are kept in `tail`. */
function* endingOn(page: Page, tail: Uint8Array[]): Generator<Uint8Array> {
  for (const [i, piece] of page.pieces.entries()) {
    tail.push(piece);
    if (i + 1 === page.pieces.length && !page.complete) return;
    const packet = tail.length === 1 ? piece : Buffer.concat(tail);
    tail.length = 0;
    // Empty packets are no audio; the tools of libopus and Vorbis skip them too.
    if (packet.length > 0) yield packet;
  }
}

function* pages(source: Source, start: number, stop: number, checked = false): Generator<Page> {
  const { bytes, view } = source;
  let ended = false;
  for (let at = start; at < stop; ) {
    const rest = bytes.length - at;
    if (text(source, at) !== "OggS") {
      // What follows the last page may be a tag.
      const isMore = !ended && !/^(TAG|ID3|APET|LYRI|\0\0\0\0)/.test(text(source, at));
      if (isMore || indexOf(bytes, "OggS", at) >= 0)
        throw broken(source, `There is something else than an Ogg page at byte ${at}.`);
      return;
    }
    const count = bytes.at(at + 26) ?? 0;
    const headerSize = 27 + count;
    const table = bytes.subarray(at + 27, at + headerSize);
    const size = headerSize + table.reduce((sum, length) => sum + length, 0);
    if (rest < headerSize || rest < size)
      throw truncated(source, "last page", rest, Math.max(headerSize, size));
    if (!checked && checksum(bytes.subarray(at, at + size)) !== view.getUint32(at + 22, true))
      throw broken(source, `The Ogg page at byte ${at} is damaged: its checksum is wrong.`);
    const flags = bytes.at(at + 5)!;
    ended = (flags & 4) !== 0;
    yield {
      at,
      end: at + size,
      serial: view.getUint32(at + 14, true),
      sequence: view.getUint32(at + 18, true),
      granule: view.getBigInt64(at + 6, true),
      first: (flags & 2) !== 0,
      last: ended,
      pieces: piecesOf(bytes.subarray(at + headerSize, at + size), table),
      complete: count === 0 || table[count - 1] < 255,
    };
    at += size;
  }
}

/** A packet ends with the first length below 255. */
function piecesOf(body: Uint8Array, table: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let start = 0;
  let end = 0;
  table.forEach((length, i) => {
    end += length;
    if (length === 255 && i + 1 < table.length) return;
    pieces.push(body.subarray(start, end));
    start = end;
  });
  return pieces;
}

/** CRC-32 with the polynomial 0x04c11db7, not reflected, of the page with its own field as 0. */
function checksum(page: Uint8Array): number {
  let crc = 0;
  for (let i = 0; i < page.length; i++) {
    const byte = i >= 22 && i < 26 ? 0 : page[i];
    crc = (crc << 8) ^ crcTable[(crc >>> 24) ^ byte];
  }
  return crc >>> 0;
}

const crcTable = Int32Array.from({ length: 256 }, (_, index) => {
  let crc = index << 24;
  for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc < 0 ? 0x04c11db7 : 0);
  return crc;
});
