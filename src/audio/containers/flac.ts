import { type Block, decodeFlac } from "../codecs.js";
import { broken, type Decoding, foreign, named, type Source, trim, windows } from "./source.js";
import { endBeforeTags, tagsBefore } from "./tags.js";

/** Bytes that the header of a frame has at most. */
const mostHeader = 16;

/** The frames of a file, which the decoder takes as they come: nothing but their content tells where one ends. */
interface Frames {
  /** The begin of the first one. */
  first: Uint8Array;
  /** Their bytes, in pieces; each time up to another place where they may end. */
  attempts(): Iterable<Iterable<Uint8Array>>;
}

/**
 * Native FLAC. Every frame's checksum is verified, and the number of samples where the header tells it.
 *
 * Source: RFC 9639.
 */
export function flac(source: Source): Decoding {
  const { bytes } = source;
  const about = streamInfo(source);
  const start = firstFrame(source);
  return flacOf(source, about, {
    first: bytes.subarray(start, start + mostHeader),
    *attempts() {
      const end = bytes.length - tagsBefore(source, bytes.length);
      yield windows(bytes, start, end);
      // A tag after the last frame hides that frame. Searching for tags is slow, so it is done only now.
      const audioEnd = endBeforeTags(source);
      if (audioEnd < end) yield windows(bytes, start, audioEnd);
    },
  });
}

/**
 * FLAC whose frames come in packets.
 *
 * @param head the mark and STREAMINFO, as at the begin of a native file
 * @param packets from the first on at each call
 */
export function flacPackets(head: Source, packets: () => Iterable<Uint8Array>): Decoding {
  const about = streamInfo(head);
  const [first = new Uint8Array()] = packets();
  return flacOf(head, about, { first, attempts: () => [packets()] });
}

/** What STREAMINFO says. */
interface StreamInfo {
  sampleRate: number;
  channels: number;
  /** 0 where it is not known. */
  total: number;
}

function streamInfo(source: Source): StreamInfo {
  const { view, bytes } = source;
  if (bytes.length < 42 || (view.getUint8(4) & 0x7f) !== 0)
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
  return { sampleRate, channels, total };
}

function flacOf(source: Source, about: StreamInfo, frames: Frames): Decoding {
  const { sampleRate, channels } = about;
  const blocks = named(source, counted(source, about, frames));
  return { format: "flac", codec: "flac", sampleRate, channels, blocks };
}

function* counted(
  source: Source,
  { channels, total }: StreamInfo,
  { first, attempts }: Frames,
): Generator<Block> {
  const head = header(source, first, total);
  let frames = 0;
  let failure: unknown;
  for (const pieces of attempts()) {
    failure = undefined;
    try {
      for (const block of trim(decodeFlac(head, pieces), frames)) {
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
    if (failure === undefined && (total === 0 || frames === total)) return;
  }
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
function header({ view, bytes }: Source, first: Uint8Array, total: number): Uint8Array {
  const head = bytes.subarray(0, 42).slice();
  head.set([0x80, 0, 0, 34], 4);
  const [least, most] = [view.getUint16(8), view.getUint16(10)];
  const block = firstBlock(first);
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
function firstBlock(frame: Uint8Array): { fixed: boolean; size: number } | undefined {
  if (frame.length < mostHeader || frame[0] !== 0xff || (frame[1] & 0xfe) !== 0xf8) return undefined;
  const fixed = (frame[1] & 1) === 0;
  const code = frame[2] >> 4;
  if (code === 0) return undefined;
  if (code === 1) return { fixed, size: 192 };
  if (code < 6) return { fixed, size: 576 << (code - 2) };
  if (code > 7) return { fixed, size: 256 << (code - 8) };
  // The size follows the number of the frame, which is coded as in UTF-8: its first byte gives its length.
  const ones = Math.clz32(~(frame[4] << 24));
  const behind = 4 + Math.max(1, ones);
  return { fixed, size: 1 + (code === 6 ? frame[behind] : (frame[behind] << 8) | frame[behind + 1]) };
}
