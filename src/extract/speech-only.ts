import { loadSegments, type Segment, type SegmentOptions } from "../audio/load-segments.js";
import { concatenated } from "../audio/resample.js";
import { vadSampleRate } from "../vad/speech-probabilities.js";
import { type SpeechSegment, speechSegments } from "../vad/speech-segments.js";

/** The speech of a file, or of a piece of a long one, as one signal. */
export interface SpeechPiece extends Segment {
  /** How much of the file is speech; undefined behind the first piece. */
  speech?: { seconds: number; of: number };
}

/**
 * `loadSegments` without what is no speech. A file that is longer than a piece is decoded twice, so that no more of it than a
 * piece is held; its pieces are as long as their speech, and those without any are left out.
 *
 * @param onDecoded is given all of the audio, at 16 kHz
 */
export async function* speechOnly(
  bytes: Uint8Array,
  options: Required<Pick<SegmentOptions, "seconds" | "sampleRate" | "channel">>,
  onDecoded: (samples: Float32Array) => Promise<void> = async () => {},
): AsyncGenerator<SpeechPiece> {
  const held: Segment[] = [];
  let pieces = 0;
  let samples = 0;
  const decoded = async function* () {
    for await (const piece of loadSegments(bytes, { ...options, sampleRate: vadSampleRate })) {
      pieces++;
      samples += piece.samples.length;
      if (pieces === 1) held.push(piece);
      else held.length = 0;
      await onDecoded(piece.samples);
      yield piece.samples;
    }
  };
  const spans = await speechSegments(decoded());
  const speech = {
    seconds: spans.reduce((sum, { start, end }) => sum + end - start, 0),
    of: samples / vadSampleRate,
  };
  const { sampleRate } = options;
  const again = held.length > 0 && sampleRate === vadSampleRate ? held : loadSegments(bytes, options);
  let at = 0;
  let isFirst = true;
  for await (const piece of again) {
    const part = within(piece.samples, at / sampleRate, spans, sampleRate);
    at += piece.samples.length;
    if (part.length === 0 && (pieces > 1 || spans.length > 0)) continue;
    yield { ...piece, samples: part, ...(isFirst ? { speech } : {}) };
    isFirst = false;
  }
  if (isFirst) yield { samples: new Float32Array(0), sampleRate, doubts: [], speech };
}

/** The parts of a piece, which begins at that second, that lie in spans. */
function within(
  samples: Float32Array,
  from: number,
  spans: readonly SpeechSegment[],
  sampleRate: number,
): Float32Array {
  const place = (second: number) =>
    Math.min(samples.length, Math.max(0, Math.round((second - from) * sampleRate)));
  return concatenated(spans.map(({ start, end }) => samples.subarray(place(start), place(end))));
}
