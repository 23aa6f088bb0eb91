import { throwIfAborted } from "../errors.js";
import type { Signal } from "../types.js";
import { readBytes } from "../util/read-file.js";
import type { Channel } from "./mixdown.js";
import { concatenated } from "./resample.js";
import { type AudioFacts, streamAudio } from "./stream-audio.js";

/** A signal, and what the file was. */
export interface Audio extends Signal, AudioFacts {}

export interface LoadOptions {
  /** Sample rate of the result in Hz; 16000 by default. */
  sampleRate?: number;
  /** `mean` (the default) for the mean of all channels, or the number of one, from 0. */
  channel?: Channel;
  /** A longer file is an error: a few kilobytes of compressed silence can last days. 14400 s (4 hours) by default. */
  maxSeconds?: number;
  abortSignal?: AbortSignal;
}

/**
 * Loads an audio file as one channel of float32 samples at the rate that a model takes.
 *
 * The kind of file is told by its content: WAV, FLAC, MP3, Ogg (Vorbis, Opus, FLAC), M4A (AAC-LC, ALAC), AAC, AIFF, AU,
 * CAF and NIST SPHERE; FFmpeg, where the user has it, does the rest. Memory is that of the file and twice that of the
 * result. See docs/audio.md for what is exact.
 *
 * @param file path, or bytes
 * @returns samples: Float32Array (n), nominal range [-1, 1], n = frames * sampleRate / originalSampleRate rounded up
 * @throws `missing` where there is no such file; `invalid` for what is no regular file, is no audio, is cut off or
 *   damaged, holds no samples or some that are no numbers, or has no such channel; `unsupported` for a format that only FFmpeg knows where
 *   there is none, and for a longer file than `maxSeconds`; `interrupted`
 * @example
 * const { samples, seconds } = await loadAudio("data/speech/test-other/367/367-130732-0003.flac");
 */
export async function loadAudio(file: string | Uint8Array, options: LoadOptions = {}): Promise<Audio> {
  const { sampleRate = 16000, channel = "mean", maxSeconds = 4 * 3600, abortSignal } = options;
  const path = typeof file === "string" ? file : undefined;
  throwIfAborted("Loading audio", abortSignal);
  const bytes = typeof file === "string" ? readBytes(file, "The audio file") : file;
  const pieces: Float32Array[] = [];
  const restart = () => {
    pieces.length = 0;
    return true;
  };
  const stream = streamAudio(bytes, { sampleRate, channel, maxSeconds, abortSignal, path, restart });
  for (;;) {
    const { done, value } = await stream.next();
    if (done) return { samples: concatenated(pieces), ...value };
    pieces.push(value);
  }
}
