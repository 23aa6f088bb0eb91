import { borrow, giveBack } from "../audio/wasm.js";
import { WasmMemory } from "../audio/wasm-memory.js";
import type { Matrix } from "../types.js";

/** The steps from a signal to the energies of its bands, all but for where the first frame begins. */
export interface BandPlan {
  /** Samples between the starts of two frames. */
  shift: number;
  /** The weight of each sample of a frame: Float64Array (frame length). */
  window: Float64Array;
  /** What each sample of a frame loses of the one before it, the first of itself; 0 for none. */
  preemphasis: number;
  removeDcOffset: boolean;
  /** Points of the Fourier transform: even and no less than the frame's length, which zeros fill up. */
  fftSize: number;
  filters: readonly BandFilter[];
  /** Energies become ln(max(energy, floor) + offset), or stay as they are. */
  log?: { floor: number; offset: number };
}

/** A filter's weights on the power of the spectral bins from `first` on; bin k lies at k * sample rate / fftSize. */
export interface BandFilter {
  first: number;
  weights: readonly number[];
}

/** Frames whose samples are copied into the module together: few enough for the cache, however long the signal is. */
const framesAtOnce = 256;

/**
 * Makes the function that computes a signal's band energies: Float32Array (n) to Matrix (frames, filters).
 *
 * Frames lie wholly within the signal; for centred ones, pad it first. Computed in float64 in the audio module, so a
 * frame's numbers are the same bytes on every machine, whatever else the signal holds.
 */
export function bandEnergies(plan: BandPlan): (samples: Float32Array) => Matrix {
  const { shift, window, filters } = plan;
  const numbers = planNumbers(plan);
  const columns = filters.length;
  return (samples) => {
    const rows = frameCount(samples.length, window.length, shift);
    const wasm = borrow();
    const memory = new WasmMemory(wasm);
    const settings = memory.put(numbers);
    const input = memory.take((framesAtOnce - 1) * shift + window.length);
    const output = memory.take(rows * columns);
    for (let first = 0; first < rows; first += framesAtOnce) {
      const frames = Math.min(framesAtOnce, rows - first);
      const part = samples.subarray(first * shift, (first + frames - 1) * shift + window.length);
      memory.at(input).set(part);
      const to = output.address + 4 * first * columns;
      wasm.fbank(settings.address, numbers.length, input.address, part.length, to, frames * columns);
    }
    const data = memory.at(output).slice();
    memory.release();
    giveBack(wasm);
    return { data, rows, columns };
  };
}

/** Whole frames within so many samples. */
export function frameCount(samples: number, length: number, shift: number): number {
  return samples < length ? 0 : 1 + Math.floor((samples - length) / shift);
}

/** The plan as wasm/src/fbank.rs reads it. */
function planNumbers({
  shift,
  window,
  preemphasis,
  removeDcOffset,
  fftSize,
  filters,
  log,
}: BandPlan): Float64Array {
  return Float64Array.from([
    ...[window.length, shift, fftSize, filters.length, preemphasis, Number(removeDcOffset)],
    ...[Number(log !== undefined), log?.floor ?? 0, log?.offset ?? 0],
    ...window,
    ...Array.from({ length: fftSize }, (_, k) => {
      const angle = (-2 * Math.PI * k) / fftSize;
      return [Math.cos(angle), Math.sin(angle)];
    }).flat(),
    ...filters.flatMap(({ first, weights }) => [first, weights.length, ...weights]),
  ]);
}
