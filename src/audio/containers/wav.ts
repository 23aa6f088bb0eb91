import { mpeg } from "./mpeg.js";
import { isPcm, type PcmLayout, pcmBlocks, pcmData, pcmName } from "./pcm.js";
import { broken, type Decoding, foreign, part, type Source, text } from "./source.js";

const kinds: Record<number, PcmLayout["kind"]> = { 1: "int", 3: "float", 6: "alaw", 7: "ulaw" };

/** Sizes from here on stand for "not known yet" in what streaming writers leave behind (SoX writes 0x7ffff000). */
const placeholder = 0x7fff_f000;

/**
 * WAVE in RIFF, RIFX (big endian), RF64 and BW64 (sizes beyond 4 GiB).
 *
 * Sources: Microsoft's Multimedia Programming Interface 1.0, EBU Tech 3306, ITU-R BS.2088.
 */
export function wav(source: Source): Decoding {
  const { view, bytes } = source;
  const little = text(source, 0) !== "RIFX";
  const riffSize = bytes.length >= 8 ? view.getUint32(4, little) : 0;
  let layout: (PcmLayout & { sampleRate: number; tag: number }) | undefined;
  let longSize: number | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const id = text(source, at);
    const size = view.getUint32(at + 4, little);
    const body = at + 8;
    if (id === "ds64" && body + 16 <= bytes.length) longSize = Number(view.getBigUint64(body + 8, little));
    if (id === "fmt ") layout = format(source, body, size, little);
    if (id === "data") {
      if (layout === undefined) throw broken(source, "WAVE file, its data come before its format");
      const data = samples(source, body, size, riffSize, longSize);
      const { sampleRate, channels } = layout;
      if (layout.tag === 0x55) return { ...mpeg(part(source, body, body + data.length)), format: "wav" };
      return { format: "wav", codec: pcmName(layout), sampleRate, channels, blocks: pcmBlocks(data, layout) };
    }
    // Chunks begin at even places.
    at = body + size + (size & 1);
  }
  throw broken(source, "WAVE file", { got: `${bytes.length} bytes without samples`, want: "a data chunk" });
}

function format(source: Source, at: number, size: number, little: boolean) {
  const { view, bytes } = source;
  if (size < 16 || at + size > bytes.length)
    throw broken(source, "WAVE format chunk", { got: `${size} bytes`, want: "at least 16" });
  const extensible = view.getUint16(at, little) === 0xfffe && size >= 40;
  // The first two bytes of the sub-format's GUID are the format tag of old.
  const tag = view.getUint16(extensible ? at + 24 : at, little);
  const channels = view.getUint16(at + 2, little);
  const sampleRate = view.getUint32(at + 4, little);
  const bits = view.getUint16(at + 14, little);
  const width = Math.ceil(bits / 8);
  const kind = tag === 1 && width === 1 ? "uint" : (kinds[tag] ?? "int");
  const layout = { kind, width, bigEndian: !little, channels, sampleRate, tag };
  if (tag === 0x55) return layout;
  if (kinds[tag] === undefined)
    throw foreign(source, "WAVE codec", { got: `format tag 0x${tag.toString(16)}` });
  const align = view.getUint16(at + 12, little);
  if (!isPcm(layout) || align !== width * channels)
    throw broken(source, "WAVE format", {
      got: `${bits} bits, ${channels} channels, ${align} bytes for each frame`,
      want: "8 to 32 bits as integers, 32 or 64 as floats, and frames of that size",
    });
  return layout;
}

function samples(source: Source, at: number, size: number, riffSize: number, longSize?: number): Uint8Array {
  const rest = source.bytes.length - at;
  if (longSize !== undefined && size === 0xffff_ffff) return pcmData(source, at, longSize);
  // A writer that could not seek back leaves 0 or a huge number in both places.
  const streamed = size >= placeholder || (size === 0 && riffSize !== source.bytes.length - 8);
  return pcmData(source, at, streamed ? Math.min(rest, size || rest) : size);
}
