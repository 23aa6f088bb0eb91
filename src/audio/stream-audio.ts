import { setImmediate as nextTurn } from "node:timers/promises";
import { invalid, ScopeError, throwIfAborted, unsupported } from "../errors.js";
import type { Block } from "./codecs.js";
import { type Decoding, type FileDoubt, ForeignError, seconds } from "./containers/source.js";
import { opened } from "./decode.js";
import { FfmpegError, ffmpeg } from "./ffmpeg.js";
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
  /** In what the file contradicts itself without being unreadable. */
  doubts: FileDoubt[];
}

/** Decoding comes to an abort signal, and lets others run, after every so many samples. */
const turnSamples = 1 << 22;

/** Full scale is 1; far beyond this no front end has a finite answer any more. */
const maxMagnitude = 1e9;

/**
 * Decodes, mixes and resamples an audio file piece by piece: what `loadAudio` gives as one array.
 *
 * What is not decoded here goes to FFmpeg, unless pieces of it have been given already. Where FFmpeg fails too, the
 * reason is that of the decoders here.
 */
export async function* streamAudio(
  bytes: Uint8Array,
  options: StreamOptions,
): AsyncGenerator<Float32Array, AudioFacts> {
  const { path } = options;
  let given = false;
  try {
    const decoding = opened(bytes, path);
    const facts = yield* pieces(decoding, options, () => {
      given = true;
    });
    return { ...facts, doubts: decoding.doubts ?? [] };
  } catch (error) {
    if (given || !(error instanceof ForeignError)) throw error;
    return yield* byFfmpeg(bytes, options, error);
  }
}

async function* byFfmpeg(
  bytes: Uint8Array,
  options: StreamOptions,
  reason: ForeignError,
): AsyncGenerator<Float32Array, AudioFacts> {
  const { path, maxSeconds, abortSignal } = options;
  try {
    // A second more, so that a longer file shows.
    const decoding = await ffmpeg(bytes, { path, maxSeconds: maxSeconds + 1, abortSignal });
    if (decoding === undefined) throw reason;
    try {
      const facts = yield* pieces(decoding, options);
      return { ...facts, doubts: decoding.doubts() };
    } finally {
      await decoding.close();
    }
  } catch (error) {
    throwIfAborted("loadAudio", abortSignal);
    if (!(error instanceof FfmpegError)) throw error;
    const { message, tag } = reason;
    const own = message
      .replace(/ FFmpeg may decode it: .*$/, "")
      .replace(/, or FFmpeg to decode it \(.*?\)/, "");
    throw new ScopeError(tag, `${own} FFmpeg could not decode it either: ${error.message}.`, {
      ...(path === undefined ? {} : { path }),
      // Ended for want of memory, say, it has said nothing about the file.
      cause: error.isVerdict ? reason : error,
    });
  }
}

type AnyDecoding = Pick<Decoding, "format" | "codec" | "sampleRate" | "channels"> & {
  blocks: Iterable<Block> | AsyncIterable<Block>;
};

async function* pieces(
  { format, codec, sampleRate: originalSampleRate, channels, blocks }: AnyDecoding,
  { sampleRate, channel, maxSeconds, abortSignal, path }: StreamOptions,
  onPiece: () => void = () => {},
): AsyncGenerator<Float32Array, Omit<AudioFacts, "doubts">> {
  const where = path === undefined ? {} : { path };
  checkChannel(channel, channels, path);
  const stream = resampler(originalSampleRate, sampleRate);
  let frames = 0;
  let turn = turnSamples;
  for await (const block of blocks) {
    const mono = mixdown(block, channel);
    if (frames + mono.length > maxSeconds * originalSampleRate)
      throw unsupported(
        `The audio is longer than ${maxSeconds} s. Take a shorter file, or a larger maxSeconds.`,
        where,
      );
    checkNumbers(mono, frames, originalSampleRate, path);
    frames += mono.length;
    const piece = stream.push(mono);
    onPiece();
    yield piece;
    if (frames < turn) continue;
    turn = frames + turnSamples;
    await nextTurn();
    throwIfAborted("loadAudio", abortSignal);
  }
  if (frames === 0) throw invalid("The file holds no samples.", where);
  yield stream.end();
  return { sampleRate, channels, originalSampleRate, seconds: frames / originalSampleRate, format, codec };
}

/** One sample that is no number, or near the end of what a float holds, would spoil the whole of a filter's output. */
function checkNumbers(
  samples: Float32Array,
  start: number,
  sampleRate: number,
  path: string | undefined,
): void {
  let power = 0;
  for (let i = 0; i < samples.length; i++) {
    const sample = samples[i];
    power += sample * sample;
  }
  if (power <= maxMagnitude) return;
  const at = samples.findIndex((sample) => !(Math.abs(sample) <= maxMagnitude));
  if (at < 0) return;
  const what = Number.isFinite(samples[at]) ? "far beyond full scale, which is 1" : "no number";
  throw invalid(
    `The sample at ${seconds(start + at, sampleRate)} is ${samples[at]}, ${what}.`,
    path === undefined ? {} : { path },
  );
}
