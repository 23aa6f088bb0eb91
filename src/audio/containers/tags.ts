import { bufferOf, lastIndexOf, part, type Source, text } from "./source.js";

/**
 * The length of the tag that begins at a byte: ID3v2, ID3v1 with its extension, APEv2 with a header, Lyrics3.
 *
 * @returns 0 where none begins
 */
export function tagAt(source: Source, at: number): number {
  const { view, bytes } = source;
  const mark = text(source, at, 11);
  if (mark.startsWith("ID3")) return id3Length(source, at);
  if (mark.startsWith("TAG+")) return 227;
  if (mark.startsWith("TAG")) return 128;
  // The size that the header tells is without the header.
  if (mark.startsWith("APETAGEX") && at + 32 <= bytes.length) return 32 + view.getUint32(at + 12, true);
  return mark === "LYRICSBEGIN" ? lyricsLength(source, at) : 0;
}

/** The total length of the consecutive tags that end at `end`. */
export function tagsBefore(source: Source, end: number): number {
  let start = end;
  for (let length = tagBefore(source, start); length > 0; length = tagBefore(source, start)) start -= length;
  return end - start;
}

/**
 * Where the audio ends before trailing tags, including those that can only be recognised by their start (ID3v2 and APEv2
 * without a footer). This searches the whole file, which is slow.
 */
export function endBeforeTags(source: Source): number {
  const { bytes } = source;
  let end = bytes.length - tagsBefore(source, bytes.length);
  for (const mark of ["ID3", "APETAGEX"])
    for (let at = lastIndexOf(bytes, mark, end - 1); at > 0; at = lastIndexOf(bytes, mark, at - 1)) {
      const behind = at + tagAt(source, at) - end;
      // The size of an APE tag counts a footer that may not be there.
      if (behind < 0 || behind > 32) continue;
      end = at - tagsBefore(source, at);
      at = end;
    }
  return end;
}

/** A source without the ID3v2 and APEv2 tags that lie before its audio. */
export function withoutLeadingTags(source: Source): Source {
  let rest = source;
  while (/^(ID3|APETAGEX)/.test(text(rest, 0, 8)) && rest.bytes.length > 10) {
    const length = tagAt(rest, 0);
    if (length === 0) break;
    rest = part(rest, length);
  }
  return rest;
}

/** The length of an ID3v2 tag: 28 bits in four bytes of seven; 0 where it is none. */
function id3Length({ bytes }: Source, at: number): number {
  if (at + 10 > bytes.length) return 0;
  const [a, b, c, d] = bytes.subarray(at + 6, at + 10);
  if ((a | b | c | d) & 0x80) return 0;
  const footer = (bytes.at(at + 5)! & 0x10) === 0 ? 0 : 10;
  return 10 + ((a << 21) | (b << 14) | (c << 7) | d) + footer;
}

/** Lyrics3 tells its end by a mark, and version 2 its length just before that. */
function lyricsLength({ bytes }: Source, at: number): number {
  const tag = bufferOf(bytes.subarray(at, at + (1 << 20)));
  for (let end = tag.indexOf("LYRICS", 11); end > 0; end = tag.indexOf("LYRICS", end + 6))
    if (/^LYRICS(200|END)$/.test(tag.toString("latin1", end, end + 9))) return end + 9;
  return 0;
}

function tagBefore(source: Source, end: number): number {
  const { view } = source;
  const at = (back: number, length: number) => (back > end ? "" : text(source, end - back, length));
  let length = 0;
  if (at(128, 3) === "TAG") length = 128;
  else if (at(227, 4) === "TAG+") length = 227;
  else if (at(32, 8) === "APETAGEX") {
    length = view.getUint32(end - 20, true);
    // The flag for it is not always set.
    if (at(length + 32, 8) === "APETAGEX") length += 32;
  } else if (at(10, 3) === "3DI") length = id3Length(source, end - 10);
  else if (at(9, 9) === "LYRICS200") length = Number(at(15, 6)) + 15;
  else if (at(9, 9) === "LYRICSEND") {
    // Without a size, but of at most 5,100 bytes.
    const start = text(source, Math.max(0, end - 5120), Math.min(5120, end)).lastIndexOf("LYRICSBEGIN");
    length = start < 0 ? 0 : Math.min(5120, end) - start;
  }
  return length > 0 && length <= end ? length : 0;
}
