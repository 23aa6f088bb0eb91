import { type FrontEndRecord, openFbank } from "../features/fbank.js";
import type { Matrix } from "../types.js";

/** What a front end is made of; plain data, so that it travels to other threads. */
export interface FrontEndSettings {
  fbank: FrontEndRecord;
  /** Frames below which the model gives nonsense. */
  minFrames: number;
  /** Features are cut down to a multiple of so many frames; 1 for none. */
  bucket: number;
}

/** What becomes of a signal before the model sees it. */
export interface FrontEnd {
  /** Samples per second that signals must have. */
  readonly sampleRate: number;
  /** Samples that a signal must have at least. */
  readonly minSamples: number;
  /** Features of a signal, Float32Array (n): Matrix (frames, mel bins). */
  features(samples: Float32Array): Matrix;
}

/** Prepares a model's front end, which runs on the CPU whatever the model's device is. */
export function openFrontEnd({ fbank: settings, minFrames, bucket }: FrontEndSettings): FrontEnd {
  const fbank = openFbank(settings);
  const samplesOf = (frames: number) => fbank.frameLength + (frames - 1) * fbank.frameShift;
  return {
    sampleRate: settings.sampleRate,
    minSamples: samplesOf(minFrames),
    features(samples) {
      const frames = fbank.numFrames(samples.length);
      const surplus = frames < bucket ? 0 : frames % bucket;
      return fbank.compute(surplus === 0 ? samples : samples.subarray(0, samplesOf(frames - surplus)));
    },
  };
}
