import { readFile } from "node:fs/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import { invalid, missing, ScopeError, throwIfAborted, unsupported } from "../errors.js";
import type { Signal } from "../types.js";
import type { Decoding } from "./containers/source.js";
import { opened } from "./decode.js";
import { ffmpeg } from "./ffmpeg.js";
import { type Channel, checkChannel, mixdown } from "./mixdown.js";
import { concatenated, resampler } from "./resample.js";

/** A signal, and what the file was. */
export interface Audio extends Signal {
  /** Of the file. */
  channels: number;
  originalSampleRate: number;
  /** Of the file. */
  seconds: number;
  /** The container: `wav`, `flac`, `ogg`, `mp4`, ...; `ffmpeg` where FFmpeg decoded it. */
  format: string;
  /** What is in it, in FFmpeg's names: `pcm_s16le`, `flac`, `opus`, `aac`, ... */
  codec: string;
}

export interface LoadOptions {
  /** Samples per second of the result. */
  sampleRate?: number;
  /** The mean of the channels, or one of them by its number from 0. */
  channel?: Channel;
  /** A longer file is an error: compressed silence of a few kilobytes can be days long. */
  maxSeconds?: number;
  abortSignal?: AbortSignal;
}

/** Decoding comes to an abort signal, and lets others run, after every so many samples. */
const turnSamples = 1 << 22;

/**
 * Loads an audio file as one channel of float32 samples at the rate that a model takes.
 *
 * The kind of file is told by its content: WAV, FLAC, MP3, Ogg (Vorbis, Opus, FLAC), M4A (AAC-LC, ALAC), AAC, AIFF, AU,
 * CAF and NIST SPHERE; FFmpeg, where the user has it, does the rest. Memory is that of the file and twice that of the
 * result. See docs/audio.md for what is exact.
 *
 * @param file path, or bytes
 * @returns samples: Float32Array (n), nominal range [-1, 1], n = frames * sampleRate / originalSampleRate rounded up
 * @throws `missing` where there is no such file; `invalid` for a file that is no audio, is cut off or damaged, holds no
 *   samples or some that are no numbers, or has no such channel; `unsupported` for a format that only FFmpeg knows where
 *   there is none, and for a longer file than `maxSeconds`; `interrupted`
 * @example
 * const { samples, seconds } = await loadAudio("data/speech/test-other/367/367-130732-0003.flac");
 */
export async function loadAudio(file: string | Uint8Array, options: LoadOptions = {}): Promise<Audio> {
  const { sampleRate = 16000, channel = "mean", maxSeconds = 4 * 3600, abortSignal } = options;
  const path = typeof file === "string" ? file : undefined;
  throwIfAborted("loadAudio", abortSignal);
  const bytes = typeof file === "string" ? await bytesOf(file) : file;
  const read = (decoding: Decoding) =>
    collect(decoding, { sampleRate, channel, maxSeconds, abortSignal, path });
  try {
    return await read(opened(bytes, path));
  } catch (error) {
    if (!(error instanceof ScopeError && error.tag === "unsupported" && error.subject === "audio file"))
      throw error;
    const wave = await ffmpeg(bytes, { path, maxSeconds: maxSeconds + 1, abortSignal });
    if (wave === undefined) throw error;
    return { ...(await read(opened(wave, path))), format: "ffmpeg", codec: "ffmpeg" };
  }
}

async function bytesOf(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") throw missing("audio file", "file", { path, cause });
    if (code === "ERR_FS_FILE_TOO_LARGE")
      throw unsupported("audio file", "size", {
        got: "more than 2 GiB",
        want: "a file in pieces",
        path,
        cause,
      });
    throw invalid("audio file", "file", { got: message, path, cause });
  }
}

interface CollectOptions {
  sampleRate: number;
  channel: Channel;
  maxSeconds: number;
  abortSignal: AbortSignal | undefined;
  path: string | undefined;
}

/** Mixes and resamples block by block: of a long file with many channels only the result is ever held. */
async function collect(
  { format, codec, sampleRate: originalSampleRate, channels, blocks }: Decoding,
  { sampleRate, channel, maxSeconds, abortSignal, path }: CollectOptions,
): Promise<Audio> {
  checkChannel(channel, channels, path);
  const stream = resampler(originalSampleRate, sampleRate);
  const pieces: Float32Array[] = [];
  let frames = 0;
  let turn = turnSamples;
  for (const block of blocks) {
    const mono = mixdown(block, channel);
    if (frames + mono.length > maxSeconds * originalSampleRate)
      throw unsupported("loadAudio", "length", {
        got: `more than ${maxSeconds} s`,
        want: "a shorter file, or a larger maxSeconds",
        path,
      });
    checkNumbers(mono, frames / originalSampleRate, originalSampleRate, path);
    pieces.push(stream.push(mono));
    frames += mono.length;
    if (frames < turn) continue;
    turn = frames + turnSamples;
    await nextTurn();
    throwIfAborted("loadAudio", abortSignal);
  }
  if (frames === 0) throw invalid("audio file", "length", { got: "no samples", path });
  pieces.push(stream.end());
  const samples = concatenated(pieces);
  return {
    samples,
    sampleRate,
    channels,
    originalSampleRate,
    seconds: frames / originalSampleRate,
    format,
    codec,
  };
}

/** One sample that is no number would make the whole of a filter's output none. */
function checkNumbers(
  samples: Float32Array,
  start: number,
  sampleRate: number,
  path: string | undefined,
): void {
  let sum = 0;
  for (let i = 0; i < samples.length; i++) sum += samples[i] * 0;
  if (sum === 0) return;
  const at = samples.findIndex((sample) => !Number.isFinite(sample));
  const seconds = (start + at / sampleRate).toFixed(3);
  throw invalid("audio file", "sample", { got: `${samples[at]} at ${seconds} s`, path });
}
