import { printable } from "../shared/printable.js";
import type { FileBytes } from "../util/file-bytes.js";
import { adts, isAdts } from "./containers/adts.js";
import { aiff } from "./containers/aiff.js";
import { au } from "./containers/au.js";
import { caf } from "./containers/caf.js";
import { flac } from "./containers/flac.js";
import { mp4 } from "./containers/mp4.js";
import { isMpeg, mpeg } from "./containers/mpeg.js";
import { ogg } from "./containers/ogg.js";
import { broken, type Decoding, foreign, type Source, sourceOf, text } from "./containers/source.js";
import { sphere } from "./containers/sphere.js";
import { withoutLeadingTags } from "./containers/tags.js";
import { wav } from "./containers/wav.js";

/** Sample rates of real audio in Hz; anything else is a broken header. */
const sampleRates = { min: 1000, max: 768_000 };
const maxChannels = 1024;

/**
 * Reads the headers of an audio file; the audio, every channel at its own rate, is decoded as the blocks are read.
 *
 * The kind is told by content, never by name. WAV, AIFF, AU, CAF, SPHERE (integers, floats, A-law, mu-law) and FLAC
 * come out bit-equal to libsndfile's float32; MP3, MP2, Vorbis, Opus, AAC-LC and ALAC without the silence that the
 * encoder added, where the file tells how much that is. Sizes in a header are believed only as far as there are bytes.
 *
 * @throws `invalid` for bytes that are no audio file, or one that is cut off or damaged; `unsupported` for other formats
 */
export function opened(bytes: Uint8Array | FileBytes, path: string | undefined): Decoding {
  const file = sourceOf(bytes, path);
  if (bytes.length === 0) throw broken(file, "The file is empty (0 bytes).");
  // Some programs put tags in front of every format.
  const source = withoutLeadingTags(file);
  const decoding = reader(source)(source);
  const { sampleRate, channels } = decoding;
  if (!(sampleRate >= sampleRates.min && sampleRate <= sampleRates.max))
    throw broken(
      file,
      `The header says ${sampleRate} Hz, which is no sample rate of audio: those are ${sampleRates.min} to ${sampleRates.max} Hz.`,
    );
  if (channels < 1 || channels > maxChannels)
    throw broken(file, `The header says ${channels} channels; audio has 1 to ${maxChannels}.`);
  return decoding;
}

function reader(source: Source): (source: Source) => Decoding {
  const mark = text(source, 0);
  if (/^(RIFF|RIFX|RF64|BW64)$/.test(mark) && text(source, 8) === "WAVE") return wav;
  if (mark === "fLaC") return flac;
  if (mark === "OggS") return ogg;
  if (mark === "FORM" && /^AIF[FC]$/.test(text(source, 8))) return aiff;
  if (mark === ".snd" || mark === "dns.") return au;
  if (mark === "caff") return caf;
  if (text(source, 0, 7) === "NIST_1A") return sphere;
  if (/^(ftyp|moov|mdat|free|skip|wide)$/.test(text(source, 4))) return mp4;
  if (isAdts(source)) return adts;
  if (isMpeg(source)) return mpeg;
  const begin = JSON.stringify(printable(text(source, 0, 12)));
  throw foreign(
    source,
    `The file begins with ${begin}, which is none of WAV, FLAC, MP3, Ogg (Vorbis, Opus, FLAC), M4A, AAC, AIFF, AU, CAF and SPHERE.`,
  );
}
