import { createHash } from "node:crypto";
import { concatenated } from "../audio/resample.js";
import { bytesOf } from "../format/nd-array.js";
import { speechProbabilities, vadSampleRate, vadWindow } from "../vad/speech-probabilities.js";
import { bandCount, bandFrames, bandHertz, frameShift } from "./band-frames.js";
import { sketchFrames, sketchOfFrames } from "./sketch.js";

/** What is measured of the audio of an utterance, so that nobody need decode it again to look for copies and for what is no speech. */
export interface SignalChecks {
  /** Of the decoded samples at 16 kHz: the first half of their SHA-256, hexadecimal. Equal for equal audio in another container. */
  hash: string;
  seconds: number;
  /** Seconds in which Silero VAD hears speech (a probability of 0.5 or more). */
  speech: number;
  /** In 0 to 1: the mean probability of the 0.4 s that sound most like speech. */
  speechPeak: number;
  /** Of the speech, or of all where there is none, in dB of full scale. */
  level: number;
  /** In 0 to 1: the part of the samples at full scale. */
  clipped: number;
  /** Hertz up to which there is anything but silence. */
  bandwidth: number;
  /** Speech to noise, in dB, at most 60; null where there is no speech, or no pause to hear the noise in. */
  snr: number | null;
  /** Uint8Array (steps, 12): see `sketchOfFrames`. */
  sketch: Uint8Array;
}

/** Measures a signal that comes in pieces. */
export interface SignalChecker {
  /** Takes the next samples, at 16 kHz: Float32Array (n), nominal range [-1, 1]. */
  add(samples: Float32Array): Promise<void>;
  end(): Promise<SignalChecks>;
}

/** As for `inspectSignal`. */
const fullScale = 0.99;
/** The detector is given speech at this RMS: what is quiet, it takes for silence. */
const detectorLevel = 0.05;
/** Frames this far below the loudest one are pauses. */
const pausePower = 1e-3;
/** Windows of 32 ms whose probabilities are averaged for the peak. */
const peakWindows = 13;
/** Of windows with less, more than two away from speech, the noise is measured. */
const noiseProbability = 0.2;
const leastNoiseWindows = 5;
const speechProbability = 0.5;
/** Bands further below the strongest one are silent. */
const silentBand = 10 ** -6;

/** Begins to measure a signal. */
export function openSignalChecker(): SignalChecker {
  const hash = createHash("sha256");
  const detector = speechProbabilities();
  const probabilities: Float32Array[] = [];
  const powers: Float64Array[] = [];
  const frames: Float32Array[] = [];
  const bands = new Float64Array(bandCount);
  let gain: number | undefined;
  let [length, clipped, framesHeld] = [0, 0, 0];
  // Windows and frames go on over the seams of pieces.
  let [windowRest, frameRest] = [new Float32Array(0), new Float32Array(0)];
  return {
    async add(samples) {
      hash.update(bytesOf(samples));
      length += samples.length;
      const ofWindows = after(windowRest, samples);
      const own = windowPowers(ofWindows);
      clipped += countAtFullScale(ofWindows, own);
      windowRest = ofWindows.slice(own.length * vadWindow);
      powers.push(own);
      gain ??= detectorLevel / Math.sqrt(activePower(own) || detectorLevel ** 2);
      probabilities.push(await detector.push(samples, gain));
      const ofFrames = after(frameRest, samples);
      const { data, rows } = bandFrames(ofFrames);
      frameRest = ofFrames.slice(rows * frameShift);
      addRows(bands, data, rows);
      if (framesHeld < sketchFrames) frames.push(data);
      framesHeld += rows;
    },
    async end() {
      probabilities.push(await detector.end());
      clipped += countWithin(windowRest, 0, windowRest.length);
      const speech = concatenated(probabilities);
      const power = Float64Array.from(powers.flatMap((part) => [...part]));
      return {
        hash: hash.digest("hex").slice(0, 32),
        seconds: length / vadSampleRate,
        speech: (countOf(speech, (p) => p >= speechProbability) * vadWindow) / vadSampleRate,
        speechPeak: rounded(peakOf(speech), 4),
        ...levelsOf(power, speech),
        clipped: rounded(clipped / length, 5),
        bandwidth: bandwidthOf(bands),
        sketch: sketchOfFrames({ data: concatenated(frames), rows: framesHeld, columns: bandCount }),
      };
    },
  };
}

/** The samples behind those left over; most signals come in one piece, which need not be copied. */
const after = (rest: Float32Array, samples: Float32Array): Float32Array =>
  rest.length === 0 ? samples : concatenated([rest, samples]);

/** Samples at full scale in whole windows; only those are counted whose power leaves room for one. */
function countAtFullScale(samples: Float32Array, powers: Float64Array): number {
  let count = 0;
  powers.forEach((power, w) => {
    if (power * vadWindow >= fullScale ** 2)
      count += countWithin(samples, w * vadWindow, (w + 1) * vadWindow);
  });
  return count;
}

function countWithin(samples: Float32Array, from: number, to: number): number {
  let count = 0;
  for (let i = from; i < to; i++) if (samples[i] >= fullScale || samples[i] <= -fullScale) count++;
  return count;
}

function addRows(sums: Float64Array, data: Float32Array, rows: number): void {
  for (let row = 0; row < rows; row++)
    for (let m = 0; m < bandCount; m++) sums[m] += data[row * bandCount + m];
}

/** Mean power of every whole window. */
function windowPowers(samples: Float32Array): Float64Array {
  const powers = new Float64Array(Math.floor(samples.length / vadWindow));
  for (let w = 0; w < powers.length; w++) {
    // Four sums at a time: the additions then need not wait for each other.
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let i = w * vadWindow; i < (w + 1) * vadWindow; i += 4) {
      a += samples[i] * samples[i];
      b += samples[i + 1] * samples[i + 1];
      c += samples[i + 2] * samples[i + 2];
      d += samples[i + 3] * samples[i + 3];
    }
    powers[w] = (a + b + c + d) / vadWindow;
  }
  return powers;
}

/** Mean power without the pauses. */
function activePower(powers: Float64Array): number {
  const loudest = powers.reduce((a, b) => Math.max(a, b), 0);
  return meanOf(powers.filter((power) => power >= loudest * pausePower));
}

function levelsOf(powers: Float64Array, speech: Float32Array): Pick<SignalChecks, "level" | "snr"> {
  const loud = powers.filter((_, w) => speech[w] >= speechProbability);
  const quiet = powers.filter((_, w) => isPause(speech, w));
  const signal = meanOf(loud.length > 0 ? loud : powers);
  const level = rounded(Math.max(-120, 10 * Math.log10(signal)), 1);
  if (loud.length === 0 || quiet.length < leastNoiseWindows) return { level, snr: null };
  const noise = meanOf(quiet);
  const ratio = 10 * Math.log10(Math.max(signal - noise, 1e-12) / Math.max(noise, 1e-12));
  return { level, snr: rounded(Math.max(-20, Math.min(60, ratio)), 1) };
}

const isPause = (speech: Float32Array, w: number): boolean => {
  for (let i = Math.max(0, w - 2); i <= Math.min(speech.length - 1, w + 2); i++)
    if (speech[i] >= noiseProbability) return false;
  return true;
};

function peakOf(speech: Float32Array): number {
  const windows = Math.min(peakWindows, speech.length);
  let [sum, most] = [0, 0];
  speech.forEach((probability, w) => {
    sum += probability - (w >= windows ? speech[w - windows] : 0);
    if (w >= windows - 1) most = Math.max(most, sum / windows);
  });
  return Math.min(1, most);
}

function bandwidthOf(bands: Float64Array): number {
  const density = bands.map((energy, m) => energy / (bandHertz[m + 1] - bandHertz[m]));
  const most = density.reduce((a, b) => Math.max(a, b), 0);
  const highest = density.findLastIndex((energy) => energy > most * silentBand);
  return Math.round(bandHertz[highest + 1]);
}

const meanOf = (values: Float64Array): number =>
  values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length;

const countOf = (values: Float32Array, isCounted: (value: number) => boolean): number =>
  values.reduce((count, value) => count + Number(isCounted(value)), 0);

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));
