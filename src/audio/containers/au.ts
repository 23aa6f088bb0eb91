import { doubtBehind, type PcmLayout, pcmBlocks, pcmData, pcmName } from "./pcm.js";
import { broken, type Decoding, foreign, type Source } from "./source.js";

const encodings: Record<number, [PcmLayout["kind"], number]> = {
  1: ["ulaw", 1],
  2: ["int", 1],
  3: ["int", 2],
  4: ["int", 3],
  5: ["int", 4],
  6: ["float", 4],
  7: ["float", 8],
  27: ["alaw", 1],
};

/** Sun and NeXT audio, also in DEC's byte order (`dns.`). Source: Sun's audio_filehdr(3). */
export function au(source: Source): Decoding {
  const { view, bytes } = source;
  if (bytes.length < 24)
    throw broken(source, `The AU header is cut off: ${bytes.length} of its 24 bytes are there.`);
  const bigEndian = bytes.at(0) === 0x2e;
  const [start, size, encoding, sampleRate, channels] = [4, 8, 12, 16, 20].map((at) =>
    view.getUint32(at, !bigEndian),
  );
  if (start < 24)
    throw broken(
      source,
      `The AU header says that the samples begin at byte ${start}, amid the header of 24 bytes.`,
    );
  // The size of a stream is not known when its header is written.
  const isUnknown = size === 0 || size === 0xffff_ffff;
  const { data, doubts } = pcmData(source, start, isUnknown ? Math.max(0, bytes.length - start) : size);
  if (!isUnknown) doubts.push(...doubtBehind(source, start + size, "AU"));
  // Behind the check of the size, which FFmpeg leaves out.
  if (encodings[encoding] === undefined)
    throw foreign(source, `The decoder here does not know the AU encoding ${encoding}.`);
  const [kind, width] = encodings[encoding];
  const layout = { kind, width, bigEndian, channels };
  return {
    format: "au",
    codec: pcmName(layout),
    sampleRate,
    channels,
    blocks: pcmBlocks(data, layout),
    doubts,
  };
}
