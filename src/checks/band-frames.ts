import { bandEnergies } from "../features/band-energies.js";
import { melFilters } from "../features/mel-filters.js";
import { windowWeights } from "../features/window-weights.js";
import type { Matrix } from "../types.js";

/** Samples per second of what is checked. */
export const checksSampleRate = 16000;
/** Samples between the starts of two frames: 16 ms. */
export const frameShift = 256;
/** Samples of a frame, and points of its Fourier transform: 32 ms. */
export const frameLength = 512;

/** Mel bands over all of the spectrum. */
export const bandCount = 40;
const lowest = 60;
const highest = checksSampleRate / 2;

/** Hertz of the middle of each band, then where the last one ends: Float64Array (41). */
export const bandHertz: Float64Array = Float64Array.from({ length: bandCount + 1 }, (_, m) => {
  const mel = (hertz: number) => Math.log(1 + hertz / 700);
  return 700 * Math.expm1(mel(lowest) + ((m + 1) * (mel(highest) - mel(lowest))) / (bandCount + 1));
});

let computed: ((samples: Float32Array) => Matrix) | undefined;

/** Energies of 40 mel bands up to 8 kHz, every 16 ms: Float32Array (frames, 40). */
export function bandFrames(samples: Float32Array): Matrix {
  computed ??= bandEnergies({
    shift: frameShift,
    window: windowWeights("hanning", frameLength, true),
    preemphasis: 0,
    removeDcOffset: false,
    fftSize: frameLength,
    filters: melFilters({
      sampleRate: checksSampleRate,
      fftSize: frameLength,
      count: bandCount,
      low: lowest,
      high: highest,
      scale: "htk",
      triangles: "hertz",
      unitArea: false,
    }),
  });
  return computed(samples);
}
