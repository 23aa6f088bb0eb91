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

/** A page's count of samples, and how many packets have ended by then. */
interface Mark {
  packets: number;
  granule: number;
}

/** One logical stream: its packets, and where they lie in time. */
interface Stream {
  packets: Uint8Array[];
  /** Of the pages that end a packet of audio and tell a count. */
  marks: Mark[];
  /** Whether the last page with packets is marked as the last one. */
  ended: boolean;
}

/**
 * Ogg with Vorbis, Opus or FLAC. Every page's checksum and number is verified; streams one after the other are joined.
 *
 * A file that ends at the end of a page is taken as whole, although its last page is not marked as the last one: some
 * recorders never mark it. Others write counts of samples that are wrong, or go on behind a page that is marked as the
 * last one: the packets decide what there is to hear, and a count cuts no more than its own page.
 *
 * Sources: RFC 3533, RFC 7845 (Opus), the Vorbis I specification (appendix A), RFC 9639 section 10.1 (FLAC).
 */
export function ogg(source: Source): Decoding {
  const decodings = streams(source).map((stream) => decodingOf(source, stream));
  const [first] = decodings;
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
  const blocks = vorbisAudio(stream, decodePackets("vorbis", headers, pagesOf(stream, 3)));
  return {
    format: "ogg",
    codec: "vorbis",
    sampleRate,
    channels,
    blocks: named(source, blocks),
  };
}

/** The packets behind the headers, those of each mark together; those behind the last mark come last. */
function pagesOf({ packets, marks }: Stream, headers: number): Uint8Array[][] {
  const ends = [headers, ...marks.map((mark) => mark.packets), packets.length];
  return ends.slice(1).map((end, i) => packets.slice(ends[i], end));
}

/**
 * Cuts what the counts say is not to be heard. Packets differ in length: only decoding tells how many samples a page has.
 *
 * A first page whose count is less than what it holds begins before the audio does. It is believed, as the count of the
 * last page is, if its neighbour's count agrees with what that page holds.
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
  const lengths = audio.map(opusLength);
  const total = sum(lengths);
  const onLast = sum(lengths.slice((stream.marks.at(-2)?.packets ?? 2) - 2));
  // Less on the first page than it holds means nothing in Opus, where pre-skip says what to drop.
  const end = total - excess(stream, onLast);
  const blocks = trim(decodeOpus(mapping, streamCount, coupled, batchesOf(audio)), preSkip, end);
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

/** How many of the last page's samples are more than its count allows. Counts that do not rise allow them all. */
function excess({ packets, marks, ended }: Stream, onLastPage: number): number {
  const [last, previous] = [marks.at(-1), marks.at(-2)?.granule ?? 0];
  if (!ended || last === undefined || last.packets < packets.length || last.granule <= previous) return 0;
  return Math.max(0, onLastPage - (last.granule - previous));
}

const sum = (numbers: number[]): number => numbers.reduce((total, number) => total + number, 0);

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
 * The first audio stream of the file, and of whatever is chained behind it.
 *
 * Streams side by side begin together, before any other page: what begins later follows. Another stream beside the
 * first one is a picture or a second language.
 *
 * @throws `unsupported` for a part of a chain without audio that is known here, `invalid` where pages are missing
 */
function streams(source: Source): Stream[] {
  const found: Stream[] = [];
  const serials = new Set<number>();
  let open: { stream: Stream; serial: number; sequence: number; tail: Uint8Array[] } | undefined;
  let beginning = false;
  let other = "";
  const settle = () => {
    if (open === undefined) throw foreign(source, "Ogg codec", { got: other, want: "Vorbis, Opus or FLAC" });
    if (open.tail.length > 0) throw broken(source, "length, it is cut off in an Ogg packet");
  };
  for (const page of pages(source)) {
    if (page.first) {
      if (!beginning) {
        if (serials.size > 0) settle();
        serials.clear();
        open = undefined;
      }
      beginning = true;
      serials.add(page.serial);
      const start = page.pieces[0] ?? new Uint8Array();
      if (open === undefined && kindOf(start) !== undefined) {
        const stream = { packets: [], marks: [], ended: false };
        open = { stream, serial: page.serial, sequence: page.sequence, tail: [] };
        found.push(stream);
      } else other = Buffer.from(start.subarray(0, 8)).toString("latin1");
    } else beginning = false;
    if (!serials.has(page.serial))
      throw broken(source, "Ogg file, a stream has no beginning", { got: `page ${page.sequence} alone` });
    if (open?.serial !== page.serial) continue;
    if (page.sequence !== open.sequence)
      throw broken(source, "Ogg file, pages are missing", {
        got: page.sequence,
        want: `page ${open.sequence}`,
      });
    open.sequence++;
    addPage(open.stream, page, open.tail);
  }
  settle();
  return found;
}

function addPage(stream: Stream, page: Page, tail: Uint8Array[]): void {
  const before = stream.packets.length;
  page.pieces.forEach((piece, i) => {
    tail.push(piece);
    if (i + 1 === page.pieces.length && !page.complete) return;
    // Packets of no bytes are no audio: libopus' and Vorbis' own tools pass them over.
    const packet = tail.length === 1 ? piece : Buffer.concat(tail);
    if (packet.length > 0) stream.packets.push(packet);
    tail.length = 0;
  });
  const packets = stream.packets.length;
  // A last page may be empty: it marks the one before.
  stream.ended = page.last || (stream.ended && packets === before);
  if (page.granule > 0n && packets > before) stream.marks.push({ packets, granule: Number(page.granule) });
}

function* pages(source: Source): Generator<Page> {
  const { bytes, view } = source;
  let ended = false;
  for (let at = 0; at < bytes.length; ) {
    const rest = bytes.length - at;
    if (text(source, at) !== "OggS") {
      // What follows the last page may be a tag.
      const isMore = !ended && !/^(TAG|ID3|APET|LYRI|\0\0\0\0)/.test(text(source, at));
      if (isMore || Buffer.from(bytes.buffer, bytes.byteOffset + at, rest).includes("OggS"))
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
    ended = (flags & 4) !== 0;
    yield {
      serial: view.getUint32(at + 14, true),
      sequence: view.getUint32(at + 18, true),
      granule: view.getBigInt64(at + 6, true),
      first: (flags & 2) !== 0,
      last: ended,
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
