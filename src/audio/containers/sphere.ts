import { doubtBehind, isPcm, pcmBlocks, pcmData, pcmName } from "./pcm.js";
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
  // `pcm,embedded-shorten-v2.00` is compressed.
  if (!/^(pcm|ulaw|mu-law|alaw)$/.test(coding))
    throw foreign(
      source,
      `The decoder here does not read SPHERE files with the sample coding ${JSON.stringify(coding)}.`,
    );
  const kind = coding === "pcm" ? "int" : coding === "alaw" ? "alaw" : "ulaw";
  // `01`: the least significant byte comes first.
  const layout = { kind, width, channels, bigEndian: fields.get("sample_byte_format") === "10" } as const;
  if (!Number.isSafeInteger(headerSize) || headerSize < 16 || headerSize > source.bytes.length)
    throw broken(
      source,
      `The SPHERE header says that it is ${text(source, 8, 8).trim()} bytes long; the file has ${source.bytes.length}.`,
    );
  if (!isPcm(layout) || !(channels >= 1))
    throw broken(
      source,
      `The SPHERE header says ${channels} channels of ${width} bytes a sample (${coding}): there are no such samples.`,
    );
  // Without a number of samples, or with 0 for one, they go on to the end.
  const count = fields.get("sample_count");
  const size = Number(count ?? 0) === 0 ? source.bytes.length - headerSize : Number(count) * width * channels;
  if (!Number.isSafeInteger(size) || size < 0)
    throw broken(source, `The SPHERE header gives the number of samples as ${JSON.stringify(count)}.`);
  const { data, doubts } = pcmData(source, headerSize, size);
  const blocks = pcmBlocks(data, layout);
  doubts.push(...doubtBehind(source, headerSize + size, "SPHERE"));
  return { format: "sphere", codec: pcmName(layout), sampleRate, channels, blocks, doubts };
}
