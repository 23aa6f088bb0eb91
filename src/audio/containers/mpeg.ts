import { batchesOf, decodePackets } from "../codecs.js";
import { tagLength } from "./flac.js";
import { broken, type Decoding, named, part, type Source, text, trim, truncated } from "./source.js";

interface Header {
  codec: "mp3" | "mp2";
  /** Bytes, header included. */
  size: number;
  /** Samples per channel. */
  frames: number;
  sampleRate: number;
  channels: number;
  /** Where an encoder's own words stand in a frame without audio. */
  infoAt: number;
}

const rates = [44100, 48000, 32000];
const bitrates = {
  "1-2": [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  "1-3": [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  "2": [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
};

/** Samples that every decoder of layer III lags behind its encoder. */
const decoderDelay = 529;

/**
 * MPEG audio layer III and II, cut into frames here because only so a file that ends early is told from one that ends.
 *
 * What LAME and FFmpeg write into the first frame tells the number of frames, and how many samples of silence the
 * encoder put before and behind the audio: those are cut away, as FFmpeg does.
 *
 * Sources: ISO/IEC 11172-3, ISO/IEC 13818-3, the LAME tag's revision 1 specification.
 */
export function mpeg(source: Source): Decoding {
  const start = firstFrame(source);
  const first = start < 0 ? undefined : headerAt(source, start);
  if (first === undefined) throw broken(source, "MPEG audio file", { want: "frames of layer II or III" });
  const info = infoOf(source, start, first);
  const packets = framesFrom(source, info === undefined ? start : start + first.size, first);
  // Some encoders count the first frame too.
  if (info?.frames !== undefined && packets.length < info.frames - 1)
    throw broken(source, "length, it is cut off", {
      got: `${packets.length} frames`,
      want: `the ${info.frames} frames that its first one promises`,
    });
  const { codec, sampleRate, channels } = first;
  const total = packets.length * first.frames;
  // Files stuck together have more frames than the first one knows of: then the end of the first is not the end.
  const padding = info?.frames === packets.length ? info.padding : 0;
  const audio = trim(
    decodePackets(codec, new Uint8Array(), batchesOf(packets)),
    info?.delay ?? 0,
    total - padding,
  );
  return { format: codec, codec, sampleRate, channels, blocks: named(source, audio) };
}

/** Where two frames of one kind follow each other, or the only one begins; -1 without. */
export function firstFrame(source: Source, within = 1 << 16): number {
  const { bytes } = source;
  for (let at = 0; at < Math.min(within, bytes.length - 4); at++) {
    const header = bytes[at] === 0xff ? headerAt(source, at) : undefined;
    if (header === undefined) continue;
    const next = at + header.size;
    if (next === bytes.length || alike(header, headerAt(source, next))) return at;
  }
  return -1;
}

function framesFrom(source: Source, start: number, first: Header): Uint8Array[] {
  const { bytes } = source;
  const end = bytes.length - tagLength(source);
  const packets: Uint8Array[] = [];
  let at = start;
  while (at < end) {
    const header = headerAt(source, at);
    // Too little for a header, but the start of one.
    if (end - at < 4 && bytes[at] === 0xff) throw truncated(source, "last frame", end - at, first.size);
    if (!alike(first, header)) {
      at = afterTag(source, at);
      if (at > 0) continue;
      break;
    }
    if (at + header.size > end) throw truncated(source, "last frame", end - at, header.size);
    packets.push(bytes.subarray(at, at + header.size));
    at += header.size;
  }
  return packets;
}

/** Where frames go on behind something that is none: 0 where none follow. Anything but a tag is damage. */
function afterTag(source: Source, at: number): number {
  if (text(source, at, 3) === "ID3") return at + id3Length(source, at);
  if (/^(TAG|APE|LYR)/.test(text(source, at, 3))) return 0;
  const next = firstFrame(part(source, at));
  if (next >= 0)
    throw broken(source, "MPEG audio frame", { got: `${next} bytes of something else at byte ${at}` });
  return 0;
}

/** The length of an ID3v2 tag: 28 bits in four bytes of seven. */
export function id3Length({ bytes }: Source, at: number): number {
  const [a, b, c, d] = bytes.subarray(at + 6, at + 10);
  const footer = (bytes[at + 5] & 0x10) === 0 ? 0 : 10;
  return 10 + ((a << 21) | (b << 14) | (c << 7) | d) + footer;
}

const alike = (a: Header, b: Header | undefined): b is Header =>
  b !== undefined && a.codec === b.codec && a.sampleRate === b.sampleRate && a.channels === b.channels;

function headerAt(source: Source, at: number): Header | undefined {
  if (at + 4 > source.bytes.length) return undefined;
  const word = source.view.getUint32(at);
  const version = (word >>> 19) & 3; // 0: 2.5, 2: 2, 3: 1
  const layer = 4 - ((word >>> 17) & 3);
  const bitrate = (word >>> 12) & 15;
  const rate = (word >>> 10) & 3;
  if (word >>> 21 !== 0x7ff || version === 1 || (layer !== 2 && layer !== 3) || rate === 3) return undefined;
  if (bitrate === 0 || bitrate === 15) return undefined;
  const one = version === 3;
  const channels = ((word >>> 6) & 3) === 3 ? 1 : 2;
  const sampleRate = rates[rate] / (one ? 1 : version === 2 ? 2 : 4);
  const frames = layer === 3 && !one ? 576 : 1152;
  const kilobits = bitrates[one ? (`1-${layer}` as "1-2" | "1-3") : "2"][bitrate];
  return {
    codec: layer === 3 ? "mp3" : "mp2",
    size: Math.floor((frames / 8) * ((kilobits * 1000) / sampleRate)) + ((word >>> 9) & 1),
    frames,
    sampleRate,
    channels,
    // Behind the side information.
    infoAt: 4 + (one ? (channels === 2 ? 32 : 17) : channels === 2 ? 17 : 9),
  };
}

/** What the first frame says instead of sounding: the number of frames behind it, and the encoder's delay. */
function infoOf(source: Source, start: number, first: Header) {
  const { view, bytes } = source;
  let at = start + first.infoAt;
  if (first.codec !== "mp3" || start + first.size > bytes.length) return undefined;
  if (text(source, start + 36) === "VBRI") return { frames: undefined, delay: 0, padding: 0 };
  if (!/^(Xing|Info)$/.test(text(source, at))) return undefined;
  const flags = view.getUint32(at + 4);
  const frames = flags & 1 ? view.getUint32(at + 8) : undefined;
  at += 8 + (flags & 1 && 4) + (flags & 2 && 4) + (flags & 4 && 100) + (flags & 8 && 4);
  if (at + 24 > bytes.length || !/^(LAME|Lavf|Lavc)/.test(text(source, at)))
    return { frames, delay: 0, padding: 0 };
  const packed = (bytes[at + 21] << 16) | (bytes[at + 22] << 8) | bytes[at + 23];
  return {
    frames,
    delay: (packed >> 12) + decoderDelay,
    padding: Math.max(0, (packed & 0xfff) - decoderDelay),
  };
}
