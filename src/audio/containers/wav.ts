import { mpeg } from "./mpeg.js";
import { doubtBehind, isPcm, type PcmLayout, pcmBlocks, pcmData, pcmName } from "./pcm.js";
import {
  type Bytes,
  broken,
  type Decoding,
  type FileDoubt,
  foreign,
  part,
  type Source,
  text,
} from "./source.js";

const kinds: Record<number, PcmLayout["kind"]> = { 1: "int", 3: "float", 6: "alaw", 7: "ulaw" };

/** Streaming writers leave sizes from here on for "not known yet" (SoX writes 0x7ffff000). */
const placeholder = 0x7fff_f000;

/** MP3 in a WAVE file. */
const mpegTag = 0x55;

interface Format extends PcmLayout {
  sampleRate: number;
  tag: number;
  /** Unused bytes of each sample. */
  room: number;
}

interface Place {
  at: number;
  /** As its header says. */
  size: number;
}

/**
 * WAVE in RIFF, RIFX (big endian), RF64 and BW64 (sizes beyond 4 GiB).
 *
 * Sources: Microsoft's Multimedia Programming Interface 1.0, EBU Tech 3306, ITU-R BS.2088.
 */
export function wav(source: Source): Decoding {
  const { view, bytes } = source;
  const little = text(source, 0) !== "RIFX";
  let format: Place | undefined;
  let samples: Place | undefined;
  let longSize: number | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const id = text(source, at);
    const size = view.getUint32(at + 4, little);
    const body = at + 8;
    const place = { at: body, size };
    if (id === "ds64" && body + 16 <= bytes.length) longSize = Number(view.getBigUint64(body + 8, little));
    if (id === "fmt ") format = only(source, "format", format, place);
    if (id === "data") samples = only(source, "data", samples, place);
    // After a chunk of unknown size there are samples, but no more chunks.
    if (samples !== undefined && format !== undefined && isUnknown(samples.size)) break;
    at = nextChunk(source, body + size);
  }
  if (samples === undefined)
    throw broken(source, `The WAVE file has no data chunk in its ${bytes.length} bytes.`);
  if (format === undefined) throw broken(source, "The WAVE file has no format chunk.");
  const riffSize = view.getUint32(4, little);
  // Before the check of the codec: FFmpeg would not report that the file is cut off.
  const { data, doubts } = samplesAt(source, samples, riffSize, longSize);
  const layout = formatChunk(source, format, little, doubts);
  const { sampleRate, channels } = layout;
  if (layout.tag === mpegTag) {
    const decoding = mpeg(part(source, samples.at, samples.at + data.length));
    return { ...decoding, format: "wav", doubts: [...doubts, ...(decoding.doubts ?? [])] };
  }
  if (layout.room > 0) {
    const used = layout.width - layout.room;
    if (!isLeftAligned(data, layout))
      throw foreign(
        source,
        `The WAVE samples have ${layout.width} bytes, but their bits do not lie in the upper ${used}.`,
      );
    if (isRightAligned(data, layout))
      doubts.push({
        warning: "inconsistent",
        detail: `samples of ${8 * used} bits in ${layout.width} bytes are read from the upper ones, but may lie in the lower`,
      });
  }
  const blocks = pcmBlocks(data, layout);
  return { format: "wav", codec: pcmName(layout), sampleRate, channels, blocks, doubts };
}

/** Two chunks of a kind are ambiguous, unless both give the same format. */
function only(source: Source, name: string, found: Place | undefined, place: Place): Place {
  if (found === undefined) return place;
  const [a, b] = [found, place].map(({ at, size }) => text(source, at, size));
  if (name === "data" || a !== b)
    throw broken(
      source,
      `The WAVE file has two ${name} chunks, at bytes ${found.at - 8} and ${place.at - 8}; it may have one. Write it anew.`,
    );
  return found;
}

const isUnknown = (size: number): boolean => size === 0 || size >= placeholder;

/** Chunks begin at even places, but some writers forget that. */
function nextChunk(source: Source, end: number): number {
  if ((end & 1) === 0) return end;
  return isChunk(source, end) && !isChunk(source, end + 1) ? end : end + 1;
}

/** Whether a chunk can begin there: a name of four printable characters. */
const isChunk = (source: Source, at: number): boolean => /^[!-~][ -~]{3}$/.test(text(source, at));

function formatChunk(source: Source, { at, size }: Place, little: boolean, doubts: FileDoubt[]): Format {
  const { view, bytes } = source;
  if (size < 16 || at + size > bytes.length)
    throw broken(
      source,
      `The format chunk of the WAVE file is cut off: ${Math.min(size, bytes.length - at)} of its ${Math.max(size, 16)} bytes are there.`,
    );
  const extensible = view.getUint16(at, little) === 0xfffe && size >= 40;
  // The first two bytes of the sub-format's GUID are the format tag of old.
  const tag = view.getUint16(extensible ? at + 24 : at, little);
  const channels = view.getUint16(at + 2, little);
  const sampleRate = view.getUint32(at + 4, little);
  const byteRate = view.getUint32(at + 8, little);
  const align = view.getUint16(at + 12, little);
  const bits = view.getUint16(at + 14, little);
  if (tag === mpegTag)
    return { kind: "int", width: 1, bigEndian: !little, channels, sampleRate, tag, room: 0 };
  if (kinds[tag] === undefined)
    throw foreign(
      source,
      `The decoder here does not know the WAVE codec with the format tag 0x${tag.toString(16)}.`,
    );
  const isCompanded = kinds[tag] === "alaw" || kinds[tag] === "ulaw";
  const said = isCompanded ? 1 : Math.ceil(bits / 8);
  // Some writers leave the bytes of a frame at 0. Where they are more than the bits need, the specification puts the sample
  // into the upper bytes.
  let width = align === 0 || channels === 0 ? said : align / channels;
  const isRoomy = kinds[tag] === "int" && Number.isInteger(width) && width > said && width <= 4;
  // The bits decide where the bytes are too few for them, or contradict the bytes of a second.
  if (width < said || (width > said && !isRoomy && byteRate === sampleRate * channels * said)) {
    width = said;
    doubts.push({
      warning: "inconsistent",
      detail: `the header says ${align} bytes for each frame, but its ${channels} channels of ${bits} bits take ${channels * said}`,
    });
  }
  const kind = tag === 1 && width === 1 ? "uint" : kinds[tag];
  const layout = { kind, width, bigEndian: !little, channels, sampleRate, tag, room: width - said };
  if (said === 0 || (width !== said && !isRoomy))
    throw broken(
      source,
      `The format chunk of the WAVE file contradicts itself: ${bits} bits, ${channels} channels, but ${align} bytes for each frame.`,
    );
  if (!isPcm(layout))
    throw foreign(
      source,
      `The decoder here does not read WAVE samples of ${bits} bits (${pcmName(layout)}).`,
    );
  return layout;
}

function isLeftAligned(data: Bytes, { width, room, bigEndian }: Format): boolean {
  const first = bigEndian ? width - room : 0;
  for (let at = first; at + room <= data.length; at += width)
    for (let i = 0; i < room; i++) if (data.at(at + i) !== 0) return false;
  return true;
}

/** Whether the upper bytes only repeat the sign of the lower ones, as in a quiet signal or one that lies in the lower bytes. */
function isRightAligned(data: Bytes, { width, room, bigEndian }: Format): boolean {
  let isSilent = true;
  for (let at = 0; at + width <= data.length; at += width) {
    const byte = (i: number) => data.at(bigEndian ? at + width - 1 - i : at + i)!;
    const sign = byte(width - room - 1) & 0x80 ? 0xff : 0;
    for (let i = width - room; i < width; i++) if (byte(i) !== sign) return false;
    isSilent &&= sign === 0 && byte(width - room - 1) === 0;
  }
  return !isSilent;
}

function samplesAt(
  source: Source,
  { at, size }: Place,
  riffSize: number,
  longSize: number | undefined,
): { data: Bytes; doubts: FileDoubt[] } {
  const { bytes } = source;
  const rest = bytes.length - at;
  if (longSize !== undefined && size === 0xffff_ffff) return pcmData(source, at, longSize);
  // A writer that could not seek back leaves 0 or a huge number in both size fields, or forgets one of them.
  const unknown = size === 0 && (riffSize !== bytes.length - 8 || !isChunk(source, at));
  const streamed = size >= placeholder || unknown;
  const { data, doubts } = pcmData(source, at, streamed ? Math.min(rest, size || rest) : size);
  const next = nextChunk(source, at + size);
  const isMore = isChunk(source, next) && !/^RI?F/.test(text(source, next));
  const end = at + data.length + (size & 1);
  return { data, doubts: isMore ? doubts : [...doubts, ...doubtBehind(source, end, "WAVE")] };
}
