import type { Block } from "../codecs.js";
import { areZero, type Bytes, broken, type FileDoubt, part, type Source } from "./source.js";

/** How uncompressed samples lie in a file. */
export interface PcmLayout {
  /** `uint` (silence is half of full scale), `int`, `float`, or the companded `alaw` and `ulaw` (one byte). */
  kind: "uint" | "int" | "float" | "alaw" | "ulaw";
  /** Bytes of one sample. */
  width: number;
  bigEndian: boolean;
  channels: number;
}

/** Of all channels together. */
const blockSamples = 1 << 17;

/** FFmpeg's name: `pcm_s16le`, `pcm_f32be`, `pcm_alaw`. */
export function pcmName({ kind, width, bigEndian }: PcmLayout): string {
  if (kind === "alaw" || kind === "ulaw") return kind === "alaw" ? "pcm_alaw" : "pcm_mulaw";
  const order = width === 1 ? "" : bigEndian ? "be" : "le";
  return `pcm_${{ uint: "u", int: "s", float: "f" }[kind]}${width * 8}${order}`;
}

/** Whether samples of this kind and width exist. */
export function isPcm({ kind, width }: PcmLayout): boolean {
  if (kind === "float") return width === 4 || width === 8;
  return kind === "int" || kind === "uint" ? width >= 1 && width <= 4 : width === 1;
}

/**
 * Converts interleaved samples as libsndfile does: integers divided by 2^(bits - 1), no dither, no clipping.
 *
 * A frame that the end of `data` cuts off is dropped.
 */
export function* pcmBlocks(data: Bytes, layout: PcmLayout): Generator<Block> {
  const frameBytes = layout.width * layout.channels;
  const frames = Math.floor(data.length / frameBytes);
  const step = Math.max(1, Math.floor(blockSamples / layout.channels));
  for (let start = 0; start < frames; start += step) {
    const count = Math.min(step, frames - start);
    // A copy, because typed arrays want aligned memory and swapping changes it.
    const bytes = data.subarray(start * frameBytes, (start + count) * frameBytes).slice();
    yield planes(samplesOf(bytes, layout), layout.channels, count);
  }
}

function samplesOf(bytes: Uint8Array, { kind, width, bigEndian }: PcmLayout): Float32Array {
  if (kind === "alaw" || kind === "ulaw") {
    const table = companded[kind];
    return Float32Array.from(bytes, (code) => table[code]);
  }
  const buffer = Buffer.from(bytes.buffer);
  if (bigEndian && width === 2) buffer.swap16();
  if (bigEndian && width === 4) buffer.swap32();
  if (bigEndian && width === 8) buffer.swap64();
  if (kind === "float")
    return width === 4 ? new Float32Array(bytes.buffer) : new Float32Array(new Float64Array(bytes.buffer));
  const numbers =
    width === 1
      ? new Int8Array(bytes.buffer)
      : width === 2
        ? new Int16Array(bytes.buffer)
        : width === 3
          ? int24(bytes, bigEndian)
          : new Int32Array(bytes.buffer);
  const scale = 2 ** (1 - 8 * width);
  const samples = new Float32Array(numbers.length);
  // Unsigned samples are signed ones with the first bit turned over.
  if (kind === "int") for (let i = 0; i < samples.length; i++) samples[i] = numbers[i] * scale;
  else for (let i = 0; i < samples.length; i++) samples[i] = numbers[i] * scale + (numbers[i] < 0 ? 1 : -1);
  return samples;
}

function int24(bytes: Uint8Array, bigEndian: boolean): Int32Array {
  const numbers = new Int32Array(bytes.length / 3);
  const [high, low] = bigEndian ? [0, 2] : [2, 0];
  for (let i = 0, b = 0; i < numbers.length; i++, b += 3)
    numbers[i] = ((bytes[b + high] << 24) >> 8) | (bytes[b + 1] << 8) | bytes[b + low];
  return numbers;
}

function planes(samples: Float32Array, channels: number, frames: number): Block {
  if (channels === 1) return [samples];
  return Array.from({ length: channels }, (_, channel) => {
    const plane = new Float32Array(frames);
    for (let i = 0, s = channel; i < frames; i++, s += channels) plane[i] = samples[s];
    return plane;
  });
}

/** ITU-T G.711: the value of each code. */
const companded = { alaw: alawTable(), ulaw: ulawTable() };

function alawTable(): Float32Array {
  return Float32Array.from({ length: 256 }, (_, code) => {
    const bits = code ^ 0x55;
    const exponent = (bits >> 4) & 7;
    const mantissa = ((bits & 15) << 4) + 8;
    const magnitude = exponent === 0 ? mantissa : (mantissa + 0x100) << (exponent - 1);
    return (bits & 0x80 ? magnitude : -magnitude) / 32768;
  });
}

function ulawTable(): Float32Array {
  return Float32Array.from({ length: 256 }, (_, code) => {
    const bits = ~code;
    const magnitude = ((((bits & 15) << 3) + 0x84) << ((bits >> 4) & 7)) - 0x84;
    return (bits & 0x80 ? -magnitude : magnitude) / 32768;
  });
}

/** A doubt about bytes after the samples that are more than padding. */
export function doubtBehind(source: Source, end: number, name: string): FileDoubt[] {
  const { bytes } = source;
  const behind = bytes.length - end;
  if (behind < 8 || areZero(bytes, end)) return [];
  const detail = `${behind} bytes behind the samples are no part of the ${name} file as its header describes it`;
  return [{ warning: "inconsistent", detail }];
}

/** Headers of 44 bytes are the most common, and those of WAVE_FORMAT_EXTENSIBLE have 60 or 68. */
const headerSlack = 68;

/**
 * The bytes of samples, from `start` on for `size` bytes, or an error that says how many are missing.
 *
 * Some recorders count their header too: where no more bytes are missing than a header has (68, or as many as lie
 * before the samples, with or without the first 8), what is there is the audio, and a doubt says so. A file that was
 * cut lacks such a number only by chance, and then a few milliseconds.
 */
export function pcmData(source: Source, start: number, size: number): { data: Bytes; doubts: FileDoubt[] } {
  const there = Math.max(0, source.bytes.length - start);
  const data = part(source, start, start + size).bytes;
  const lacking = size - there;
  if (lacking <= 0) return { data, doubts: [] };
  if (there === 0 || (lacking > headerSlack && lacking !== start && lacking !== start - 8))
    throw broken(
      source,
      `The file is cut off in the samples: ${there} of the ${size} bytes that its header promises are there.`,
      { got: there },
    );
  const detail = `the header promises ${size} bytes of samples, the file has ${there}, less by no more than a header`;
  return { data, doubts: [{ warning: "inconsistent", detail }] };
}
