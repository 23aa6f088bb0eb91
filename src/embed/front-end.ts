import { type FrontEndRecord, openFbank } from "../features/fbank.js";
import type { Partials } from "../models/adapter.js";
import type { Matrix } from "../types.js";

/** What a front end is made of; plain data, so that it travels to other threads. */
export interface FrontEndSettings {
  fbank: FrontEndRecord;
  /** Frames below which the model gives nonsense. */
  minFrames: number;
  /** Features are cut down to a multiple of so many frames; 1 for none. */
  bucket: number;
  /** Features are parts of this kind, one below the other. */
  partials?: Partials | undefined;
  /** Longer signals must be cut into pieces. */
  maxSeconds?: number | undefined;
}

/** What becomes of a signal before the model sees it. */
export interface FrontEnd {
  /** Samples per second that signals must have. */
  readonly sampleRate: number;
  /** Samples that a signal must have at least. */
  readonly minSamples: number;
  /** Seconds that a signal may have at most; undefined where the model takes any length. */
  readonly maxSeconds?: number | undefined;
  /** Features of a signal, Float32Array (n): Matrix (frames, mel bins). */
  features(samples: Float32Array): Matrix;
}

/** Prepares a model's front end, which runs on the CPU whatever the model's device is. */
export function openFrontEnd(settings: FrontEndSettings): FrontEnd {
  const { fbank: record, minFrames, bucket, partials, maxSeconds } = settings;
  const fbank = openFbank(record);
  const common = { sampleRate: record.sampleRate, maxSeconds };
  if (partials !== undefined) {
    return {
      ...common,
      minSamples: 1,
      features(samples) {
        const starts = partialStarts(samples.length, fbank.frameShift, partials);
        const length = (starts.at(-1)! + partials.frames) * fbank.frameShift;
        return parts(fbank.compute(samples, { length }), starts, partials.frames);
      },
    };
  }
  return {
    ...common,
    minSamples: fbank.samplesOf(minFrames),
    features(samples) {
      const frames = fbank.numFrames(samples.length);
      const surplus = frames < bucket ? 0 : frames % bucket;
      return fbank.compute(surplus === 0 ? samples : samples.subarray(0, fbank.samplesOf(frames - surplus)));
    },
  };
}

/**
 * The first frames of a signal's parts.
 *
 * Source: `VoiceEncoder.compute_partial_slices` of Resemblyzer 0.1.4.
 */
export function partialStarts(
  samples: number,
  shift: number,
  { frames, step, minCoverage }: Partials,
): number[] {
  const all = Math.ceil((samples + 1) / shift);
  const count = Math.ceil(Math.max(1, all - frames + step + 1) / step);
  const starts = Array.from({ length: count }, (_, i) => i * step);
  const coverage = (samples - starts.at(-1)! * shift) / (frames * shift);
  return coverage < minCoverage && count > 1 ? starts.slice(0, -1) : starts;
}

function parts({ data, columns }: Matrix, starts: readonly number[], frames: number): Matrix {
  const stacked = new Float32Array(starts.length * frames * columns);
  starts.forEach((start, i) => {
    stacked.set(data.subarray(start * columns, (start + frames) * columns), i * frames * columns);
  });
  return { data: stacked, rows: starts.length * frames, columns };
}
