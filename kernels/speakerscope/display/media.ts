import { wavBytes } from "../../../src/shared/wav-bytes.js";
import type { MimeBundle } from "../replies.js";

const ascii = (bytes: Uint8Array, from: number, to: number) =>
  String.fromCharCode(...bytes.subarray(from, to));

/** The MIME type that the first bytes of a file give away; null for anything but pictures and sound. */
export function mediaType(bytes: Uint8Array): string | null {
  const head = ascii(bytes, 0, 12);
  if (head.startsWith("\x89PNG")) return "image/png";
  if (head.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (head.startsWith("GIF8")) return "image/gif";
  if (head.startsWith("RIFF") && head.endsWith("WEBP")) return "image/webp";
  if (head.startsWith("RIFF") && head.endsWith("WAVE")) return "audio/wav";
  if (head.startsWith("fLaC")) return "audio/flac";
  if (head.startsWith("OggS")) return "audio/ogg";
  if (head.startsWith("ID3") || /^\xff[\xfb\xf3\xf2]/.test(head)) return "audio/mpeg";
  return null;
}

export function mediaBundle(bytes: Uint8Array, type: string): MimeBundle {
  const text = `${type}, ${bytes.length} bytes`;
  if (type.startsWith("audio/")) return { "text/plain": text, "text/html": player(bytes, type) };
  if (type !== "image/webp") return { "text/plain": text, [type]: bytes };
  // Not among the types that every front end shows by itself.
  return { "text/plain": text, "text/html": `<img src="${dataUri(bytes, type)}">` };
}

interface Signal {
  samples: Float32Array;
  sampleRate: number;
}

/** Mono samples in [-1, 1] with their rate, as this package's toolkit loads audio. */
export function isSignal(value: object): value is Signal {
  const { samples, sampleRate } = value as Partial<Signal>;
  return samples instanceof Float32Array && typeof sampleRate === "number" && sampleRate > 0;
}

/** A notebook keeps what it shows: a longer player would make a file that nobody can open. */
const playedSeconds = 60;

/** A player, and in text how long and how loud it is. */
export function signalBundle({ samples, sampleRate }: Signal): MimeBundle {
  const seconds = samples.length / sampleRate;
  const peak = samples.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
  const cut = seconds > playedSeconds;
  const text = `${seconds.toFixed(2)} s of audio at ${sampleRate} Hz, peak ${peak.toFixed(3)}`;
  const played = cut ? samples.subarray(0, playedSeconds * sampleRate) : samples;
  const note = cut ? `<p>first ${playedSeconds} s of ${seconds.toFixed(1)} s</p>` : "";
  return {
    "text/plain": text,
    "text/html": player(wavBytes({ samples: played, sampleRate }), "audio/wav") + note,
  };
}

const dataUri = (bytes: Uint8Array, type: string) =>
  `data:${type};base64,${Buffer.from(bytes).toString("base64")}`;

const player = (bytes: Uint8Array, type: string) =>
  `<audio controls preload="metadata" src="${dataUri(bytes, type)}"></audio>`;
