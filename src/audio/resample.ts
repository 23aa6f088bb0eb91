import { invalid } from "../errors.js";
import { borrow, giveBack } from "./wasm.js";
import { WasmMemory } from "./wasm-memory.js";

/** Edges of the pass band and of the stop band, relative to the lower of the two Nyquist frequencies. */
const passEdge = 0.91;
const stopEdge = 1;
/** dB below full scale in the stop band. */
const attenuation = 100;

/** With more weights than this, filters are interpolated between `sharedFilters` of them, which is exact to -106 dB. */
const maxWeights = 1 << 20;
const sharedFilters = 512;
/** For large ratios fewer are made: the filters are long, and neighbouring ones differ less. */
const maxSharedWeights = 1 << 22;

/** Hz. Beyond, the terms of a ratio do not fit the module's 32 bits. */
const maxRate = 768_000;
/** From the highest rate to 1 kHz; filters grow with the ratio. */
const maxRatio = 768;

/** Input samples at a time: memory in the module stays small however long the signal is. */
const pieceLength = 1 << 16;

/** Sets of filters, by the reduced ratio; a corpus has few rates. */
const kept = new Map<string, Bank>();
const maxKept = 8;

interface Bank {
  /** Float32Array (filters, taps). */
  filters: Float32Array;
  taps: number;
}

/**
 * Changes the sample rate, band-limited: what the lower of the two rates cannot hold is taken away first.
 *
 * Windowed-sinc filters (Kaiser, 100 dB) of linear phase, one for every position of an output sample between two input
 * samples. Flat to 91 % of the lower Nyquist frequency, -6 dB at 95.5 %, below -90 dB from 100 % on. Sample k
 * of the output lies at the time k / to; the signal is taken as silent before its start and after its end.
 *
 * Source: J. O. Smith, Digital Audio Resampling (2002); the band edges are those of soxr's HQ.
 *
 * @param samples Float32Array (n)
 * @param from samples per second of `samples`
 * @param to samples per second of the result
 * @returns Float32Array (n * to / from, rounded up); the very array when the rates are equal
 * @throws `invalid` for rates that are not from 1 Hz to 768 kHz, or more than 768 times apart
 * @example
 * const telephone = resample(samples, 16000, 8000)
 */
export function resample(samples: Float32Array, from: number, to: number): Float32Array {
  const stream = resampler(from, to);
  if (from === to) return samples;
  const pieces: Float32Array[] = [];
  for (let start = 0; start < samples.length; start += pieceLength)
    pieces.push(stream.push(samples.subarray(start, start + pieceLength)));
  pieces.push(stream.end());
  return concatenated(pieces);
}

/** Resamples a signal in pieces, to the same samples as at once. */
export interface Resampler {
  /** Takes the next piece, and returns the output that is complete. */
  push(samples: Float32Array): Float32Array;
  /** The rest. */
  end(): Float32Array;
}

/** `resample` for a signal that comes in pieces. */
export function resampler(from: number, to: number): Resampler {
  for (const rate of [from, to])
    if (!(rate >= 1 && rate <= maxRate))
      throw invalid(`${rate} is no sample rate that can be resampled: those are 1 to ${maxRate} Hz.`, {
        got: rate,
      });
  if (Math.max(from, to) / Math.min(from, to) > maxRatio)
    throw invalid(
      `${from} Hz cannot be resampled to ${to} Hz: the two may differ by a factor of ${maxRatio} at most.`,
      { got: to },
    );
  if (from === to) return { push: (samples) => samples.slice(), end: () => new Float32Array() };
  const [phases, step] = ratio(to, from);
  const bank = bankFor(phases, step);
  const reach = bank.taps / 2;
  let taken = 0;
  let given = 0;
  // The input from the first sample that the next output needs on; silence comes before the signal.
  let pending = new Float32Array(reach - 1);
  let pendingStart = 1 - reach;
  const upTo = (count: number): Float32Array => {
    if (count <= given) return new Float32Array();
    const position = given * step;
    const first = Math.floor(position / phases) - (reach - 1);
    const output = run(
      bank,
      phases,
      step,
      position % phases,
      pending.subarray(first - pendingStart),
      count - given,
    );
    given = count;
    const next = Math.floor((given * step) / phases) - (reach - 1);
    pending = pending.slice(next - pendingStart);
    pendingStart = next;
    return output;
  };
  const append = (samples: Float32Array) => {
    pending = concatenated([pending, samples]);
  };
  return {
    push(samples) {
      append(samples);
      taken += samples.length;
      return upTo(Math.ceil(((taken - reach) * phases) / step));
    },
    end() {
      append(new Float32Array(reach + 1));
      return upTo(Math.ceil((taken * phases) / step));
    },
  };
}

function run(
  { filters, taps }: Bank,
  phases: number,
  step: number,
  phase: number,
  samples: Float32Array,
  count: number,
): Float32Array {
  const wasm = borrow();
  const memory = new WasmMemory(wasm);
  const bank = memory.take(filters.length);
  const input = memory.take(samples.length);
  const output = memory.take(count);
  memory.at(bank).set(filters);
  memory.at(input).set(samples);
  wasm.resample(
    input.address,
    input.length,
    bank.address,
    bank.length,
    taps,
    phases,
    step,
    phase,
    output.address,
    output.length,
  );
  const result = memory.at(output).slice();
  memory.release();
  giveBack(wasm);
  return result;
}

/** One array of several. */
export function concatenated(pieces: Float32Array[]): Float32Array<ArrayBuffer> {
  const whole = new Float32Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Two whole numbers in lowest terms; rates that are not whole count in thousandths. */
function ratio(to: number, from: number): [number, number] {
  const unit = Number.isInteger(to) && Number.isInteger(from) ? 1 : 1000;
  const [a, b] = [Math.round(to * unit), Math.round(from * unit)];
  const divisor = greatestDivisor(a, b);
  return [a / divisor, b / divisor];
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}

function bankFor(phases: number, step: number): Bank {
  const key = `${phases}/${step}`;
  const bank = kept.get(key) ?? makeBank(phases, step);
  // The last one used stays longest.
  kept.delete(key);
  kept.set(key, bank);
  if (kept.size > maxKept) kept.delete(kept.keys().next().value as string);
  return bank;
}

function makeBank(phases: number, step: number): Bank {
  // In cycles per input sample, where the input's own Nyquist frequency is 0.5.
  const nyquist = 0.5 * Math.min(1, phases / step);
  const cutoff = ((passEdge + stopEdge) / 2) * nyquist;
  const transition = (stopEdge - passEdge) * nyquist;
  // Kaiser's formulas for the number of taps and the window's shape.
  const needed = (attenuation - 7.95) / (2.285 * 2 * Math.PI * transition) + 2;
  const taps = 16 * Math.ceil(needed / 16);
  const beta = 0.1102 * (attenuation - 8.7);
  const own = phases * taps <= maxWeights;
  const shared = Math.min(sharedFilters, Math.floor(maxSharedWeights / taps));
  const count = own ? phases : shared + 1;
  const filters = new Float32Array(count * taps);
  const weights = new Float64Array(taps);
  for (let index = 0; index < count; index++) {
    const fraction = index / (own ? phases : shared);
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) {
      const distance = fraction + taps / 2 - 1 - tap;
      const edge = 1 - ((2 * distance) / taps) ** 2;
      weights[tap] = edge < 0 ? 0 : sinc(2 * cutoff * distance) * bessel(beta * Math.sqrt(edge));
      sum += weights[tap];
    }
    // Every filter passes a constant unchanged.
    for (let tap = 0; tap < taps; tap++) filters[index * taps + tap] = weights[tap] / sum;
  }
  return { filters, taps };
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/** The modified Bessel function I0, by its power series. */
function bessel(x: number): number {
  let [sum, term] = [1, 1];
  for (let k = 1; term > sum * 1e-12; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}
