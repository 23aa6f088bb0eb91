import { closeSync, fstatSync, openSync } from "node:fs";
import { wavHeader } from "../shared/wav-header.js";
import { readAt } from "../util/read-at.js";

/** A WAV file whose samples are read by range. */
export interface WavRanges {
  sampleRate: number;
  frames: number;
  /** The frames from `from` to before `to`, as a WAV file of their own. */
  read(from: number, to: number): Uint8Array;
  close(): void;
}

/** PCM, float, A-law, mu-law. */
const tags = [1, 3, 6, 7];
/** More chunks than this before the samples are no ordinary file. */
const mostChunks = 64;

/**
 * Opens a WAV file to read spans of it, where it is an ordinary one; undefined for anything else, also for one that
 * contradicts itself: the decoder of whole files says what is wrong with it.
 */
export function openWavRanges(path: string): WavRanges | undefined {
  const file = openSync(path, "r");
  const ranges = rangesOf(file, fstatSync(file).size);
  if (ranges === undefined) closeSync(file);
  return ranges;
}

function rangesOf(file: number, end: number): WavRanges | undefined {
  const head = readAt(file, 0, 12);
  if (head.toString("latin1", 0, 4) !== "RIFF" || head.toString("latin1", 8, 12) !== "WAVE") return undefined;
  let format: Buffer | undefined;
  for (let offset = 12, chunk = 0; offset + 8 <= end && chunk < mostChunks; chunk++) {
    const header = readAt(file, offset, 8);
    const id = header.toString("latin1", 0, 4);
    const size = header.readUInt32LE(4);
    const body = offset + 8;
    if (id === "fmt ") {
      if (format !== undefined || size < 16 || size > 1024) return undefined;
      format = readAt(file, body, size);
    }
    if (id === "data") {
      if (format === undefined || body + size > end || size === 0) return undefined;
      return ofSamples(file, format, body, size);
    }
    offset = body + size + (size & 1);
  }
  return undefined;
}

function ofSamples(file: number, format: Buffer, body: number, size: number): WavRanges | undefined {
  const isExtensible = format.readUInt16LE(0) === 0xfffe && format.length >= 40;
  const tag = format.readUInt16LE(isExtensible ? 24 : 0);
  const channels = format.readUInt16LE(2);
  const sampleRate = format.readUInt32LE(4);
  const align = format.readUInt16LE(12);
  const bits = format.readUInt16LE(14);
  // Bits that do not fill their bytes are looked at as a whole.
  if (
    !tags.includes(tag) ||
    channels === 0 ||
    sampleRate === 0 ||
    bits === 0 ||
    align * 8 !== channels * bits
  )
    return undefined;
  return {
    sampleRate,
    frames: Math.floor(size / align),
    read(from, to) {
      const samples = readAt(file, body + from * align, (to - from) * align);
      return Buffer.concat([wavHeader(format, samples.length), samples]);
    },
    close: () => closeSync(file),
  };
}
