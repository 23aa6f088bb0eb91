import { invalid } from "../errors.js";
import type { Matrix, Signal } from "../types.js";
import { bandEnergies, frameCount } from "./band-energies.js";
import { melFilters } from "./mel-filters.js";
import { normalizeColumns } from "./normalize-columns.js";
import { emphasized, extended, filled, raised, standardized } from "./signal-steps.js";
import { type WindowKind, windowWeights } from "./window-weights.js";

/**
 * The settings of a front end: one record that says all there is to say about it. With the first of them alone it is a
 * filter bank of Kaldi's; the others are what other families do differently, and are left out of a record where they do not.
 */
export interface FbankOptions extends FamilySettings {
  /** Samples per second. */
  sampleRate?: number;
  /** Number of mel filters: the columns of the result. */
  numMelBins?: number;
  frameLengthMs?: number;
  frameShiftMs?: number;
  window?: WindowKind;
  preemphasis?: number;
  /** Hertz. */
  lowFrequency?: number;
  /** Hertz; 0 or below counts down from half the sample rate, as in Kaldi. */
  highFrequency?: number;
  removeDcOffset?: boolean;
  /** What full scale stands for: 1 (3D-Speaker, torchaudio on float audio) or 32768 (Kaldi, WeSpeaker). */
  scale?: number;
  /** Subtract the mean over the utterance's frames from each column. */
  meanNormalization?: boolean;
}

/** Steps that Kaldi's filter bank does not have, or has in one way only. */
export interface FamilySettings {
  /** `waveform`: the features are the samples themselves, one a row, and only the steps before the frames are done. */
  kind?: "fbank" | "waveform";
  /** Make quiet signals louder, to this level in dB of full scale: -30 in Resemblyzer. */
  minLevelDb?: number;
  /** Shift and scale the signal to mean 0 and variance 1. */
  standardize?: boolean;
  /** What pre-emphasis runs over: each frame by itself, or the whole `signal` (NeMo). */
  preemphasisOver?: "frame" | "signal";
  /**
   * Where frames lie: wholly within the signal (`snip`, Kaldi's snip_edges), or centred on every shift from the first
   * sample on, with `zeros` or the signal mirrored (`reflect`) beyond its ends (torch.stft, librosa).
   */
  edges?: "snip" | "zeros" | "reflect";
  /** Points of the Fourier transform; the next power of two by default. */
  fftSize?: number;
  /** A periodic window, where Kaldi's are symmetric. */
  periodicWindow?: boolean;
  melScale?: "htk" | "slaney";
  /** What the sides of the filters are straight in; `symmetric` is SpeechBrain's. */
  triangles?: "mel" | "hertz" | "symmetric";
  /** Filters of equal area instead of equal peak (librosa's norm="slaney"). */
  unitArea?: boolean;
  /** Natural logarithm, decibel, or the energies as they are. */
  log?: "ln" | "db" | "none";
  /** Energies below are raised to it before the logarithm: 2^-23 by default. */
  logFloor?: number;
  /** Added to energies before the logarithm. */
  logOffset?: number;
  /** Values further below the utterance's highest one are raised; in the unit of the features. */
  dynamicRange?: number;
  /** Leave out the last frame, as NeMo does since version 2.5. */
  dropLastFrame?: boolean;
  /** Divide each column by its deviation too. */
  deviationNormalization?: boolean;
}

/** A front end's settings with Kaldi's own all there: what an extraction remembers of it. */
export type FrontEndRecord = Required<Omit<FbankOptions, keyof FamilySettings>> & FamilySettings;

/** The front end of 3D-Speaker's models: `FBank(80, 16000, mean_nor=True)`. */
export const fbankDefaults: FrontEndRecord = {
  sampleRate: 16000,
  numMelBins: 80,
  frameLengthMs: 25,
  frameShiftMs: 10,
  window: "povey",
  preemphasis: 0.97,
  lowFrequency: 20,
  highFrequency: 0,
  removeDcOffset: true,
  scale: 1,
  meanNormalization: true,
};

/** Computes filter banks with fixed settings. */
export interface FbankExtractor {
  readonly options: FrontEndRecord;
  /** Samples of one frame. */
  readonly frameLength: number;
  /** Samples between the starts of two frames. */
  readonly frameShift: number;
  /** Frames of a signal of that many samples. */
  numFrames(samples: number): number;
  /** The fewest samples that have that many frames. */
  samplesOf(frames: number): number;
  /**
   * Features of Float32Array (n): Matrix (frames, numMelBins); for a waveform Matrix (n, 1).
   *
   * @param length zeros fill the signal up to so many samples, once it has its level
   */
  compute(samples: Float32Array, options?: { length?: number }): Matrix;
}

/** Float32 epsilon, Kaldi's floor under the logarithm. */
const energyFloor = 2 ** -23;

/**
 * Kaldi log-mel filter bank of a signal: Matrix (frames, 80), natural log of mel energies, utterance mean subtracted.
 *
 * Equal to torchaudio.compliance.kaldi.fbank with dither 0, snip_edges and no energy, as far as float32 goes.
 *
 * @throws `invalid` when the signal has another rate than the settings or is shorter than a frame, or when the settings
 * contradict each other
 *
 * @example
 * const features = await fbank(await loadAudio("data/speech/test-other/533/533-1066-0000.flac"))
 */
export async function fbank(signal: Signal, options: FbankOptions = {}): Promise<Matrix> {
  const extractor = openFbank({ sampleRate: signal.sampleRate, ...options });
  if (signal.sampleRate !== extractor.options.sampleRate)
    throw invalid(
      `The signal has ${signal.sampleRate} samples a second, the filter bank takes ${extractor.options.sampleRate}. ` +
        "Load the audio with that sampleRate.",
      { got: signal.sampleRate },
    );
  return extractor.compute(signal.samples);
}

/**
 * Prepares a filter bank: its tables are made once, for any number of signals.
 *
 * Computed on the CPU in float64, whatever device the model runs on: the result is the same everywhere.
 *
 * Source: Kaldi feat/feature-fbank.cc, feature-window.cc, mel-computations.cc (commit f400766).
 *
 * @throws `invalid` naming the setting that cannot be
 *
 * @example
 * const kaldi = openFbank({ window: "hamming", scale: 32768 })
 * kaldi.compute(new Float32Array(16000)).rows // 98
 */
export function openFbank(options: FbankOptions = {}): FbankExtractor {
  const settings: FrontEndRecord = { ...fbankDefaults, ...options };
  const isWaveform = settings.kind === "waveform";
  const { edges = "snip", preemphasisOver = "frame", dropLastFrame = false } = settings;
  const frameLength = isWaveform ? 1 : Math.floor(settings.sampleRate * settings.frameLengthMs * 0.001);
  const frameShift = isWaveform ? 1 : Math.floor(settings.sampleRate * settings.frameShiftMs * 0.001);
  if (!isWaveform) check(settings, frameLength, frameShift);
  const beyond = edges === "snip" || isWaveform ? 0 : Math.floor(frameLength / 2);
  const dropped = dropLastFrame && !isWaveform ? 1 : 0;
  const samplesOf = (frames: number) =>
    Math.max(
      frameLength + (frames - 1 + dropped) * frameShift - 2 * beyond,
      edges === "reflect" ? beyond + 1 : 1,
    );
  // One frame has no deviation.
  const least = samplesOf(settings.deviationNormalization ? 2 : 1);
  const features = isWaveform ? waveform : spectral(settings, frameLength, frameShift);

  const prepared = (samples: Float32Array, length: number): Float32Array => {
    let signal = samples;
    if (settings.minLevelDb !== undefined) signal = raised(signal, settings.minLevelDb);
    if (signal.length < length) signal = filled(signal, length);
    if (settings.standardize) signal = standardized(signal);
    if (preemphasisOver === "signal") signal = emphasized(signal, settings.preemphasis);
    return beyond === 0 || edges === "snip" ? signal : extended(signal, beyond, edges);
  };
  return {
    options: settings,
    frameLength,
    frameShift,
    numFrames: (samples) => frameCount(samples + 2 * beyond, frameLength, frameShift) - dropped,
    samplesOf: (frames) => Math.max(least, samplesOf(frames)),
    compute(samples, { length = samples.length } = {}) {
      if (Math.max(samples.length, length) < least)
        throw invalid(
          `The signal has ${samples.length} samples; the filter bank needs at least ${least}${edges === "snip" ? ", one frame" : ""}.`,
          { got: samples.length },
        );
      return features(prepared(samples, length));
    },
  };
}

const waveform = (samples: Float32Array): Matrix => ({
  data: samples.slice(),
  rows: samples.length,
  columns: 1,
});

/** The decibels of a natural logarithm of power. */
const decibels = 10 / Math.LN10;

/** The steps from a signal, which reaches over its own ends where it has to, to normalised features. */
function spectral(
  settings: FrontEndRecord,
  frameLength: number,
  frameShift: number,
): (samples: Float32Array) => Matrix {
  const {
    fftSize = 2 ** Math.ceil(Math.log2(frameLength)),
    log = "ln",
    dynamicRange,
    dropLastFrame = false,
    meanNormalization,
    deviationNormalization = false,
  } = settings;
  const filters = melFilters({
    sampleRate: settings.sampleRate,
    fftSize,
    count: settings.numMelBins,
    low: settings.lowFrequency,
    high: upperEdge(settings),
    scale: settings.melScale ?? "htk",
    triangles: settings.triangles ?? "mel",
    unitArea: settings.unitArea ?? false,
  });
  const empty = filters.findIndex(({ weights }) => weights.length === 0);
  if (empty >= 0)
    throw invalid(
      `Filter ${empty + 1} of the ${filters.length} of the filter bank is so narrow that it lies between two frequencies of a Fourier transform of ${fftSize} points, and would always be empty. Give fewer filters (numMelBins), or longer frames.`,
      { got: settings.numMelBins },
    );
  const energies = bandEnergies({
    shift: frameShift,
    window: windowWeights(settings.window, frameLength, settings.periodicWindow ?? false).map(
      (weight) => weight * settings.scale,
    ),
    preemphasis: settings.preemphasisOver === "signal" ? 0 : settings.preemphasis,
    removeDcOffset: settings.removeDcOffset,
    fftSize,
    filters,
    ...(log === "none"
      ? {}
      : { log: { floor: settings.logFloor ?? energyFloor, offset: settings.logOffset ?? 0 } }),
  });
  return (samples) => {
    let matrix = energies(samples);
    if (log === "db" || dynamicRange !== undefined)
      scale(matrix.data, log === "db" ? decibels : 1, dynamicRange);
    if (dropLastFrame)
      matrix = {
        data: matrix.data.slice(0, -matrix.columns),
        rows: matrix.rows - 1,
        columns: matrix.columns,
      };
    if (meanNormalization) normalizeColumns(matrix, deviationNormalization);
    return matrix;
  };
}

/** Multiplies values, and raises those that are further below the highest than the range; in place. */
function scale(values: Float32Array, factor: number, range = Number.POSITIVE_INFINITY): void {
  let highest = Number.NEGATIVE_INFINITY;
  values.forEach((value, i) => {
    values[i] = value * factor;
    highest = Math.max(highest, values[i]!);
  });
  const floor = highest - range;
  values.forEach((value, i) => {
    if (value < floor) values[i] = floor;
  });
}

/** Longer frames are a mistake in the settings, and would need tables of many megabytes. */
const maxFrameLength = 1 << 16;

function check(settings: FrontEndRecord, frameLength: number, frameShift: number): void {
  const { sampleRate, numMelBins, frameLengthMs, frameShiftMs, preemphasis, scale } = settings;
  const demand = (name: string, got: number, valid: boolean, want: string) => {
    if (!valid) throw invalid(`The filter bank's ${name} is ${got}; it must be ${want}.`, { got });
  };
  const positive = (value: number) => Number.isFinite(value) && value > 0;
  demand("sampleRate", sampleRate, positive(sampleRate), "a positive number of hertz");
  demand("scale", scale, positive(scale), "a positive number");
  demand("preemphasis", preemphasis, preemphasis >= 0 && preemphasis <= 1, "between 0 and 1");
  demand(
    "numMelBins",
    numMelBins,
    positive(numMelBins) && Number.isInteger(numMelBins),
    "a positive whole number",
  );
  demand(
    "frameLengthMs",
    frameLengthMs,
    frameLength >= 2 && frameLength <= maxFrameLength,
    `2 to ${maxFrameLength} samples long at ${sampleRate} Hz`,
  );
  const { fftSize = frameLength + (frameLength % 2) } = settings;
  demand(
    "fftSize",
    fftSize,
    Number.isInteger(fftSize / 2) && fftSize >= frameLength && fftSize <= 2 * maxFrameLength,
    `an even number of points from ${frameLength}, the length of a frame`,
  );
  demand("frameShiftMs", frameShiftMs, frameShift >= 1, `at least one sample long at ${sampleRate} Hz`);
  const high = upperEdge(settings);
  if (!(settings.lowFrequency >= 0 && settings.lowFrequency < high && high <= sampleRate / 2))
    throw invalid(
      `The filter bank's lowFrequency and highFrequency span ${settings.lowFrequency} to ${high} Hz; ` +
        `they must span a range within 0 to ${sampleRate / 2} Hz, half the sample rate.`,
    );
}

const upperEdge = ({ highFrequency, sampleRate }: FrontEndRecord) =>
  highFrequency > 0 ? highFrequency : sampleRate / 2 + highFrequency;
