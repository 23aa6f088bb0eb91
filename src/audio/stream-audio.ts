import { setImmediate as nextTurn } from "node:timers/promises";
import { invalid, ScopeError, throwIfAborted, unsupported } from "../errors.js";
import type { Decoding } from "./containers/source.js";
import { opened } from "./decode.js";
import { ffmpeg } from "./ffmpeg.js";
import { type Channel, checkChannel, mixdown } from "./mixdown.js";
import { resampler } from "./resample.js";

export interface StreamOptions {
  /** Samples per second of the result. */
  sampleRate: number;
  channel: Channel;
  /** A longer file is an error. */
  maxSeconds: number;
  abortSignal?: AbortSignal | undefined;
  /** For error messages, and for FFmpeg. */
  path?: string | undefined;
}

/** What is known of a file when all of it has been decoded. */
export interface AudioFacts {
  /** Samples per second of the result. */
  sampleRate: number;
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

/** Decoding comes to an abort signal, and lets others run, after every so many samples. */
const turnSamples = 1 << 22;

/**
 * Decodes, mixes and resamples an audio file piece by piece: what `loadAudio` gives as one array.
 *
 * What is not decoded here goes to FFmpeg, unless pieces of it have been given already.
 */
export async function* streamAudio(
  bytes: Uint8Array,
  options: StreamOptions,
): AsyncGenerator<Float32Array, AudioFacts> {
  const { path, maxSeconds, abortSignal } = options;
  let given = false;
  try {
    return yield* pieces(opened(bytes, path), options, () => {
      given = true;
    });
  } catch (error) {
    if (given || !(error instanceof ScopeError)) throw error;
    if (error.tag !== "unsupported" || error.subject !== "audio file") throw error;
    const wave = await ffmpeg(bytes, { path, maxSeconds: maxSeconds + 1, abortSignal });
    if (wave === undefined) throw error;
    const facts = yield* pieces(opened(wave, path), options);
    return { ...facts, format: "ffmpeg", codec: "ffmpeg" };
  }
}

async function* pieces(
  { format, codec, sampleRate: originalSampleRate, channels, blocks }: Decoding,
  { sampleRate, channel, maxSeconds, abortSignal, path }: StreamOptions,
  onPiece: () => void = () => {},
): AsyncGenerator<Float32Array, AudioFacts> {
  checkChannel(channel, channels, path);
  const stream = resampler(originalSampleRate, sampleRate);
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
    frames += mono.length;
    const piece = stream.push(mono);
    onPiece();
    yield piece;
    if (frames < turn) continue;
    turn = frames + turnSamples;
    await nextTurn();
    throwIfAborted("loadAudio", abortSignal);
  }
  if (frames === 0) throw invalid("audio file", "length", { got: "no samples", path });
  yield stream.end();
  return { sampleRate, channels, originalSampleRate, seconds: frames / originalSampleRate, format, codec };
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
