import { setImmediate as nextTurn } from "node:timers/promises";
import { invalid, ScopeError, throwIfAborted, unsupported } from "../errors.js";
import type { Block } from "./codecs.js";
import { checkPromisedLength } from "./containers/promised-length.js";
import { type Decoding, type FileDoubt, ForeignError, seconds, sourceOf } from "./containers/source.js";
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
  /** Drops all pieces, because FFmpeg starts over; false if they have been used already. */
  restart?: () => boolean;
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
  /** Where the file contradicts itself but can still be read. */
  doubts: FileDoubt[];
}

/** After so many samples decoding yields to the event loop and looks at the abort signal. */
const turnSamples = 1 << 22;

/** FFmpeg's messages about an incomplete packet. */
const cutOff =
  /corrupt input packet|ended prematurely|read_timestamp failed|partial file|incomplete frame|packet (size )?(is )?too small|Input buffer exhausted/i;

/** Full scale is 1. Far beyond this a front end no longer gives finite features. */
const maxMagnitude = 1e9;

/**
 * Decodes, mixes and resamples an audio file piece by piece: what `loadAudio` gives as one array.
 *
 * What cannot be decoded here goes to FFmpeg. Some files turn out to need it only later: then `restart` discards what was
 * yielded, or there is an error. Where FFmpeg fails too, the error gives the reason of the decoders here.
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
    if (!(error instanceof ForeignError)) throw error;
    if (given && options.restart?.() !== true) throw tooLate(error, path);
    return yield* byFfmpeg(bytes, options, error);
  }
}

/** Without the advice to install FFmpeg. */
const ownReason = ({ message }: ForeignError): string => message.replace(/ FFmpeg may decode it: .*$/, "");

const tooLate = (error: ForeignError, path: string | undefined): ScopeError =>
  new ScopeError(
    "unsupported",
    `${ownReason(error)} This shows only after a part of it that was decoded here. Let FFmpeg convert the whole: ffmpeg -i FILE OUTPUT.flac.`,
    { path, cause: error },
  );

async function* byFfmpeg(
  bytes: Uint8Array,
  options: StreamOptions,
  reason: ForeignError,
): AsyncGenerator<Float32Array, AudioFacts> {
  const { path, maxSeconds, abortSignal } = options;
  checkPromisedLength(sourceOf(bytes, path));
  try {
    // One second more, so that a longer file is noticed.
    const decoding = await ffmpeg(bytes, { path, maxSeconds: maxSeconds + 1, abortSignal });
    if (decoding === undefined) throw reason;
    try {
      const facts = yield* pieces(decoding, options);
      return { ...facts, doubts: decoding.doubts() };
    } finally {
      await decoding.close();
    }
  } catch (error) {
    throwIfAborted("Loading audio", abortSignal);
    if (!(error instanceof FfmpegError)) throw error;
    // An FFmpeg that was killed, for lack of memory say, has said nothing about the file.
    const cause = error.isVerdict ? reason : error;
    if (cutOff.test(error.message))
      throw invalid(`The file is cut off or damaged: FFmpeg says "${error.message}".`, { path, cause });
    throw new ScopeError(
      reason.tag,
      `${ownReason(reason)} FFmpeg could not decode it either: ${error.message}.`,
      { path, cause },
    );
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
  checkChannel(channel, channels, path);
  const stream = resampler(originalSampleRate, sampleRate);
  let frames = 0;
  let turn = turnSamples;
  for await (const block of blocks) {
    const mono = mixdown(block, channel);
    if (frames + mono.length > maxSeconds * originalSampleRate)
      throw unsupported(
        `The audio is longer than ${maxSeconds} s. Take a shorter file, or a larger maxSeconds.`,
        { path },
      );
    checkNumbers(mono, frames, originalSampleRate, path);
    frames += mono.length;
    const piece = stream.push(mono);
    onPiece();
    yield piece;
    if (frames < turn) continue;
    turn = frames + turnSamples;
    await nextTurn();
    throwIfAborted("Loading audio", abortSignal);
  }
  if (frames === 0) throw invalid("The file holds no samples.", { path });
  yield stream.end();
  return { sampleRate, channels, originalSampleRate, seconds: frames / originalSampleRate, format, codec };
}

/** A single NaN or huge sample would spoil all of a filter's output. */
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
  throw invalid(`The sample at ${seconds(start + at, sampleRate)} is ${samples[at]}, ${what}.`, { path });
}
