import { invalid } from "../errors.js";
import type { Matrix, Signal } from "../types.js";
import { type BandFilter, bandEnergies, frameCount } from "./band-energies.js";

/** The settings of a Kaldi filter bank: one record that says all there is to say about the front end. */
export interface FbankOptions {
  /** Samples per second. */
  sampleRate?: number;
  /** Number of mel filters: the columns of the result. */
  numMelBins?: number;
  frameLengthMs?: number;
  frameShiftMs?: number;
  window?: "povey" | "hamming" | "hanning" | "blackman" | "rectangular";
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

/** The front end of 3D-Speaker's models: `FBank(80, 16000, mean_nor=True)`. */
export const fbankDefaults: Required<FbankOptions> = {
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
  readonly options: Required<FbankOptions>;
  /** Samples of one frame. */
  readonly frameLength: number;
  /** Samples between the starts of two frames. */
  readonly frameShift: number;
  /** Frames of a signal of that many samples (Kaldi's snip_edges: no frame reaches over the end). */
  numFrames(samples: number): number;
  /** Log-mel filter bank of Float32Array (n): Matrix (frames, numMelBins), natural log. */
  compute(samples: Float32Array): Matrix;
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
  const settings = { ...fbankDefaults, ...options };
  const frameLength = Math.floor(settings.sampleRate * settings.frameLengthMs * 0.001);
  const frameShift = Math.floor(settings.sampleRate * settings.frameShiftMs * 0.001);
  check(settings, frameLength, frameShift);
  const fftSize = 2 ** Math.ceil(Math.log2(frameLength));
  const energies = bandEnergies({
    shift: frameShift,
    window: windowWeights(settings.window, frameLength).map((weight) => weight * settings.scale),
    preemphasis: settings.preemphasis,
    removeDcOffset: settings.removeDcOffset,
    fftSize,
    filters: melFilters(settings, fftSize),
    log: { floor: energyFloor, offset: 0 },
    centre: settings.meanNormalization,
  });
  return {
    options: settings,
    frameLength,
    frameShift,
    numFrames: (samples) => frameCount(samples, frameLength, frameShift),
    compute(samples) {
      if (samples.length < frameLength)
        throw invalid(
          `The signal has ${samples.length} samples; the filter bank needs at least ${frameLength}, one frame.`,
          { got: samples.length },
        );
      return energies(samples);
    },
  };
}

/** Longer frames are a mistake in the settings, and would need tables of many megabytes. */
const maxFrameLength = 1 << 16;

function check(settings: Required<FbankOptions>, frameLength: number, frameShift: number): void {
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
  demand("frameShiftMs", frameShiftMs, frameShift >= 1, `at least one sample long at ${sampleRate} Hz`);
  const high = upperEdge(settings);
  if (!(settings.lowFrequency >= 0 && settings.lowFrequency < high && high <= sampleRate / 2))
    throw invalid(
      `The filter bank's lowFrequency and highFrequency span ${settings.lowFrequency} to ${high} Hz; ` +
        `they must span a range within 0 to ${sampleRate / 2} Hz, half the sample rate.`,
    );
}

const upperEdge = ({ highFrequency, sampleRate }: Required<FbankOptions>) =>
  highFrequency > 0 ? highFrequency : sampleRate / 2 + highFrequency;

function windowWeights(kind: Required<FbankOptions>["window"], length: number): Float64Array {
  const step = (2 * Math.PI) / (length - 1);
  const weight: Record<typeof kind, (n: number) => number> = {
    povey: (n) => (0.5 - 0.5 * Math.cos(step * n)) ** 0.85,
    hanning: (n) => 0.5 - 0.5 * Math.cos(step * n),
    hamming: (n) => 0.54 - 0.46 * Math.cos(step * n),
    blackman: (n) => 0.42 - 0.5 * Math.cos(step * n) + 0.08 * Math.cos(2 * step * n),
    rectangular: () => 1,
  };
  if (!Object.hasOwn(weight, kind))
    throw invalid(`There is no window "${kind}". Take one of ${Object.keys(weight).join(", ")}.`, {
      got: kind,
    });
  return Float64Array.from({ length }, (_, n) => weight[kind](n));
}

/** Triangles that are straight on the mel scale and overlap by half; the bin at half the sample rate is in none. */
function melFilters(settings: Required<FbankOptions>, fftSize: number): BandFilter[] {
  const mel = (hertz: number) => 1127 * Math.log(1 + hertz / 700);
  const bins = Array.from({ length: fftSize / 2 }, (_, bin) => mel((bin * settings.sampleRate) / fftSize));
  const low = mel(settings.lowFrequency);
  const step = (mel(upperEdge(settings)) - low) / (settings.numMelBins + 1);
  return Array.from({ length: settings.numMelBins }, (_, m) => {
    const [left, centre, right] = [low + m * step, low + (m + 1) * step, low + (m + 2) * step];
    const first = bins.findIndex((at) => at > left);
    const inside = bins.filter((at) => at > left && at < right);
    return {
      first: Math.max(0, first),
      weights: inside.map((at) =>
        at <= centre ? (at - left) / (centre - left) : (right - at) / (right - centre),
      ),
    };
  });
}
