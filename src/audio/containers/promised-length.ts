import { broken, type Source, text } from "./source.js";

/** From here on sizes stand for "not known yet", as streaming writers leave them behind. */
const placeholder = 0x7fff_f000;

/**
 * Refuses a file meant for FFmpeg that is shorter than its own container says: FFmpeg decodes what is there, and says
 * nothing where the cut lies between two packets.
 *
 * Sources: RFC 8794 (EBML), Sony's Wave64, WavPack 4 & 5 Binary File Format, Adobe's FLV 10.1, Microsoft's ASF 1.2 and
 * AVI RIFF File Reference, ISO/IEC 13818-1 (transport streams).
 */
export function checkPromisedLength(source: Source): void {
  const { length } = source.bytes;
  const promised = promisedLength(source);
  if (promised > length)
    throw broken(
      source,
      `The file is cut off: ${length} of the ${promised} bytes that it promises are there.`,
    );
}

function promisedLength(source: Source): number {
  const { bytes, view } = source;
  if (bytes.length < 64) return 0;
  const mark = text(source, 0);
  if (mark === "\x1aE\xdf\xa3") return matroska(source);
  if (mark === "riff") return known(view.getBigUint64(16, true));
  if (mark === "RIFF" && text(source, 8) === "AVI ") return known(BigInt(view.getUint32(4, true)), 32) + 8;
  if (mark === "wvpk") return wavpack(source);
  // A tag has 11 bytes before its data, and its size again in four behind.
  if (mark.startsWith("FLV"))
    return chain(source, view.getUint32(5) + 4, 11, (at) => (view.getUint32(at) & 0xff_ffff) + 15);
  if (view.getUint32(0) === 0x3026b275)
    return chain(source, 0, 24, (at) => known(view.getBigUint64(at + 16, true)));
  const isTransport = [0, 188, 376].every((at) => bytes.at(at) === 0x47);
  return isTransport ? 188 * Math.ceil(bytes.length / 188) : 0;
}

/** A size in a header, or 0 where it is not one. */
function known(size: bigint, bits = 64): number {
  const limit = bits === 32 ? placeholder : Number.MAX_SAFE_INTEGER;
  return size < limit ? Number(size) : 0;
}

/** Where the last of the pieces ends that lie one behind the other; 0 where one has no size. */
function chain({ bytes }: Source, start: number, header: number, sizeAt: (at: number) => number): number {
  let at = start;
  while (at + header <= bytes.length) {
    const size = sizeAt(at);
    if (size < header) return 0;
    at += size;
  }
  return at < bytes.length ? at + header : at;
}

function matroska(source: Source): number {
  const header = element(source, 4);
  const segment = header.end;
  if (text(source, segment) !== "\x18S\x80g") return 0;
  const { end, isKnown } = element(source, segment + 4);
  return isKnown ? end : 0;
}

/** Of an element whose size begins there: the leading zeros of its first byte tell how many more follow. */
function element({ bytes }: Source, at: number): { end: number; isKnown: boolean } {
  const first = bytes.at(at) ?? 0;
  const length = Math.clz32(first << 24) + 1;
  let size = BigInt(first & (0xff >> length));
  for (const byte of bytes.subarray(at + 1, at + length)) size = (size << 8n) | BigInt(byte);
  const isKnown = size !== (1n << BigInt(7 * length)) - 1n;
  return { end: at + length + Number(size), isKnown };
}

function wavpack(source: Source): number {
  const { view, bytes } = source;
  const total = view.getUint32(12, true);
  let [at, samples] = [0, 0];
  while (at + 32 <= bytes.length && text(source, at) === "wvpk") {
    samples = view.getUint32(at + 16, true) + view.getUint32(at + 20, true);
    at += view.getUint32(at + 4, true) + 8;
  }
  if (at <= bytes.length && total !== 0xffff_ffff && samples < total)
    throw broken(
      source,
      `The file is cut off: ${samples} of the ${total} samples that it promises are there.`,
    );
  return at;
}
