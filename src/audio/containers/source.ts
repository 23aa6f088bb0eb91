import { type ErrorDetail, ScopeError } from "../../errors.js";
import type { Doubt } from "../../types.js";
import { FileBytes } from "../../util/file-bytes.js";
import type { Block } from "../codecs.js";

/** The bytes of a file: an array that holds them all, or windows on a file of hours. */
export type Bytes = Pick<Uint8Array, "length" | "at" | "subarray">;

/** Numbers among the bytes, as in a DataView. */
export type View = Pick<
  DataView,
  "getUint8" | "getUint16" | "getUint32" | "getInt16" | "getBigUint64" | "getBigInt64" | "getFloat64"
>;

/** The bytes of a file, and its name for error messages. */
export interface Source {
  bytes: Bytes;
  view: View;
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

export function sourceOf(bytes: Uint8Array | FileBytes, path: string | undefined): Source {
  if (bytes instanceof FileBytes) return { bytes, view: viewOf(bytes), path };
  const { buffer, byteOffset, byteLength } = bytes;
  // Not a Buffer, whose slice() would be no copy.
  return {
    bytes: new Uint8Array(buffer, byteOffset, byteLength),
    view: new DataView(buffer, byteOffset, byteLength),
    path,
  };
}

function viewOf(bytes: FileBytes): View {
  const at = (offset: number, length: number) => {
    const { buffer, byteOffset, byteLength } = bytes.subarray(offset, offset + length);
    return new DataView(buffer, byteOffset, byteLength);
  };
  return {
    getUint8: (offset) => at(offset, 1).getUint8(0),
    getUint16: (offset, little) => at(offset, 2).getUint16(0, little),
    getUint32: (offset, little) => at(offset, 4).getUint32(0, little),
    getInt16: (offset, little) => at(offset, 2).getInt16(0, little),
    getBigUint64: (offset, little) => at(offset, 8).getBigUint64(0, little),
    getBigInt64: (offset, little) => at(offset, 8).getBigInt64(0, little),
    getFloat64: (offset, little) => at(offset, 8).getFloat64(0, little),
  };
}

/** A piece of a source, as a source. */
export const part = ({ bytes, path }: Source, start: number, end?: number): Source =>
  sourceOf(bytes instanceof FileBytes ? bytes.part(start, end) : bytes.subarray(start, end), path);

/** Bytes as Latin-1 text; shorter where the file ends. */
export const text = ({ bytes }: Source, start: number, length = 4): string =>
  bufferOf(bytes.subarray(start, Math.max(start, start + length))).toString("latin1");

/** The same memory, as a Buffer. */
export const bufferOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);

/** So much is looked at at a time. */
const windowBytes = 1 << 18;

/** The bytes from `start` to before `end`, one piece behind the other. */
export function* windows(bytes: Bytes, start = 0, end = bytes.length): Generator<Uint8Array> {
  for (let at = start; at < end; at += windowBytes) yield bytes.subarray(at, Math.min(end, at + windowBytes));
}

/** Whether all bytes from `start` to before `end` are 0. */
export function areZero(bytes: Bytes, start: number, end = bytes.length): boolean {
  for (const window of windows(bytes, start, end)) if (window.some((byte) => byte !== 0)) return false;
  return true;
}

/** Where a mark stands first, from `start` on; -1 where it does not. */
export function indexOf(bytes: Bytes, mark: string, start: number): number {
  for (let at = start; at < bytes.length; at += windowBytes) {
    const window = bytes.subarray(at, Math.min(bytes.length, at + windowBytes + mark.length - 1));
    const found = bufferOf(window).indexOf(mark, 0, "latin1");
    if (found >= 0) return at + found;
  }
  return -1;
}

/** Where a mark stands last, beginning at `last` or before; -1 where it does not. */
export function lastIndexOf(bytes: Bytes, mark: string, last: number): number {
  for (let end = Math.min(last, bytes.length - 1) + 1; end > 0; end -= windowBytes) {
    const start = Math.max(0, end - windowBytes);
    const window = bytes.subarray(start, Math.min(bytes.length, end + mark.length - 1));
    const found = bufferOf(window).lastIndexOf(mark, undefined, "latin1");
    if (found >= 0) return start + found;
  }
  return -1;
}

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
