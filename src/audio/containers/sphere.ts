import { isPcm, pcmBlocks, pcmData, pcmName } from "./pcm.js";
import { broken, type Decoding, foreign, type Source, text } from "./source.js";

/**
 * NIST SPHERE, the format of TIMIT, Switchboard and the speaker recognition evaluations (often named .wav).
 *
 * Source: NIST SPHERE 2.7, doc/header.man.
 */
export function sphere(source: Source): Decoding {
  const headerSize = Number(text(source, 8, 8));
  const fields = new Map<string, string>();
  for (const line of text(source, 0, headerSize).split("\n").slice(2)) {
    if (line.trim() === "end_head") break;
    const match = /^(\S+) -\S+ (.*)$/.exec(line.trim());
    if (match !== null) fields.set(match[1], match[2].trim());
  }
  const number = (name: string, otherwise: number) => Number(fields.get(name) ?? otherwise);
  const coding = fields.get("sample_coding") ?? "pcm";
  const width = number("sample_n_bytes", 2);
  const channels = number("channel_count", 1);
  const sampleRate = number("sample_rate", 16000);
  if (!/^(pcm|ulaw|mu-law|alaw)$/.test(coding)) throw foreign(source, "SPHERE coding", { got: coding });
  const kind = coding === "pcm" ? "int" : coding === "alaw" ? "alaw" : "ulaw";
  // `01`: the least significant byte comes first.
  const layout = { kind, width, channels, bigEndian: fields.get("sample_byte_format") === "10" } as const;
  const size = number("sample_count", 0) * width * channels;
  if (!isPcm(layout) || !Number.isSafeInteger(headerSize) || !Number.isSafeInteger(size) || size < 0)
    throw broken(source, "SPHERE header", { got: Object.fromEntries(fields) });
  const data = pcmData(source, headerSize, size);
  return { format: "sphere", codec: pcmName(layout), sampleRate, channels, blocks: pcmBlocks(data, layout) };
}
