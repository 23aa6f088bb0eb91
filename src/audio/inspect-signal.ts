import { invalid } from "../errors.js";
import type { Doubt } from "../types.js";

export interface InspectOptions {
  /** The fewest samples that the model needs; 0 by default. Less than 25 ms is a failure in any case. */
  minSamples?: number;
}

/** What is wrong with a signal. */
export interface Inspection {
  /** Why there is nothing to embed. */
  failure?: string;
  /** What makes an embedding of it doubtful. */
  doubts: Pick<Doubt, "warning" | "detail">[];
}

/** Slightly below full scale, because resampling changes a clipped wave a little. */
const fullScale = 0.99;
/** A loud recording has a few samples at full scale, a clipped one hundreds in every second. */
const clippedFraction = 0.001;
/** Float files may exceed full scale by some dB; 20 dB mean that they use another scale. */
const loudPeak = 10;
const quietDb = -50;
/** Frames this far below the loudest one are pauses. */
const pauseDb = -30;
const frameSeconds = 0.025;

/**
 * Checks whether a signal can be speech, because a model gives an embedding of silence and noise too.
 *
 * Failures: no samples, NaN or infinite ones, all of them equal (digital silence), less than 25 ms. Doubts: `short`
 * (under 1 s), `clipped` (more than 0.1 % of the samples within 1 % of full scale or beyond), `loud` (a peak beyond ten
 * times full scale: floats of another scale), `quiet` (speech, that is the frames within 30 dB of the loudest, below
 * -50 dB of full scale).
 *
 * @param samples Float32Array (n), nominal range [-1, 1]
 * @throws `invalid` for a rate that is no positive number
 * @example
 * inspectSignal(new Float32Array(16000), 16000).failure // "digital silence: ..."
 */
export function inspectSignal(
  samples: Float32Array,
  sampleRate: number,
  { minSamples = 0 }: InspectOptions = {},
): Inspection {
  if (!(sampleRate > 0))
    throw invalid(`${sampleRate} is no sample rate. Give the samples per second of the signal.`, {
      got: sampleRate,
    });
  const seconds = samples.length / sampleRate;
  if (samples.length === 0) return failed("no samples");
  const least = Math.max(minSamples, Math.ceil(frameSeconds * sampleRate));
  if (samples.length < least)
    return failed(`too short: ${show(seconds)} s, at least ${show(least / sampleRate)} s are needed`);
  const frame = Math.max(1, Math.round(frameSeconds * sampleRate));
  const powers = new Float64Array(Math.ceil(samples.length / frame));
  let clipped = 0;
  let peak = 0;
  for (let f = 0; f < powers.length; f++) {
    const end = Math.min(samples.length, (f + 1) * frame);
    let power = 0;
    for (let i = f * frame; i < end; i++) {
      const sample = samples[i];
      power += sample * sample;
      const magnitude = Math.abs(sample);
      if (magnitude >= fullScale) clipped++;
      if (magnitude > peak) peak = magnitude;
    }
    // One check for each frame: a single NaN makes the sum NaN.
    if (!Number.isFinite(power)) return failed(badSample(samples, f * frame, sampleRate));
    powers[f] = power / (end - f * frame);
  }
  if (samples.every((sample) => sample === samples[0]))
    return failed(`digital silence: all samples are ${samples[0]}`);
  const doubts: Inspection["doubts"] = [];
  if (seconds < 1) doubts.push({ warning: "short", detail: `${show(seconds)} s` });
  const fraction = clipped / samples.length;
  if (peak > loudPeak) doubts.push({ warning: "loud", detail: `a peak of ${show(peak)} times full scale` });
  else if (fraction > clippedFraction)
    doubts.push({ warning: "clipped", detail: `${show(100 * fraction)} % of the samples at full scale` });
  const level = speechLevel(powers);
  if (level < quietDb)
    doubts.push({ warning: "quiet", detail: `speech at ${level.toFixed(1)} dB of full scale` });
  return { doubts };
}

const failed = (failure: string): Inspection => ({ failure, doubts: [] });

function badSample(samples: Float32Array, from: number, sampleRate: number): string {
  const at = samples.findIndex((sample, i) => i >= from && !Number.isFinite(sample));
  // Finite samples can still be so large that their power is not.
  return at < 0
    ? "samples beyond any scale"
    : `a sample that is no number: ${samples[at]} at ${show(at / sampleRate)} s`;
}

/** Mean power of the frames that are not pauses, in dB of full scale. */
function speechLevel(powers: Float64Array): number {
  const loudest = powers.reduce((a, b) => Math.max(a, b), 0);
  const active = powers.filter((power) => power >= loudest * 10 ** (pauseDb / 10));
  return 10 * Math.log10(active.reduce((a, b) => a + b, 0) / active.length);
}

const show = (number: number): string => String(Number(number.toPrecision(3)));
