/*
 * What some front ends do to a whole signal before it is cut into frames. None changes the caller's samples.
 */

/** Makes a signal louder, to that level of its root mean square in dB of full scale; never quieter. */
export function raised(samples: Float32Array, level: number): Float32Array {
  const { power } = moments(samples);
  const gain = 10 ** (level / 20) / Math.sqrt(power);
  return gain > 1 && Number.isFinite(gain) ? samples.map((sample) => sample * gain) : samples;
}

/** Shifts and scales a signal to mean 0 and variance 1, as transformers' Wav2Vec2FeatureExtractor does. */
export function standardized(samples: Float32Array): Float32Array {
  const { mean, power } = moments(samples);
  const variance = Math.max(0, power - mean * mean);
  const deviation = Math.sqrt(variance + 1e-7);
  return samples.map((sample) => (sample - mean) / deviation);
}

/** Subtracts from each sample a part of the one before it; the first stays. */
export function emphasized(samples: Float32Array, coefficient: number): Float32Array {
  return samples.map((sample, i) => (i === 0 ? sample : sample - coefficient * samples[i - 1]!));
}

/** A longer signal, with zeros behind. */
export function filled(samples: Float32Array, length: number): Float32Array {
  const whole = new Float32Array(length);
  whole.set(samples);
  return whole;
}

/** Puts so many samples before and behind a signal: zeros, or its own mirrored at the first and last sample. */
export function extended(samples: Float32Array, length: number, by: "zeros" | "reflect"): Float32Array {
  const whole = new Float32Array(samples.length + 2 * length);
  whole.set(samples, length);
  if (by === "zeros") return whole;
  const last = length + samples.length - 1;
  for (let i = 1; i <= length; i++) {
    whole[length - i] = whole[length + i]!;
    whole[last + i] = whole[last - i]!;
  }
  return whole;
}

function moments(samples: Float32Array): { mean: number; power: number } {
  let sum = 0;
  let square = 0;
  for (const sample of samples) {
    sum += sample;
    square += sample * sample;
  }
  return { mean: sum / samples.length, power: square / samples.length };
}
