import { type Block, batchesOf, decodeOpus, decodePackets } from "../codecs.js";
import { flac } from "./flac.js";
import {
  broken,
  type Decoding,
  foreign,
  named,
  part,
  type Source,
  sourceOf,
  text,
  trim,
  truncated,
} from "./source.js";

interface Page {
  serial: number;
  sequence: number;
  /** Samples up to the end of the last packet that ends here; -1n where none does. */
  granule: bigint;
  first: boolean;
  last: boolean;
  /** Pieces of packets; the last one goes on in the next page unless `complete`. */
  pieces: Uint8Array[];
  complete: boolean;
}

/** One logical stream: its packets, and where they lie in time. */
interface Stream {
  packets: Uint8Array[];
  /** Audio and header packets that end on the first page with a sample count. */
  onFirstPage: number;
  firstGranule: number;
  lastGranule: number;
  /** The first page with a count is the last page. */
  single: boolean;
}

/**
 * Ogg with Vorbis, Opus or FLAC. Every page's checksum and number is verified; streams one after the other are joined.
 *
 * A file that ends at the end of a page is taken as whole, although its last page is not marked as the last one: some
 * recorders never mark it.
 *
 * Sources: RFC 3533, RFC 7845 (Opus), the Vorbis I specification (appendix A), RFC 9639 section 10.1 (FLAC).
 */
export function ogg(source: Source): Decoding {
  const decodings = streams(source).map((stream) => decodingOf(source, stream));
  const [first] = decodings;
  if (first === undefined) throw foreign(source, "Ogg codec", { want: "Vorbis, Opus or FLAC" });
  for (const { sampleRate, channels, codec } of decodings)
    if (sampleRate !== first.sampleRate || channels !== first.channels)
      throw foreign(source, "change within an Ogg file", {
        got: `${codec}, ${channels} channels, ${sampleRate} Hz`,
      });
  return { ...first, format: "ogg", blocks: joined(decodings) };
}

function* joined(decodings: Decoding[]): Generator<Block> {
  for (const { blocks } of decodings) yield* blocks;
}

function decodingOf(source: Source, stream: Stream): Decoding {
  const kind = kindOf(stream.packets[0]);
  if (kind === "vorbis") return vorbis(source, stream);
  return kind === "opus" ? opus(source, stream) : oggFlac(source, stream);
}

function kindOf(packet: Uint8Array): "vorbis" | "opus" | "flac" | undefined {
  const start = Buffer.from(packet.subarray(0, 8)).toString("latin1");
  if (start.startsWith("\x01vorbis")) return "vorbis";
  if (start === "OpusHead") return "opus";
  return start.startsWith("\x7fFLAC") ? "flac" : undefined;
}

function vorbis(source: Source, stream: Stream): Decoding {
  const [identification, , setup] = stream.packets;
  if (identification.length < 30 || setup === undefined) throw broken(source, "Vorbis headers");
  const view = new DataView(identification.buffer, identification.byteOffset, identification.length);
  const [channels, sampleRate] = [view.getUint8(11), view.getUint32(12, true)];
  // The decoder undoes the coupling of channels in the wrong order, which only more than two can show.
  if (channels > 2) throw foreign(source, "Vorbis stream", { got: `${channels} channels`, want: "1 or 2" });
  const headers = Buffer.concat([identification, setup]);
  const audio = stream.packets.slice(3);
  const onFirst = Math.max(0, stream.onFirstPage - 3);
  const blocks = decodePackets("vorbis", headers, [
    audio.slice(0, onFirst),
    ...batchesOf(audio.slice(onFirst)),
  ]);
  return {
    format: "ogg",
    codec: "vorbis",
    sampleRate,
    channels,
    blocks: named(source, vorbisAudio(stream, blocks)),
  };
}

/** Packets differ in length: only decoding tells how many samples the first page holds. */
function* vorbisAudio(stream: Stream, blocks: Generator<Block>): Generator<Block> {
  try {
    const first: Block = blocks.next().value;
    const passed = first[0]?.length ?? 0;
    const [start, end] = span(stream, passed, 0);
    yield* trim([first], start, end);
    yield* trim(blocks, Math.max(0, start - passed), end - passed);
  } finally {
    blocks.return(undefined);
  }
}

function opus(source: Source, stream: Stream): Decoding {
  const head = sourceOf(stream.packets[0], source.path);
  if (head.bytes.length < 19) throw broken(source, "Opus header", { got: `${head.bytes.length} bytes` });
  const channels = head.bytes[9];
  const preSkip = head.view.getUint16(10, true);
  const gain = 10 ** (head.view.getInt16(16, true) / (20 * 256));
  const family = head.bytes[18];
  if (family > 1 && family !== 255) throw foreign(source, "Opus channel mapping", { got: family });
  const [streamCount, coupled] = family === 0 ? [1, channels - 1] : head.bytes.subarray(19, 21);
  const table =
    family === 0 ? Uint8Array.of(0, 1).subarray(0, channels) : head.bytes.subarray(21, 21 + channels);
  if (channels === 0 || table.length < channels) throw broken(source, "Opus channel mapping");
  const order = family === 1 ? waveOrder[channels] : undefined;
  const mapping = order === undefined ? table : Uint8Array.from(order, (channel) => table[channel]);
  const audio = stream.packets.slice(2);
  const onFirst = audio.slice(0, Math.max(0, stream.onFirstPage - 2));
  const before = onFirst.reduce((sum, packet) => sum + opusLength(packet), 0);
  // Less on the first page than it holds means nothing in Opus, where pre-skip says what to drop.
  const blocks = trim(
    decodeOpus(mapping, streamCount, coupled, batchesOf(audio)),
    ...span(stream, Math.min(before, stream.firstGranule), preSkip),
  );
  const scaled = gain === 1 ? blocks : amplified(blocks, gain);
  return { format: "ogg", codec: "opus", sampleRate: 48000, channels, blocks: named(source, scaled) };
}

/** Where in Opus' (and Vorbis') order of so many channels those of a WAVE file's order stand. */
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
  const head = sourceOf(stream.packets[0], source.path);
  if (head.bytes.length < 51)
    throw broken(source, "FLAC header in Ogg", { got: `${head.bytes.length} bytes` });
  const start = head.bytes.slice(9);
  start[4] |= 0x80; // the only metadata block
  const audio = stream.packets.slice(1).filter((packet) => packet[0] === 0xff);
  return flac(sourceOf(Buffer.concat([start, ...audio]), source.path));
}

/**
 * From which decoded sample to which one the audio goes.
 *
 * The count on the first page, less what the page holds, is where the stream begins: above 0 in a recording of a
 * running broadcast, below 0 where the first samples are to be dropped. The count on the last page is the end.
 */
function span(stream: Stream, onFirstPage: number, skip: number): [number, number] {
  if (stream.lastGranule < 0) return [skip, Number.POSITIVE_INFINITY];
  const origin = stream.single ? 0 : stream.firstGranule - onFirstPage;
  return [skip + Math.max(0, -origin), stream.lastGranule - origin];
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

function streams(source: Source): Stream[] {
  const found: Stream[] = [];
  let open: { stream: Stream; serial: number; sequence: number; tail: Uint8Array[] } | undefined;
  for (const page of pages(source)) {
    // Another stream beside the open one is a picture or a second language.
    if (page.first && open === undefined) {
      const stream = { packets: [], onFirstPage: 0, firstGranule: -1, lastGranule: -1, single: false };
      if (kindOf(page.pieces[0] ?? new Uint8Array()) === undefined) continue;
      open = { stream, serial: page.serial, sequence: page.sequence, tail: [] };
      found.push(stream);
    }
    if (open?.serial !== page.serial) continue;
    if (page.sequence !== open.sequence)
      throw broken(source, "Ogg file, pages are missing", {
        got: page.sequence,
        want: `page ${open.sequence}`,
      });
    open.sequence++;
    const { stream, tail } = open;
    page.pieces.forEach((piece, i) => {
      tail.push(piece);
      if (i + 1 === page.pieces.length && !page.complete) return;
      stream.packets.push(tail.length === 1 ? piece : Buffer.concat(tail));
      tail.length = 0;
    });
    if (page.granule > 0n) {
      if (stream.firstGranule < 0) {
        stream.firstGranule = Number(page.granule);
        stream.onFirstPage = stream.packets.length;
        stream.single = page.last;
      }
      stream.lastGranule = Number(page.granule);
    }
    if (page.last) open = undefined;
  }
  return found;
}

function* pages(source: Source): Generator<Page> {
  const { bytes, view } = source;
  for (let at = 0; at < bytes.length; ) {
    const rest = bytes.length - at;
    // What follows the last page may be a tag.
    if (text(source, at) !== "OggS") {
      if (rest < 4 || Buffer.from(bytes.buffer, bytes.byteOffset + at, rest).includes("OggS"))
        throw broken(source, "Ogg page", { got: `something else at byte ${at}` });
      return;
    }
    const count = bytes[at + 26] ?? 0;
    const headerSize = 27 + count;
    const table = bytes.subarray(at + 27, at + headerSize);
    const size = headerSize + table.reduce((sum, length) => sum + length, 0);
    if (rest < headerSize || rest < size)
      throw truncated(source, "last page", rest, Math.max(headerSize, size));
    if (checksum(bytes.subarray(at, at + size)) !== view.getUint32(at + 22, true))
      throw broken(source, "checksum of an Ogg page", { got: `damage after byte ${at}` });
    const flags = bytes[at + 5];
    yield {
      serial: view.getUint32(at + 14, true),
      sequence: view.getUint32(at + 18, true),
      granule: view.getBigInt64(at + 6, true),
      first: (flags & 2) !== 0,
      last: (flags & 4) !== 0,
      pieces: piecesOf(part(source, at + headerSize, at + size).bytes, table),
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
