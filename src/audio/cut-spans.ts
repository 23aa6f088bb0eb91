import { closeSync, fstatSync, openSync } from "node:fs";
import { invalid } from "../errors.js";
import type { Span } from "../types.js";
import { FileBytes } from "../util/file-bytes.js";
import type { Block } from "./codecs.js";
import { checkPromisedLength } from "./containers/promised-length.js";
import { type FileDoubt, ForeignError, seconds, sourceOf } from "./containers/source.js";
import { opened } from "./decode.js";
import { type FfmpegDecoding, ffmpeg } from "./ffmpeg.js";
import { floatWav } from "./float-wav.js";
import { openWavRanges } from "./wav-ranges.js";

/** A span as a file of its own, with all channels at the rate of the recording. */
export interface Cut {
  bytes: Uint8Array;
  doubts: FileDoubt[];
}

/** Cuts spans out of one recording. */
export interface SpanCutter {
  /** Spans come in the order of their starts, and may overlap; one that starts earlier begins anew. */
  cut(span: Span): Promise<Cut>;
  close(): Promise<void>;
}

/** A span may end so many seconds after the recording, and is then cut, as by Kaldi's extract-segments. */
const mostOvershoot = 0.5;
/** Manifests round times, so less than this gives no warning. */
const roundingSeconds = 0.02;

/**
 * Opens a recording to cut spans out of it, as files that could have been cut beforehand: the samples from
 * round(start x rate) to before round(end x rate), the very same as in the recording.
 *
 * Of WAV files only the bytes of a span are read. Compressed files are read and decoded forward, once, as spans are asked for;
 * memory holds the samples from the start of the last span on, however long the recording is.
 *
 * @throws from `cut`: `invalid` for a span that is not in the recording, and what decoding it throws
 */
export function openSpanCutter(path: string): SpanCutter {
  const ranges = openWavRanges(path);
  if (ranges === undefined) return decodingCutter(path);
  return {
    async cut(span) {
      const { from, to, doubts } = within(span, ranges.sampleRate, ranges.frames, path);
      return { bytes: ranges.read(from, to), doubts };
    },
    async close() {
      ranges.close();
    },
  };
}

/** The samples of a span; the recording's length is known. */
function within(
  { start, end }: Span,
  sampleRate: number,
  frames: number,
  path: string,
): { from: number; to: number; doubts: FileDoubt[] } {
  const from = Math.round(start * sampleRate);
  const to = end === undefined ? frames : Math.round(end * sampleRate);
  const length = seconds(frames, sampleRate);
  if (from >= frames)
    throw invalid(`The span starts at ${start} s, and the recording ends at ${length}.`, {
      path,
      got: start,
    });
  const over = (to - frames) / sampleRate;
  if (over > mostOvershoot)
    throw invalid(`The span ends at ${end} s, and the recording at ${length}.`, { path, got: end });
  if (to <= from)
    throw invalid(`The span from ${start} s to ${end} s holds no sample at ${sampleRate} Hz.`, { path });
  const detail = `the span ends at ${end} s, and the recording at ${length}`;
  return {
    from,
    to: Math.min(to, frames),
    doubts: over > roundingSeconds ? [{ warning: "inconsistent", detail }] : [],
  };
}

/** A decoding by the decoders here, or by FFmpeg. */
type AnyDecoding = Omit<FfmpegDecoding, "blocks"> & { blocks: Iterable<Block> | AsyncIterable<Block> };

/** A recording that is decoded forward. */
interface Decoder extends Pick<FfmpegDecoding, "sampleRate" | "channels" | "doubts" | "close"> {
  /** The next block; undefined at the end. Its arrays are valid until the next call. */
  next(): Promise<Block | undefined>;
}

function decodingCutter(path: string): SpanCutter {
  let decoder: Decoder | undefined;
  let held = new Held(0);
  let failure: unknown;
  const begin = async (): Promise<Decoder> => {
    await decoder?.close();
    failure = decoder = undefined;
    decoder = await openDecoder(path);
    held = new Held(decoder.channels);
    return decoder;
  };
  return {
    async cut(span) {
      let { sampleRate, next, channels, doubts } = decoder ?? (await begin());
      const from = Math.round(span.start * sampleRate);
      if (from < held.start) ({ sampleRate, next, channels, doubts } = await begin());
      held.forget(from);
      const to = span.end === undefined ? Number.POSITIVE_INFINITY : Math.round(span.end * sampleRate);
      while (held.end < to && !held.complete) {
        if (failure !== undefined) throw failure;
        const block = await next().catch((error: unknown) => {
          // Nothing after the damage can be decoded, and the recording does not end there.
          failure = error;
          throw error;
        });
        if (block === undefined) held.complete = true;
        else held.add(block, from);
      }
      // Where the recording goes on, its length does not matter.
      const place = within(span, sampleRate, held.complete ? held.end : Math.max(held.end, to), path);
      const bytes = floatWav(held.slice(place.from, place.to), sampleRate, channels);
      return { bytes, doubts: [...doubts(), ...place.doubts] };
    },
    close: async () => decoder?.close(),
  };
}

/** Decoded samples from a place on. */
class Held {
  /** The numbers of the first frame held, and of the one after the last. */
  start = 0;
  end = 0;
  /** Whether the recording ends at `end`. */
  complete = false;
  #planes: Float32Array[];

  constructor(channels: number) {
    this.#planes = Array.from({ length: channels }, () => new Float32Array());
  }

  /** Drops what lies before a frame. */
  forget(from: number): void {
    if (from <= this.start) return;
    const kept = Math.max(0, this.end - from);
    this.#planes.forEach((plane) => {
      plane.copyWithin(0, this.#length - kept, this.#length);
    });
    this.start = this.end - kept;
  }

  /** Takes the next block, without what lies before `from`. */
  add(block: Block, from: number): void {
    const frames = block[0]?.length ?? 0;
    const skipped = Math.min(frames, Math.max(0, from - this.end));
    const length = this.#length;
    if (skipped > 0) this.start = this.end + skipped;
    this.end += frames;
    const needed = length + frames - skipped;
    block.forEach((plane, channel) => {
      let own = this.#planes[channel]!;
      if (needed > own.length) {
        own = new Float32Array(Math.max(needed, 2 * own.length));
        own.set(this.#planes[channel]!.subarray(0, length));
        this.#planes[channel] = own;
      }
      own.set(plane.subarray(skipped), length);
    });
  }

  slice(from: number, to: number): Float32Array[] {
    return this.#planes.map((plane) => plane.subarray(from - this.start, to - this.start));
  }

  get #length(): number {
    return this.end - this.start;
  }
}

async function openDecoder(path: string): Promise<Decoder> {
  const file = openSync(path, "r");
  try {
    const decoding = await decodingOf(new FileBytes(file, fstatSync(file).size), path);
    const blocks = filled(decoding.blocks);
    return {
      ...decoding,
      next: async () => (await blocks.next()).value,
      async close() {
        await blocks.return(undefined);
        await decoding.close();
        closeSync(file);
      },
    };
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

async function decodingOf(bytes: FileBytes, path: string): Promise<AnyDecoding> {
  try {
    const { doubts = [], ...decoding } = opened(bytes, path);
    return { ...decoding, doubts: () => doubts, async close() {} };
  } catch (error) {
    if (!(error instanceof ForeignError)) throw error;
    checkPromisedLength(sourceOf(bytes, path));
    const decoding = await ffmpeg(undefined, { path, maxSeconds: 1e6, abortSignal: undefined });
    if (decoding === undefined) throw error;
    return decoding;
  }
}

/** Blocks without the empty ones: a packet may have no samples. */
async function* filled(blocks: AnyDecoding["blocks"]): AsyncGenerator<Block, undefined, undefined> {
  for await (const block of blocks) if (block.length > 0 && block[0].length > 0) yield block;
}
