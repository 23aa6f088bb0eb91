import type { FbankOptions } from "./fbank.js";

/** TitaNet's configuration of NeMo's `FilterbankFeatures`, in every version. */
const titaNet = {
  window: "hanning",
  removeDcOffset: false,
  preemphasisOver: "signal",
  lowFrequency: 0,
  melScale: "slaney",
  triangles: "hertz",
  unitArea: true,
  logFloor: 0,
  logOffset: 2 ** -24,
  deviationNormalization: true,
} as const satisfies FbankOptions;

/**
 * The front ends of families of speaker models, as settings; what is not named is as in `fbankDefaults`.
 *
 * Sources: see docs/models.md, which shows all as rows of a table.
 */
export const families = {
  /** 3D-Speaker: `FBank(80, 16000, mean_nor=True)`. */
  "3d-speaker": {},
  /** WeSpeaker: `compute_fbank` of bin/infer_onnx.py, less the mean over the utterance. */
  wespeaker: { window: "hamming", scale: 32768 },
  /** SpeechBrain: `Fbank(n_mels=80)`, then `InputNormalization(norm_type="sentence", std_norm=False)`. */
  speechbrain: {
    window: "hamming",
    periodicWindow: true,
    preemphasis: 0,
    removeDcOffset: false,
    edges: "zeros",
    fftSize: 400,
    lowFrequency: 0,
    triangles: "symmetric",
    log: "db",
    logFloor: 1e-10,
    dynamicRange: 80,
  },
  /** NeMo since version 2.5. */
  nemo: { ...titaNet, edges: "zeros", dropLastFrame: true },
  /** NeMo up to version 2.4.1, which the published TitaNet checkpoints were trained with. */
  "nemo-1": { ...titaNet, edges: "reflect" },
  /** Resemblyzer: `wav_to_mel_spectrogram` after the volume step of `preprocess_wav`. */
  ge2e: {
    numMelBins: 40,
    minLevelDb: -30,
    window: "hanning",
    periodicWindow: true,
    preemphasis: 0,
    removeDcOffset: false,
    edges: "zeros",
    fftSize: 400,
    lowFrequency: 0,
    melScale: "slaney",
    triangles: "hertz",
    unitArea: true,
    log: "none",
    meanNormalization: false,
  },
  /** transformers: `Wav2Vec2FeatureExtractor(do_normalize=True)`. */
  waveform: { kind: "waveform", standardize: true },
} as const satisfies Record<string, FbankOptions>;

/** A family of speaker models that share a front end. */
export type Family = keyof typeof families;
