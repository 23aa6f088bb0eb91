import { isPcm, type PcmLayout, pcmBlocks, pcmData, pcmName } from "./pcm.js";
import { broken, type Decoding, foreign, type Source, text, type View } from "./source.js";

type Kind = Pick<PcmLayout, "kind" | "bigEndian"> & { width?: number };

const compressions: Record<string, Kind> = {
  NONE: { kind: "int", bigEndian: true },
  twos: { kind: "int", bigEndian: true },
  sowt: { kind: "int", bigEndian: false },
  in24: { kind: "int", bigEndian: true, width: 3 },
  in32: { kind: "int", bigEndian: true, width: 4 },
  "42ni": { kind: "int", bigEndian: false, width: 3 },
  "42n1": { kind: "int", bigEndian: false, width: 3 },
  "23ni": { kind: "int", bigEndian: false, width: 4 },
  "raw ": { kind: "uint", bigEndian: true },
  fl32: { kind: "float", bigEndian: true, width: 4 },
  FL32: { kind: "float", bigEndian: true, width: 4 },
  fl64: { kind: "float", bigEndian: true, width: 8 },
  FL64: { kind: "float", bigEndian: true, width: 8 },
  alaw: { kind: "alaw", bigEndian: true, width: 1 },
  ALAW: { kind: "alaw", bigEndian: true, width: 1 },
  ulaw: { kind: "ulaw", bigEndian: true, width: 1 },
  ULAW: { kind: "ulaw", bigEndian: true, width: 1 },
};

/** AIFF and AIFC. Source: Apple, Audio Interchange File Format AIFF-C, 1991. */
export function aiff(source: Source): Decoding {
  const { view, bytes } = source;
  let common: { at: number; size: number } | undefined;
  let sound: { at: number; size: number } | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const id = text(source, at);
    const size = view.getUint32(at + 4);
    if (id === "COMM") common = { at: at + 8, size };
    if (id === "SSND" && at + 16 <= bytes.length) {
      const offset = view.getUint32(at + 8);
      sound = { at: at + 16 + offset, size: size - 8 - offset };
    }
    at += 8 + size + (size & 1);
  }
  if (common === undefined || sound === undefined)
    throw broken(source, "The AIFF file lacks its COMM or its SSND chunk.");
  const { layout, frames, sampleRate } = commonChunk(source, common.at, common.size, sound);
  const size = frames * layout.width * layout.channels;
  const { data, doubts } = pcmData(source, sound.at, size);
  const there = Math.min(sound.size, bytes.length - sound.at);
  if (there - size >= 8)
    doubts.push({
      warning: "inconsistent",
      detail: `the SSND chunk of the AIFF file holds ${there} bytes, its header promises ${size}`,
    });
  const { channels } = layout;
  return {
    format: "aiff",
    codec: pcmName(layout),
    sampleRate,
    channels,
    blocks: pcmBlocks(data, layout),
    doubts,
  };
}

function commonChunk(source: Source, at: number, size: number, sound: { at: number; size: number }) {
  const { view, bytes } = source;
  if (size < 18 || at + size > bytes.length)
    throw broken(source, `The COMM chunk of the AIFF file is cut off: ${size} of at least 18 bytes.`);
  const channels = view.getUint16(at);
  const frames = view.getUint32(at + 2);
  const bits = view.getUint16(at + 6);
  const name = text(source, 8) === "AIFC" && size >= 22 ? text(source, at + 18) : "NONE";
  const compression = compressions[name];
  if (compression === undefined) {
    // FFmpeg would not say that the file is cut off. Streaming writers leave a size beyond 2 GiB.
    if (sound.size < 0x7fff_0000) pcmData(source, sound.at, sound.size);
    throw foreign(source, `The decoder here does not know the AIFC codec ${JSON.stringify(name)}.`);
  }
  const layout = { width: Math.ceil(bits / 8), channels, ...compression };
  if (!isPcm(layout)) throw broken(source, `The AIFF file says ${bits} bits a sample; 8 to 32 can be read.`);
  return { layout, frames, sampleRate: extended(view, at + 8) };
}

/** An 80-bit float: sign and exponent, then a 64-bit mantissa with its first bit written out. */
function extended(view: View, at: number): number {
  const exponent = view.getUint16(at) - 16383 - 63;
  return (view.getUint32(at + 2) * 2 ** 32 + view.getUint32(at + 6)) * 2 ** exponent;
}
