import type { FrontEndRecord } from "../features/fbank.js";

/** What must be known of a model besides its graph. */
export interface ModelConfig {
  name: string;
  sampleRate: number;
  /** Length of an embedding. */
  dimension: number;
  /** What becomes of samples. */
  frontend: FrontEndRecord;
  /** Name of the graph's input for features; "" for its only one. */
  input: string;
  /**
   * How the axes of the input lie: batch, frames, features (`BTF`); batch, features, frames (`BFT`); or the samples themselves
   * (`waveform`: batch, samples).
   */
  layout: Layout;
  /** What else the graph asks for, by the name of the input. */
  extraInputs: Readonly<Record<string, ExtraInput>>;
  /** Name of the graph's output (batch, dimension); "" for its only one. */
  output: string;
  /** Frames below which the model gives nonsense. */
  minFrames: number;
  /** Longer signals are embedded in pieces, or refused; undefined where the model takes any length. */
  maxSeconds: number | undefined;
  /** Zeros fill features up to a multiple of so many frames; only right where an extra input tells how many count. */
  frameMultiple: number;
  /** The model takes so many frames and no others: what it gives for overlapping parts is averaged. */
  partials: Partials | undefined;
  /** A short file, and the embedding that the original model gives for it. */
  golden: Golden | undefined;
  /** Mean cosine from which two groups of turns are one voice. */
  voiceThreshold: number | undefined;
  /** Other files of the same model by precision, relative to the configuration. */
  variants: Readonly<Record<string, string>>;
}

export type Layout = "BTF" | "BFT" | "waveform";

/** Frames that count (whole number), the share of them (always 1), samples, or a mask of ones. */
export type ExtraInput = "frames" | "share" | "samples" | "mask";

/** Parts of equal length, each embedded by itself; the embedding of the signal is the mean of theirs, of unit length. */
export interface Partials {
  frames: number;
  /** Frames between the starts of two parts. */
  step: number;
  /** The last part is left out when less of it than this share is signal, unless it is the only one. */
  minCoverage: number;
}

/** Paths are relative to the configuration, and inside its folder. */
export interface Golden {
  audio: string;
  /** A .npy file. */
  embedding: string;
}
