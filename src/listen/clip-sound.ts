import { readFile } from "node:fs/promises";
import { type Audio, loadAudio } from "../audio/load-audio.js";
import { bytesOf } from "../corpus/bytes-of.js";
import { wavBytes } from "../shared/wav-bytes.js";
import type { AudioSource, Signal } from "../types.js";

/** A sound for a browser to play. */
export interface Sound {
  /** MIME type. */
  type: string;
  bytes: Uint8Array;
  /** Length of the recording. */
  seconds: number;
  /** Length of what is played, which is less where the recording was cut. */
  playedSeconds: number;
  /** What is played, mono at 16 kHz. */
  signal: Signal;
}

/** Enough for speech, and every browser plays it. */
const cutSampleRate = 16000;

/**
 * The sound of a file for a browser: the file itself where browsers play it and it is small, else its beginning as 16-bit
 * WAV.
 *
 * @param maxSeconds where larger files are cut
 * @param maxBytes size up to which the file itself is used
 * @throws what `loadAudio` throws
 */
export async function clipSound(
  clip: string | ({ path: string } & Partial<AudioSource>),
  { maxSeconds, maxBytes }: { maxSeconds: number; maxBytes: number },
): Promise<Sound> {
  // Decoded in any case, because its name may be wrong and it may be broken.
  const source = typeof clip === "string" ? { path: clip } : clip;
  const part = await bytesOf(source);
  const channel = source.channel ?? "mean";
  const audio = await loadAudio(part ?? source.path, { sampleRate: cutSampleRate, channel });
  const { seconds } = audio;
  const signalOf = (samples: Float32Array) => ({ samples, sampleRate: cutSampleRate });
  const type = channel === "mean" ? playedType(audio) : undefined;
  const bytes = part ?? (await readFile(source.path));
  if (type !== undefined && bytes.length <= maxBytes)
    return { type, bytes, seconds, playedSeconds: seconds, signal: signalOf(audio.samples) };
  const samples = audio.samples.subarray(0, Math.round(maxSeconds * cutSampleRate));
  return {
    type: "audio/wav",
    bytes: wavBytes(signalOf(samples)),
    seconds,
    playedSeconds: Math.min(seconds, maxSeconds),
    signal: signalOf(samples),
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
