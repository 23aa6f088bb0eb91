import { invalid } from "../errors.js";
import { onnxModel } from "../format/onnx.js";
import { openSession, type SessionOptions } from "../runtime/session.js";
import type { Matrix, Signal } from "../types.js";

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

/** Computes filter banks with fixed settings on a fixed device. */
export interface FbankExtractor {
  readonly options: Required<FbankOptions>;
  /** Samples of one frame, and between the starts of two. */
  readonly frameLength: number;
  readonly frameShift: number;
  /** Frames of a signal of that many samples (Kaldi's snip_edges: no frame reaches over the end). */
  numFrames(samples: number): number;
  /** Log-mel filter bank: Matrix (frames, numMelBins), natural log. */
  compute(samples: Float32Array): Promise<Matrix>;
  close(): Promise<void>;
}

/**
 * Kaldi log-mel filter bank of a signal: Matrix (frames, 80), natural log of mel energies, utterance mean subtracted.
 *
 * Equal to torchaudio.compliance.kaldi.fbank with dither 0, snip_edges and no energy, as far as float32 goes.
 * Throws `invalid` when the signal has another rate than the settings or is shorter than a frame.
 *
 * @example
 * const features = await fbank(await loadAudio("data/speech/test-other/533/533-1066-0000.flac"))
 */
export async function fbank(signal: Signal, options: FbankOptions = {}): Promise<Matrix> {
  const extractor = await openFbank({ sampleRate: signal.sampleRate, ...options });
  try {
    if (signal.sampleRate !== extractor.options.sampleRate)
      throw invalid("fbank", "sample rate", {
        got: signal.sampleRate,
        want: `${extractor.options.sampleRate}`,
      });
    return await extractor.compute(signal.samples);
  } finally {
    await extractor.close();
  }
}

/**
 * Opens the filter bank as a graph on a device.
 *
 * Framing, removal of the DC offset, pre-emphasis, window and Fourier transform are one linear map of a frame's
 * samples, so they are one strided convolution; squaring, the mel filters and the logarithm follow. That runs on the
 * device of the model, and on a CPU at 4.6 ms per 10 s of audio against 10.7 ms for the same in JavaScript.
 *
 * Source: Kaldi feat/feature-fbank.cc, feature-window.cc, mel-computations.cc.
 */
export async function openFbank(
  options: FbankOptions = {},
  session: SessionOptions = {},
): Promise<FbankExtractor> {
  const settings = { ...fbankDefaults, ...options };
  check(settings);
  const frameLength = Math.floor(settings.sampleRate * settings.frameLengthMs * 0.001);
  const frameShift = Math.floor(settings.sampleRate * settings.frameShiftMs * 0.001);
  const graph = await openSession(fbankGraph(settings, frameLength, frameShift), session);
  const numFrames = (samples: number) =>
    samples < frameLength ? 0 : 1 + Math.floor((samples - frameLength) / frameShift);
  return {
    options: settings,
    frameLength,
    frameShift,
    numFrames,
    async compute(samples) {
      const frames = numFrames(samples.length);
      if (frames === 0)
        throw invalid("fbank", "number of samples", {
          got: samples.length,
          want: `at least ${frameLength} (one frame)`,
        });
      const { features } = await graph.run({ samples: { data: samples, shape: [1, 1, samples.length] } });
      return { data: features!.data, rows: frames, columns: settings.numMelBins };
    },
    close: () => graph.close(),
  };
}

function check(settings: Required<FbankOptions>): void {
  const { sampleRate, numMelBins, frameLengthMs, frameShiftMs } = settings;
  for (const [name, value] of Object.entries({ sampleRate, numMelBins, frameLengthMs, frameShiftMs }))
    if (!(Number.isFinite(value) && value > 0))
      throw invalid("fbank", name, { got: value, want: "a positive number" });
  const high = upperEdge(settings);
  if (!(settings.lowFrequency >= 0 && settings.lowFrequency < high && high <= sampleRate / 2))
    throw invalid("fbank", "frequency range", {
      got: `${settings.lowFrequency} to ${high} Hz`,
      want: `a range within 0 to ${sampleRate / 2} Hz`,
    });
}

const upperEdge = ({ highFrequency, sampleRate }: Required<FbankOptions>) =>
  highFrequency > 0 ? highFrequency : sampleRate / 2 + highFrequency;

function fbankGraph(settings: Required<FbankOptions>, frameLength: number, frameShift: number): Uint8Array {
  const fftSize = 2 ** Math.ceil(Math.log2(frameLength));
  const { numMelBins } = settings;
  const filters = melFilters(settings, fftSize);
  // Only the spectral bins that some filter looks at are computed.
  const bins = filters[0]!.map((_, bin) => bin).filter((bin) => filters.some((filter) => filter[bin]! > 0));
  const spectrum = spectrumKernel(settings, frameLength, fftSize, bins);
  const mel = new Float32Array(numMelBins * bins.length * 2);
  filters.forEach((filter, m) => {
    // Real and imaginary part of a bin lie `bins.length` apart and share its weight.
    bins.forEach((bin, b) => {
      mel[m * bins.length * 2 + b] = filter[bin]!;
      mel[m * bins.length * 2 + bins.length + b] = filter[bin]!;
    });
  });
  const scalar = (value: number) => ({ data: Float32Array.of(value), shape: [] });
  const normalize = settings.meanNormalization;
  return onnxModel({
    name: "kaldi-fbank",
    inputs: { samples: ["batch", 1, "samples"] },
    outputs: { features: ["batch", "frames", numMelBins] },
    initializers: {
      spectrum: { data: spectrum, shape: [bins.length * 2, 1, frameLength] },
      mel: { data: mel, shape: [numMelBins, bins.length * 2] },
      floor: scalar(2 ** -23), // float32 epsilon, Kaldi's floor under the logarithm
    },
    nodes: [
      {
        op: "Conv",
        inputs: ["samples", "spectrum"],
        outputs: ["parts"],
        attributes: { strides: [frameShift], kernel_shape: [frameLength] },
      },
      { op: "Mul", inputs: ["parts", "parts"], outputs: ["power"] },
      { op: "MatMul", inputs: ["mel", "power"], outputs: ["energy"] },
      { op: "Max", inputs: ["energy", "floor"], outputs: ["floored"] },
      { op: "Log", inputs: ["floored"], outputs: ["log"] },
      ...(normalize
        ? [
            { op: "ReduceMean", inputs: ["log"], outputs: ["mean"], attributes: { axes: [2], keepdims: 1 } },
            { op: "Sub", inputs: ["log", "mean"], outputs: ["centred"] },
          ]
        : []),
      {
        op: "Transpose",
        inputs: [normalize ? "centred" : "log"],
        outputs: ["features"],
        attributes: { perm: [0, 2, 1] },
      },
    ],
  });
}

/** The linear map from a frame's samples to the real, then the imaginary parts of its spectrum, row after row. */
function spectrumKernel(
  settings: Required<FbankOptions>,
  frameLength: number,
  fftSize: number,
  bins: readonly number[],
): Float32Array {
  const window = windowWeights(settings.window, frameLength);
  const kernel = new Float32Array(bins.length * 2 * frameLength);
  const row = new Float64Array(frameLength);
  bins.forEach((bin, b) => {
    for (const part of [0, 1]) {
      for (let n = 0; n < frameLength; n++) {
        // Reduced before the multiplication: cos of a large angle loses digits.
        const angle = (2 * Math.PI * ((bin * n) % fftSize)) / fftSize;
        row[n] = (part === 0 ? Math.cos(angle) : -Math.sin(angle)) * window[n]!;
      }
      // Transpose of the pre-emphasis y[n] = x[n] - c x[n-1], y[0] = (1 - c) x[0] ...
      for (let n = 0; n < frameLength; n++)
        row[n]! -=
          settings.preemphasis * (n + 1 < frameLength ? row[n + 1]! : 0) +
          (n === 0 ? settings.preemphasis * row[0]! : 0);
      // ... and of the subtraction of the frame's mean.
      const mean = settings.removeDcOffset ? row.reduce((sum, value) => sum + value, 0) / frameLength : 0;
      const start = (part * bins.length + b) * frameLength;
      for (let n = 0; n < frameLength; n++) kernel[start + n] = (row[n]! - mean) * settings.scale;
    }
  });
  return kernel;
}

function windowWeights(kind: Required<FbankOptions>["window"], length: number): Float64Array {
  const step = (2 * Math.PI) / (length - 1);
  const weight: Record<typeof kind, (n: number) => number> = {
    povey: (n) => (0.5 - 0.5 * Math.cos(step * n)) ** 0.85,
    hanning: (n) => 0.5 - 0.5 * Math.cos(step * n),
    hamming: (n) => 0.54 - 0.46 * Math.cos(step * n),
    blackman: (n) => 0.42 - 0.5 * Math.cos(step * n) + 0.08 * Math.cos(2 * step * n),
    rectangular: () => 1,
  };
  if (!(kind in weight))
    throw invalid("fbank", "window", { got: kind, want: Object.keys(weight).join(", ") });
  return Float64Array.from({ length }, (_, n) => weight[kind](n));
}

/** Triangles that are straight on the mel scale, one row a filter, one column a spectral bin below Nyquist. */
function melFilters(settings: Required<FbankOptions>, fftSize: number): number[][] {
  const mel = (hertz: number) => 1127 * Math.log(1 + hertz / 700);
  const low = mel(settings.lowFrequency);
  const step = (mel(upperEdge(settings)) - low) / (settings.numMelBins + 1);
  return Array.from({ length: settings.numMelBins }, (_, m) => {
    const [left, centre, right] = [low + m * step, low + (m + 1) * step, low + (m + 2) * step];
    return Array.from({ length: fftSize / 2 }, (_, bin) => {
      const at = mel((bin * settings.sampleRate) / fftSize);
      if (at <= left || at >= right) return 0;
      return at <= centre ? (at - left) / (centre - left) : (right - at) / (right - centre);
    });
  });
}
