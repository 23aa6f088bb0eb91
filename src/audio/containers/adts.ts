import { batchesOf, decodePackets } from "../codecs.js";
import { aacConfig, aacRates } from "./aac-config.js";
import { areZero, broken, type Decoding, foreign, named, type Source, truncated } from "./source.js";
import { tagAt, tagsBefore } from "./tags.js";

interface Header {
  profile: number;
  rate: number;
  channels: number;
  /** Bytes, header included. */
  size: number;
  headerSize: number;
  blocks: number;
}

/**
 * AAC as a stream of frames. Segments of a broadcast begin with a tag, so tags may lie anywhere between frames.
 *
 * Source: ISO/IEC 13818-7, section 6.2.
 *
 * @throws `unsupported` where the profile, the rate or the channels change: FFmpeg follows them
 */
export function adts(source: Source): Decoding {
  const first = headerAt(source, 0);
  if (first === undefined) throw broken(source, "The ADTS header is broken.");
  const { profile, rate, channels } = first;
  const config = aacConfig(source, { objectType: profile + 1, rate, channels });
  // The frames are found twice, to check the file and to decode it: a list of them could be many times as large as the file.
  for (const _ of framesOf(source, first));
  const blocks = named(source, decodePackets("aac", config, batchesOf(framesOf(source, first))));
  return { format: "aac", codec: "aac", sampleRate: aacRates[rate], channels, blocks };
}

function* framesOf(source: Source, first: Header): Generator<Uint8Array> {
  const { bytes } = source;
  const { profile, rate, channels } = first;
  const end = bytes.length - tagsBefore(source, bytes.length);
  for (let at = 0; at < end; ) {
    const header = headerAt(source, at);
    if (header === undefined) {
      const tag = tagAt(source, at);
      if (tag === 0 && areZero(bytes, at, end)) return;
      if (tag === 0) throw broken(source, `There is something else than an AAC frame at byte ${at}.`);
      at += tag;
      continue;
    }
    if (at + header.size > end) throw truncated(source, "last frame", end - at, header.size);
    if (header.profile !== profile || header.rate !== rate || header.channels !== channels)
      throw foreign(
        source,
        `The AAC stream changes at byte ${at}, from ${described(first)} to ${described(header)}.`,
      );
    if (header.blocks !== 1)
      throw foreign(source, `The AAC frame at byte ${at} holds ${header.blocks} blocks.`);
    yield bytes.subarray(at + header.headerSize, at + header.size);
    at += header.size;
  }
}

const described = ({ profile, rate, channels }: Header): string =>
  `object type ${profile + 1}, ${channels} ${channels === 1 ? "channel" : "channels"}, ${aacRates[rate]} Hz`;

/** Whether the bytes are two frames in a row, perhaps with a tag between, or a single one. */
export function isAdts(source: Source): boolean {
  const header = headerAt(source, 0);
  if (header === undefined) return false;
  const next = header.size + tagAt(source, header.size);
  return next >= source.bytes.length || headerAt(source, next) !== undefined;
}

function headerAt({ bytes, view }: Source, at: number): Header | undefined {
  if (at + 7 > bytes.length || (view.getUint16(at) & 0xfff6) !== 0xfff0) return undefined;
  const word = view.getUint32(at + 2);
  const headerSize = bytes.at(at + 1)! & 1 ? 7 : 9;
  const size = (word >>> 5) & 0x1fff;
  const rate = (word >>> 26) & 15;
  if (size <= headerSize || rate > 12) return undefined;
  return {
    profile: word >>> 30,
    rate,
    channels: (word >>> 22) & 7,
    size,
    headerSize,
    blocks: (bytes.at(at + 6)! & 3) + 1,
  };
}
