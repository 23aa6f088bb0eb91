import { type Block, decodeFlac } from "../codecs.js";
import { broken, type Decoding, foreign, named, part, type Source, text } from "./source.js";

/**
 * Native FLAC. Every frame's checksum is verified, and the number of samples where the header tells it.
 *
 * Source: RFC 9639.
 */
export function flac(source: Source): Decoding {
  const { view, bytes } = source;
  if (bytes.length < 42 || (bytes[4] & 0x7f) !== 0)
    throw broken(source, "FLAC header", {
      got: `${bytes.length} bytes`,
      want: "STREAMINFO after the fLaC mark",
    });
  // After block and frame sizes: 20 bits of sample rate, 3 of channels, 5 of bits per sample, 36 of samples.
  const packed = view.getBigUint64(18);
  const sampleRate = Number(packed >> 44n);
  const channels = Number((packed >> 41n) & 7n) + 1;
  const bits = Number((packed >> 36n) & 31n) + 1;
  const total = Number(packed & 0xf_ffff_ffffn);
  // The difference of two such channels takes 33 bits, which the decoder does not have.
  if (bits === 32 && channels === 2) throw foreign(source, "FLAC stream", { got: "32 bits in stereo" });
  const audio = part(source, 0, bytes.length - tagLength(source));
  const blocks = named(source, counted(source, decodeFlac(audio.bytes), channels, total));
  return { format: "flac", codec: "flac", sampleRate, channels, blocks };
}

function* counted(
  source: Source,
  blocks: Iterable<Block>,
  channels: number,
  total: number,
): Generator<Block> {
  let frames = 0;
  try {
    for (const block of blocks) {
      if (block.length !== channels)
        throw broken(source, "number of channels", { got: block.length, want: `the header's ${channels}` });
      frames += block[0].length;
      yield block;
    }
  } catch (error) {
    // The number of samples says more than the decoder does.
    if (total === 0 || !/unexpected end/.test((error as Error).message)) throw error;
  }
  // 0 in the header: its writer could not seek back.
  if (total !== 0 && frames !== total)
    throw broken(source, "number of samples, it is cut off or damaged", { got: frames, want: `${total}` });
}

/** Some taggers put an ID3v1 tag of 128 bytes behind the last frame. */
export const tagLength = (source: Source): number =>
  source.bytes.length >= 128 && text(source, source.bytes.length - 128, 3) === "TAG" ? 128 : 0;
