import { type ErrorDetail, ScopeError } from "../../errors.js";
import type { Doubt } from "../../types.js";
import type { Block } from "../codecs.js";

/** The bytes of a file, and its name for error messages. */
export interface Source {
  bytes: Uint8Array;
  view: DataView;
  path: string | undefined;
}

/** What a container says about its audio, and the audio itself. */
export interface Decoding {
  /** `wav`, `flac`, `mp3`, `ogg`, `mp4`, ... */
  format: string;
  /** `pcm_s16le`, `flac`, `opus`, ... as FFmpeg calls them. */
  codec: string;
  sampleRate: number;
  channels: number;
  /** Decodes as it is read. Throws where the file turns out to be broken. */
  blocks: Iterable<Block>;
  /** Where the file contradicts itself but can still be read. */
  doubts?: FileDoubt[];
}

/** Something doubtful about a file, as warnings.jsonl holds it. */
export type FileDoubt = Pick<Doubt, "warning" | "detail">;

export function sourceOf(bytes: Uint8Array, path: string | undefined): Source {
  const { buffer, byteOffset, byteLength } = bytes;
  // Not a Buffer, whose slice() would be no copy.
  return {
    bytes: new Uint8Array(buffer, byteOffset, byteLength),
    view: new DataView(buffer, byteOffset, byteLength),
    path,
  };
}

/** A piece of a source, as a source. */
export const part = (source: Source, start: number, end?: number): Source =>
  sourceOf(source.bytes.subarray(start, end), source.path);

/** Bytes as Latin-1 text; shorter where the file ends. */
export const text = (source: Source, start: number, length = 4): string =>
  Buffer.from(source.bytes.buffer, source.bytes.byteOffset, source.bytes.byteLength).toString(
    "latin1",
    start,
    start + length,
  );

/**
 * The decoders here cannot read the file, or not with certainty. `loadAudio` then tries FFmpeg.
 */
export class ForeignError extends ScopeError {}

/**
 * The file is of a known kind, but broken.
 *
 * @param sentence what is wrong with it
 */
export const broken = (source: Source, sentence: string, detail: ErrorDetail = {}): ScopeError =>
  new ScopeError("invalid", sentence, { ...detail, path: source.path });

/**
 * The error for a file that the decoders here cannot read. `loadAudio` then tries FFmpeg.
 *
 * @param sentence what they cannot read
 */
export const foreign = (source: Source, sentence: string, detail: ErrorDetail = {}): ForeignError =>
  new ForeignError(
    "unsupported",
    `${sentence} FFmpeg may decode it: put the program ffmpeg on the PATH, or name it in the environment variable FFMPEG.`,
    { ...detail, path: source.path },
  );

/** The file ends too early. */
export const truncated = (source: Source, what: string, got: number, want: number): ScopeError =>
  broken(source, `The file is cut off in the ${what}: ${got} of its ${want} bytes are there.`);

/** A position in a file in seconds, for messages. */
export const seconds = (frames: number, sampleRate: number): string =>
  `${(frames / sampleRate).toFixed(3)} s`;

/** Cuts blocks to the frames from `start` to `end`, and counts: encoders add silence at both ends. */
export function* trim(
  blocks: Iterable<Block>,
  start: number,
  end = Number.POSITIVE_INFINITY,
): Generator<Block> {
  let position = 0;
  for (const block of blocks) {
    const frames = block[0]?.length ?? 0;
    const from = Math.max(0, start - position);
    const to = Math.min(frames, end - position);
    position += frames;
    if (from < to) yield from === 0 && to === frames ? block : block.map((plane) => plane.subarray(from, to));
    if (position >= end) return;
  }
}

/** Adds the path to the errors of a codec. */
export function* named(source: Source, blocks: Iterable<Block>): Generator<Block> {
  try {
    yield* blocks;
  } catch (cause) {
    if (cause instanceof ScopeError) throw cause;
    const { message } = cause as Error;
    if (message.startsWith("unsupported feature"))
      throw foreign(source, `The decoder here lacks a feature of the codec (${message}).`, { cause });
    throw broken(source, `The audio data are cut off or damaged: the decoder says "${message}".`, { cause });
  }
}
