import { batchesOf, decodePackets } from "../codecs.js";
import { aacConfig, aacRates } from "./aac-config.js";
import { broken, type Decoding, foreign, named, type Source, truncated } from "./source.js";

interface Header {
  profile: number;
  rate: number;
  channels: number;
  /** Bytes, header included. */
  size: number;
  headerSize: number;
  blocks: number;
}

/** AAC as a stream of frames. Source: ISO/IEC 13818-7, section 6.2. */
export function adts(source: Source): Decoding {
  const { bytes } = source;
  const first = headerAt(source, 0);
  if (first === undefined) throw broken(source, "ADTS header");
  const config = aacConfig(source, {
    objectType: first.profile + 1,
    rate: first.rate,
    channels: first.channels,
  });
  if (first.blocks !== 1) throw foreign(source, "AAC stream with several blocks in a frame");
  const packets: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const header = headerAt(source, at);
    // A tag behind the audio.
    if (header === undefined && bytes[at] !== 0xff) break;
    if (header === undefined || header.rate !== first.rate || header.channels !== first.channels)
      throw broken(source, "AAC frame", { got: `something else at byte ${at}` });
    if (at + header.size > bytes.length)
      throw truncated(source, "last frame", bytes.length - at, header.size);
    packets.push(bytes.subarray(at + header.headerSize, at + header.size));
    at += header.size;
  }
  const blocks = named(source, decodePackets("aac", config, batchesOf(packets)));
  return { format: "aac", codec: "aac", sampleRate: aacRates[first.rate], channels: first.channels, blocks };
}

/** Whether the bytes are two frames in a row, or a single one. */
export function isAdts(source: Source): boolean {
  const header = headerAt(source, 0);
  if (header === undefined) return false;
  return header.size >= source.bytes.length || headerAt(source, header.size)?.rate === header.rate;
}

function headerAt({ bytes, view }: Source, at: number): Header | undefined {
  if (at + 7 > bytes.length || (view.getUint16(at) & 0xfff6) !== 0xfff0) return undefined;
  const word = view.getUint32(at + 2);
  const headerSize = bytes[at + 1] & 1 ? 7 : 9;
  const size = (word >>> 5) & 0x1fff;
  const rate = (word >>> 26) & 15;
  if (size <= headerSize || rate > 12) return undefined;
  return {
    profile: word >>> 30,
    rate,
    channels: (word >>> 22) & 7,
    size,
    headerSize,
    blocks: (bytes[at + 6] & 3) + 1,
  };
}
