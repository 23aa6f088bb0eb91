import { type Block, decodeFlac } from "../codecs.js";
import { broken, type Decoding, foreign, named, type Source, trim } from "./source.js";
import { endBeforeTags, tagsBefore } from "./tags.js";

/**
 * Native FLAC. Every frame's checksum is verified, and the number of samples where the header tells it.
 *
 * Source: RFC 9639.
 */
export function flac(source: Source): Decoding {
  const { view, bytes } = source;
  if (bytes.length < 42 || (bytes[4] & 0x7f) !== 0)
    throw broken(source, `The FLAC header is cut off or damaged: no STREAMINFO follows the mark "fLaC".`);
  // After block and frame sizes: 20 bits of sample rate, 3 of channels, 5 of bits per sample, 36 of samples.
  const packed = view.getBigUint64(18);
  const sampleRate = Number(packed >> 44n);
  const channels = Number((packed >> 41n) & 7n) + 1;
  const bits = Number((packed >> 36n) & 31n) + 1;
  const total = Number(packed & 0xf_ffff_ffffn);
  // The difference of two such channels takes 33 bits, which the decoder does not have.
  if (bits === 32 && channels === 2)
    throw foreign(source, "The decoder here does not read FLAC of 32 bits in stereo.");
  const blocks = named(source, counted(source, channels, total));
  return { format: "flac", codec: "flac", sampleRate, channels, blocks };
}

function* counted(source: Source, channels: number, total: number): Generator<Block> {
  const { bytes } = source;
  const start = firstFrame(source);
  const head = header(source, start, total);
  const end = bytes.length - tagsBefore(source, bytes.length);
  let frames = 0;
  let failure: unknown;
  const decoded = function* (end: number): Generator<Block> {
    failure = undefined;
    try {
      for (const block of trim(decodeFlac(head, bytes.subarray(start, end)), frames)) {
        if (block.length !== channels)
          throw broken(
            source,
            `The FLAC header promises ${channels} channels, but its frames have ${block.length}.`,
          );
        frames += block[0].length;
        yield block;
      }
    } catch (error) {
      failure = error;
    }
  };
  const isComplete = () => failure === undefined && (total === 0 || frames === total);
  yield* decoded(end);
  if (isComplete()) return;
  // A tag after the last frame hides that frame. Searching for tags is slow, so it is done only now.
  const audioEnd = endBeforeTags(source);
  if (audioEnd < end) yield* decoded(audioEnd);
  if (isComplete()) return;
  // The header's number of samples tells more than the decoder's error. It is 0 where the writer could not seek back.
  const ended = failure === undefined || /unexpected end|behind the last whole frame/.test(String(failure));
  if (!ended) throw failure;
  if (total === 0 || (frames === total && failure !== undefined))
    throw broken(
      source,
      `The file is cut off or damaged, or followed by other data: ${(failure as Error).message}.`,
      {
        cause: failure,
      },
    );
  throw broken(
    source,
    `The file is cut off or damaged, or followed by other data: ${frames} of the ${total} samples that its header promises could be decoded.`,
    { got: frames, cause: failure },
  );
}

/** Where the frames begin: after the last metadata block. */
function firstFrame(source: Source): number {
  const { view, bytes } = source;
  for (let at = 4; at + 4 <= bytes.length; ) {
    const word = view.getUint32(at);
    at += 4 + (word & 0xff_ffff);
    if (word >>> 31 === 1 && at <= bytes.length) return at;
  }
  throw broken(source, "The file is cut off in the metadata before its first FLAC frame.");
}

/**
 * The mark and STREAMINFO alone, with block sizes corrected by the first frame: some writers leave 0 there, or sizes that
 * contradict the frames, and the decoder trusts them.
 */
function header({ view, bytes }: Source, start: number, total: number): Uint8Array {
  const head = bytes.slice(0, 42);
  head.set([0x80, 0, 0, 34], 4);
  const [least, most] = [view.getUint16(8), view.getUint16(10)];
  const block = firstBlock(bytes, start);
  if (block === undefined) return head;
  const patched = new DataView(head.buffer);
  const set = (least: number, most: number) => {
    patched.setUint16(8, least);
    patched.setUint16(10, most);
  };
  if (block.fixed) {
    // A file of one frame has a block shorter than those of its stream.
    const only = total > 0 && total <= block.size;
    if (least !== most || least < 16 || (block.size !== most && !(only && block.size < most))) {
      const size = Math.max(16, only ? Math.max(block.size, most) : block.size);
      set(size, size);
    }
  } else if (least < 16 || least >= most) set(16, 65535);
  return head;
}

/** The size of the first frame's block, and whether all have it. */
function firstBlock(bytes: Uint8Array, at: number): { fixed: boolean; size: number } | undefined {
  if (at + 16 > bytes.length || bytes[at] !== 0xff || (bytes[at + 1] & 0xfe) !== 0xf8) return undefined;
  const fixed = (bytes[at + 1] & 1) === 0;
  const code = bytes[at + 2] >> 4;
  if (code === 0) return undefined;
  if (code === 1) return { fixed, size: 192 };
  if (code < 6) return { fixed, size: 576 << (code - 2) };
  if (code > 7) return { fixed, size: 256 << (code - 8) };
  // The size follows the number of the frame, which is coded as in UTF-8: its first byte gives its length.
  const ones = Math.clz32(~(bytes[at + 4] << 24));
  const behind = at + 4 + Math.max(1, ones);
  return { fixed, size: 1 + (code === 6 ? bytes[behind] : (bytes[behind] << 8) | bytes[behind + 1]) };
}
