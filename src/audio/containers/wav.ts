import { mpeg } from "./mpeg.js";
import { isPcm, type PcmLayout, pcmBlocks, pcmData, pcmName } from "./pcm.js";
import { broken, type Decoding, type FileDoubt, foreign, part, type Source, text } from "./source.js";

const kinds: Record<number, PcmLayout["kind"]> = { 1: "int", 3: "float", 6: "alaw", 7: "ulaw" };

/** Sizes from here on stand for "not known yet" in what streaming writers leave behind (SoX writes 0x7ffff000). */
const placeholder = 0x7fff_f000;

/** MP3 in a WAVE file. */
const mpegTag = 0x55;

interface Format extends PcmLayout {
  sampleRate: number;
  tag: number;
  /** Bytes of each sample that its bits leave empty. */
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
  let layout: Format | undefined;
  let samples: Place | undefined;
  let longSize: number | undefined;
  for (let at = 12; at + 8 <= bytes.length && (layout === undefined || samples === undefined); ) {
    const id = text(source, at);
    const size = view.getUint32(at + 4, little);
    const body = at + 8;
    if (id === "ds64" && body + 16 <= bytes.length) longSize = Number(view.getBigUint64(body + 8, little));
    if (id === "fmt ") layout = formatChunk(source, body, size, little);
    if (id === "data") samples = { at: body, size };
    at = nextChunk(source, body + size);
  }
  if (samples === undefined)
    throw broken(source, `The WAVE file has no data chunk in its ${bytes.length} bytes.`);
  if (layout === undefined) throw broken(source, "The WAVE file has no format chunk.");
  const riffSize = view.getUint32(4, little);
  const { data, doubts } = samplesAt(source, samples, riffSize, longSize);
  const { sampleRate, channels } = layout;
  if (layout.tag === mpegTag) {
    const decoding = mpeg(part(source, samples.at, samples.at + data.length));
    return { ...decoding, format: "wav", doubts: [...doubts, ...(decoding.doubts ?? [])] };
  }
  if (layout.room > 0 && !isLeftAligned(data, layout))
    throw foreign(
      source,
      `The WAVE samples have ${layout.width} bytes, but their bits do not lie in the upper ${layout.width - layout.room}.`,
    );
  const blocks = pcmBlocks(data, layout);
  return { format: "wav", codec: pcmName(layout), sampleRate, channels, blocks, doubts };
}

/** Chunks begin at even places, but some writers forget that. */
function nextChunk(source: Source, end: number): number {
  if ((end & 1) === 0) return end;
  return isChunk(source, end) && !isChunk(source, end + 1) ? end : end + 1;
}

/** Whether a chunk can begin there: a name of four printable characters. */
const isChunk = (source: Source, at: number): boolean => /^[!-~][ -~]{3}$/.test(text(source, at));

function formatChunk(source: Source, at: number, size: number, little: boolean): Format {
  const { view, bytes } = source;
  if (size < 16 || at + size > bytes.length)
    throw broken(source, `The format chunk of the WAVE file is cut off: it has ${size} bytes and needs 16.`);
  const extensible = view.getUint16(at, little) === 0xfffe && size >= 40;
  // The first two bytes of the sub-format's GUID are the format tag of old.
  const tag = view.getUint16(extensible ? at + 24 : at, little);
  const channels = view.getUint16(at + 2, little);
  const sampleRate = view.getUint32(at + 4, little);
  const align = view.getUint16(at + 12, little);
  const bits = view.getUint16(at + 14, little);
  if (tag === mpegTag)
    return { kind: "int", width: 1, bigEndian: !little, channels, sampleRate, tag, room: 0 };
  if (kinds[tag] === undefined)
    throw foreign(
      source,
      `The decoder here does not know the WAVE codec with the format tag 0x${tag.toString(16)}.`,
    );
  const said = Math.ceil(bits / 8);
  // Some writers leave 0 for the bytes of a frame. More of them than the bits need are room: the sample lies in the
  // upper bytes, as the format's specification wants it.
  const width = align === 0 || channels === 0 ? said : align / channels;
  const kind = tag === 1 && width === 1 ? "uint" : kinds[tag];
  const layout = { kind, width, bigEndian: !little, channels, sampleRate, tag, room: width - said };
  const roomy = kind === "int" && width > said && width <= 4;
  if ((channels !== 0 && !Number.isInteger(width)) || said === 0 || (width !== said && !roomy))
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

function isLeftAligned(data: Uint8Array, { width, room, bigEndian }: Format): boolean {
  const first = bigEndian ? width - room : 0;
  for (let at = first; at + room <= data.length; at += width)
    for (let i = 0; i < room; i++) if (data[at + i] !== 0) return false;
  return true;
}

function samplesAt(
  source: Source,
  { at, size }: Place,
  riffSize: number,
  longSize: number | undefined,
): { data: Uint8Array; doubts: FileDoubt[] } {
  const { bytes } = source;
  const rest = bytes.length - at;
  if (longSize !== undefined && size === 0xffff_ffff) return pcmData(source, at, longSize);
  // A writer that could not seek back leaves 0 or a huge number in both places, or forgets one of them.
  const unknown = size === 0 && (riffSize !== bytes.length - 8 || !isChunk(source, at));
  const streamed = size >= placeholder || unknown;
  const { data, doubts } = pcmData(source, at, streamed ? Math.min(rest, size || rest) : size);
  const behind = rest - data.length - (size & 1);
  if (behind < 8 || isChunk(source, nextChunk(source, at + size))) return { data, doubts };
  if (!bytes.subarray(at + size).some((byte) => byte !== 0)) return { data, doubts };
  const detail = `${behind} bytes behind the samples are no part of the WAVE file as its header describes it`;
  return { data, doubts: [...doubts, { warning: "inconsistent", detail }] };
}
