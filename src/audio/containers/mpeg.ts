import { batchesOf, decodePackets } from "../codecs.js";
import {
  areZero,
  broken,
  type Decoding,
  type FileDoubt,
  foreign,
  named,
  type Source,
  seconds,
  text,
  trim,
  truncated,
} from "./source.js";
import { endBeforeTags, tagAt, tagsBefore } from "./tags.js";

interface Header {
  codec: "mp3" | "mp2";
  /** Bytes, header included. */
  size: number;
  /** Samples per channel. */
  frames: number;
  sampleRate: number;
  channels: number;
  /** Where the Xing or Info header starts in a first frame that has one. */
  infoAt: number;
}

const rates = [44100, 48000, 32000];
const bitrates = {
  "1-2": [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  "1-3": [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  "2": [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
};

/** Samples of delay that every layer III decoder has. */
const decoderDelay = 529;

/**
 * MPEG audio layer III and II, split into frames here: it is the only way to notice that a file is cut off.
 *
 * What LAME and FFmpeg write into the first frame tells the number of frames, and how many samples of silence the
 * encoder put before and behind the audio: those are cut away, as FFmpeg does. Tags may lie before, between and behind
 * the frames.
 *
 * Sources: ISO/IEC 11172-3, ISO/IEC 13818-3, the LAME tag's revision 1 specification, the Lyrics3 and APEv2
 * specifications.
 */
export function mpeg(source: Source): Decoding {
  const start = firstFrame(source);
  const first = start < 0 ? undefined : headerAt(source, start);
  if (first === undefined) {
    if (isFreeFormat(source))
      throw foreign(source, "This MP3 has a free-format bit rate, which the decoder here does not read.");
    throw broken(source, "No frames of MPEG audio (layer II or III) were found.");
  }
  const info = infoOf(source, start, first);
  const begin = info === undefined ? start : start + first.size;
  // Once to check and count them, and once more to decode them: a list of frames could be larger than the file.
  const doubts: FileDoubt[] = [];
  let count = 0;
  for (const _ of framesFrom(source, begin, first, start, doubts)) count++;
  // Some encoders count the first frame too.
  if (info?.frames !== undefined && count < info.frames - 1)
    throw broken(
      source,
      `The file is cut off: it holds ${count} of the ${info.frames} frames that its first one promises.`,
    );
  const { codec, sampleRate, channels } = first;
  const total = count * first.frames;
  // Concatenated files have more frames than the first header says; its padding then is not that of the end.
  const padding = info?.frames === count ? info.padding : 0;
  const audio = trim(
    decodePackets(codec, new Uint8Array(), batchesOf(framesFrom(source, begin, first, start, []))),
    info?.delay ?? 0,
    total - padding,
  );
  return { format: codec, codec, sampleRate, channels, blocks: named(source, audio), doubts };
}

/** Whether the bytes are MPEG audio, also such as the decoder here does not read. */
export const isMpeg = (source: Source): boolean => firstFrame(source) >= 0 || isFreeFormat(source);

/** Where two consecutive frames of one kind begin, or the only frame; -1 if there are none. */
function firstFrame(source: Source, from = 0, within = 1 << 16): number {
  const { bytes } = source;
  for (let at = from; at < Math.min(from + within, bytes.length - 4); at++) {
    const header = bytes.at(at) === 0xff ? headerAt(source, at) : undefined;
    if (header === undefined) continue;
    const next = at + header.size;
    if (next === bytes.length || alike(header, headerAt(source, next)) || tagAt(source, next) > 0) return at;
  }
  return -1;
}

function* framesFrom(
  source: Source,
  start: number,
  first: Header,
  audioAt: number,
  doubts: FileDoubt[],
): Generator<Uint8Array> {
  const { bytes } = source;
  const end = bytes.length - tagsBefore(source, bytes.length);
  // Frames in the middle of other data belong to another format that holds MPEG audio.
  const odd = audioAt === 0 ? broken : foreign;
  let count = 0;
  let at = start;
  while (at < end) {
    const header = headerAt(source, at);
    const place = () => `at byte ${at} (${seconds(count * first.frames, first.sampleRate)})`;
    // The beginning of a header that is cut off.
    if (end - at < 4 && bytes.at(at) === 0xff) throw truncated(source, "last frame", end - at, first.size);
    if (alike(first, header)) {
      if (at + header.size > end) throw truncated(source, "last frame", end - at, header.size);
      yield bytes.subarray(at, at + header.size);
      count++;
      at += header.size;
      continue;
    }
    if (isFollowed(source, at, header))
      throw foreign(
        source,
        `The audio changes amid the file, ${place()}, from ${nameOf(first)} to ${nameOf(header)}, which the decoder here does not follow.`,
      );
    const tag = tagAt(source, at);
    if (tag > 0) {
      if (at + tag > bytes.length)
        doubts.push({ warning: "inconsistent", detail: `a tag ${place()} goes beyond the end of the file` });
      at += tag;
      continue;
    }
    const next = firstFrame(source, at, end - at);
    if (next < 0) {
      if (!areZero(bytes, at, end) && endBeforeTags(source) > at)
        doubts.push({
          warning: "inconsistent",
          detail: `the last ${end - at} bytes, ${place()}, are neither audio nor a tag`,
        });
      break;
    }
    // A tag that can only be recognised by its end.
    if (next - tagsBefore(source, next) > at)
      throw odd(
        source,
        `${next - at} bytes ${place()} lie between MPEG audio frames and are neither audio nor a tag.`,
      );
    at = next;
  }
}

const isFollowed = (source: Source, at: number, header: Header | undefined): header is Header =>
  header !== undefined && alike(header, headerAt(source, at + header.size));

const nameOf = ({ codec, sampleRate, channels }: Header): string =>
  `${codec.toUpperCase()} of ${channels === 1 ? "one channel" : "two channels"} at ${sampleRate} Hz`;

/** Whether there are consecutive free-format frames, whose bit rate follows from their distance. */
function isFreeFormat({ view, bytes }: Source): boolean {
  const end = Math.min(1 << 16, bytes.length - 4);
  // Each place costs a search, so few are tried.
  let places = 0;
  // Without padding, the extension of joint stereo and the bits that do not concern the audio.
  const kind = (at: number) => (at + 4 > bytes.length ? 0 : (view.getUint32(at) & 0xfffe_fcc0) >>> 0);
  for (let at = 0; at < end && places < 100; at++) {
    if (bytes.at(at) !== 0xff || !isFree(view.getUint32(at))) continue;
    places++;
    const padding = (bytes.at(at + 2)! >> 1) & 1;
    for (let size = 48; size < 8192 && at + 2 * size < end; size++) {
      if (kind(at + size) !== kind(at)) continue;
      const later = at + 2 * size - padding + ((bytes.at(at + size + 2)! >> 1) & 1);
      if (kind(later) === kind(at)) return true;
    }
  }
  return false;
}

function isFree(word: number): boolean {
  const [version, layer, bitrate, rate] = [
    (word >>> 19) & 3,
    (word >>> 17) & 3,
    (word >>> 12) & 15,
    (word >>> 10) & 3,
  ];
  return word >>> 21 === 0x7ff && version !== 1 && layer !== 0 && bitrate === 0 && rate !== 3;
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

/** Reads the Xing, Info or VBRI header: the number of frames after it, and the encoder's delay and padding. */
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
  const packed = (view.getUint16(at + 21) << 8) | view.getUint8(at + 23);
  return {
    frames,
    delay: (packed >> 12) + decoderDelay,
    padding: Math.max(0, (packed & 0xfff) - decoderDelay),
  };
}
