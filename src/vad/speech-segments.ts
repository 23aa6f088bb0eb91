import { concatenated, resample } from "../audio/resample.js";
import { throwIfAborted } from "../errors.js";
import type { Signal } from "../types.js";
import { speechProbabilities, vadSampleRate } from "./speech-probabilities.js";
import { type SpeechOptions, speechRuns } from "./speech-runs.js";

export interface SpeechSegmentOptions extends SpeechOptions {
  abortSignal?: AbortSignal;
}

/** Where there is speech. */
export interface SpeechSegment {
  /** Seconds from the start of the recording; times 16,000 a whole number. */
  start: number;
  /** Seconds; exclusive. */
  end: number;
}

/** Samples that are looked at before others get their turn: 10 s. */
const pieceSamples = 10 * vadSampleRate;

/**
 * Finds the speech in a recording with the bundled Silero VAD.
 *
 * The segments are those of silero-vad's own `get_speech_timestamps` with the same options, under other names. A
 * recording of hours may be given piece by piece, as mono samples at 16 kHz: what is kept of it is one probability for
 * every 32 ms. The model takes about 2 ms of CPU for a second of audio.
 *
 * @param audio a signal of any rate, or its pieces: Float32Array (n) at 16 kHz, nominal range [-1, 1]
 * @returns segments in the order of time, which do not overlap; none where nobody speaks
 * @throws `invalid` for options that cannot be, `interrupted`
 * @see Silero Team, Silero VAD, https://github.com/snakers4/silero-vad (version 6.2.3)
 * @example
 * const segments = await speechSegments(audio, { minSilenceMs: 300 })
 * segments.reduce((seconds, { start, end }) => seconds + end - start, 0) // seconds of speech
 */
export async function speechSegments(
  audio: Signal | AsyncIterable<Float32Array>,
  { abortSignal, ...options }: SpeechSegmentOptions = {},
): Promise<SpeechSegment[]> {
  // Wrong options are told before hours of audio are read.
  speechRuns(new Float32Array(0), 0, options);
  const detector = speechProbabilities();
  const probabilities: Float32Array[] = [];
  let length = 0;
  for await (const piece of Symbol.asyncIterator in audio ? audio : pieces(audio)) {
    throwIfAborted("The search for speech", abortSignal);
    probabilities.push(await detector.push(piece));
    length += piece.length;
  }
  probabilities.push(await detector.end());
  return speechRuns(concatenated(probabilities), length, options).map(({ start, end }) => ({
    start: start / vadSampleRate,
    end: end / vadSampleRate,
  }));
}

function* pieces({ samples, sampleRate }: Signal): Generator<Float32Array> {
  const signal = resample(samples, sampleRate, vadSampleRate);
  for (let start = 0; start < signal.length; start += pieceSamples)
    yield signal.subarray(start, start + pieceSamples);
}
