import type { Matrix } from "../types.js";
import { bandCount, checksSampleRate, frameShift } from "./band-frames.js";

/** Bands of a sketch. */
export const sketchBands = 12;
/** Seconds between two rows of a sketch. */
export const sketchStep = 0.048;
/** No more than the first 30 s are sketched: 250 bytes a second. */
export const sketchFrames: number = Math.floor((30 * checksSampleRate) / frameShift);

const framesAStep = Math.round((sketchStep * checksSampleRate) / frameShift);
/** Pairs of the mel bands around 320 to 3,300 Hz, which every telephone and codec passes on. */
const [firstBand, endBand] = [4, 28];
/** A triangle over two steps, so that half a step of misalignment costs little. */
const weights = Float64Array.from(
  { length: 2 * framesAStep },
  (_, f) => framesAStep + 0.5 - Math.abs(f - framesAStep + 0.5),
);
/** What lies further below the loud parts of a band is noise as a rule, and does not count. */
const floor = 10 ** -2.5;
/** Values are kept in steps of a quarter of a decibel. */
const stepsADecibel = 4;

/**
 * What a signal looks like from far away, small enough to be kept: Uint8Array (steps, 12), the energies of twelve bands every
 * 48 ms in quarters of a decibel, each relative to the loud parts of its band. Level and timbre of a channel are not in it.
 *
 * @param frames of `bandFrames`; those behind the first 30 s are not looked at
 */
export function sketchOfFrames(frames: Matrix): Uint8Array {
  const steps = Math.max(0, Math.floor(Math.min(frames.rows, sketchFrames) / framesAStep) - 1);
  if (steps === 0) return new Uint8Array(0);
  const pairs = pairEnergies(frames, (steps + 1) * framesAStep);
  const energies = new Float64Array(steps * sketchBands);
  for (let step = 0; step < steps; step++)
    for (let f = 0; f < weights.length; f++) {
      const from = (step * framesAStep + f) * sketchBands;
      for (let band = 0; band < sketchBands; band++)
        energies[step * sketchBands + band] += weights[f] * pairs[from + band];
    }
  const sketch = new Uint8Array(energies.length);
  const own = new Float64Array(steps);
  for (let band = 0; band < sketchBands; band++) {
    for (let step = 0; step < steps; step++) own[step] = energies[step * sketchBands + band];
    const loud = own.toSorted()[Math.floor(0.9 * (steps - 1))] || 1;
    for (let step = 0; step < steps; step++) {
      const decibel = 10 * Math.log10(own[step] / loud / floor + 1);
      sketch[step * sketchBands + band] = Math.min(255, Math.round(stepsADecibel * decibel));
    }
  }
  return sketch;
}

/** The sums of neighbouring bands in the first frames: Float64Array (rows, 12). */
function pairEnergies({ data }: Matrix, rows: number): Float64Array {
  const pairs = new Float64Array(rows * sketchBands);
  for (let row = 0, to = 0; row < rows; row++)
    for (let m = firstBand; m < endBand; m += 2, to++)
      pairs[to] = data[row * bandCount + m] + data[row * bandCount + m + 1];
  return pairs;
}
