import { isPcm, pcmBlocks, pcmData, pcmName } from "./pcm.js";
import { broken, type Decoding, foreign, type Source, text } from "./source.js";

/** Uncompressed Core Audio Format. Source: Apple Core Audio Format Specification 1.0. */
export function caf(source: Source): Decoding {
  const { view, bytes } = source;
  let described: number | undefined;
  for (let at = 8; at + 12 <= bytes.length; ) {
    const id = text(source, at);
    const size = Number(view.getBigInt64(at + 4));
    const body = at + 12;
    if (id === "desc") described = body;
    if (id === "data") {
      if (described === undefined)
        throw broken(source, "The data of the CAF file come before their description.");
      // Four bytes of edit count come first; -1 is the size of a stream.
      const rest = Math.max(0, bytes.length - body - 4);
      const { data, doubts } = pcmData(source, body + 4, size === -1 ? rest : size - 4);
      // Behind the check of the size, which FFmpeg leaves out.
      const description = descriptionChunk(source, described);
      const { sampleRate, channels } = description;
      const codec = pcmName(description);
      return { format: "caf", codec, sampleRate, channels, blocks: pcmBlocks(data, description), doubts };
    }
    if (size < 0) break;
    at = body + size;
  }
  throw broken(source, "The CAF file has no data chunk.");
}

function descriptionChunk(source: Source, at: number) {
  const { view, bytes } = source;
  if (at + 32 > bytes.length) throw broken(source, "The CAF file is cut off in its description.");
  const codec = text(source, at + 8);
  const flags = view.getUint32(at + 12);
  const [channels, bits] = [view.getUint32(at + 24), view.getUint32(at + 28)];
  if (!["lpcm", "alaw", "ulaw"].includes(codec))
    throw foreign(source, `The decoder here does not know the CAF codec ${JSON.stringify(codec)}.`);
  const kind = codec === "alaw" || codec === "ulaw" ? codec : flags & 1 ? "float" : "int";
  const layout = { kind, width: Math.ceil(bits / 8), bigEndian: (flags & 2) === 0, channels } as const;
  if (!isPcm(layout)) throw broken(source, `The CAF file says ${bits} bits a sample; 8 to 64 can be read.`);
  return { ...layout, sampleRate: view.getFloat64(at) };
}
