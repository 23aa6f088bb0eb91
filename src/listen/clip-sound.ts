import { readFile } from "node:fs/promises";
import { type Audio, loadAudio } from "../audio/load-audio.js";
import { wavBytes } from "../shared/wav-bytes.js";

/** What a browser plays, and what it is. */
export interface Sound {
  type: string;
  bytes: Uint8Array;
  /** Of the recording. */
  seconds: number;
  /** Of what is played; less where the recording was cut. */
  playedSeconds: number;
}

/** Speech to listen to needs no more, and players of other rates are rare. */
const cutSampleRate = 16000;

/**
 * The sound of a file for a browser: its own bytes where browsers play them and they are few, else the beginning as
 * 16-bit WAV.
 *
 * @param maxSeconds of what is cut
 * @param maxBytes of what is taken as it is
 * @throws what `loadAudio` throws
 */
export async function clipSound(
  path: string,
  { maxSeconds, maxBytes }: { maxSeconds: number; maxBytes: number },
): Promise<Sound> {
  // Decoded in any case: a file that is named .flac need not be one, and a broken one says so here.
  const audio = await loadAudio(path, { sampleRate: cutSampleRate });
  const { seconds } = audio;
  const type = playedType(audio);
  const bytes = await readFile(path);
  if (type !== undefined && bytes.length <= maxBytes) return { type, bytes, seconds, playedSeconds: seconds };
  const samples = audio.samples.subarray(0, Math.round(maxSeconds * cutSampleRate));
  return {
    type: "audio/wav",
    bytes: wavBytes({ samples, sampleRate: cutSampleRate }),
    seconds,
    playedSeconds: Math.min(seconds, maxSeconds),
  };
}

/** The MIME type of what every current browser plays; undefined for the rest. */
function playedType({ format, codec, channels }: Audio): string | undefined {
  if (channels > 2) return undefined;
  if (format === "flac") return "audio/flac";
  if (format === "mp3") return "audio/mpeg";
  if (format === "ogg" && ["opus", "vorbis", "flac"].includes(codec)) return "audio/ogg";
  if (format === "mp4" && codec === "aac") return "audio/mp4";
  if (format === "wav" && ["pcm_u8", "pcm_s16le"].includes(codec)) return "audio/wav";
  return undefined;
}
