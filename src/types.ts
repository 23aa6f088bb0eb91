/** A matrix of float32, row after row. */
export interface Matrix {
  /** Float32Array (rows * columns), row-major. */
  data: Float32Array;
  rows: number;
  columns: number;
}

/** Mono samples in [-1, 1] at a known rate. */
export interface Signal {
  /** Float32Array (n), nominal range [-1, 1]. */
  samples: Float32Array;
  /** Samples per second. */
  sampleRate: number;
}

/** A part of a recording, in seconds: the samples from round(start x rate) to before round(end x rate). */
export interface Span {
  start: number;
  /** Left out: to the end of the recording. */
  end?: number;
}

/** Where the audio of an utterance is. */
export interface AudioSource {
  /** The file. */
  path: string;
  /** Bytes: of the file, or of the member of an archive. */
  size: number;
  /** Modification time of the file in milliseconds since 1970. */
  mtimeMs: number;
  /** A part of the recording, cut at the rate of the file; left out: all of it. */
  span?: Span;
  /** Where in the file the bytes of an archive's member begin; `size` says how many there are. */
  offset?: number;
  /** Row and column of a Parquet file that hold the bytes; rows count from 0. */
  cell?: { row: number; column: string };
  /** Its channel of the file, from 0; left out: what `extract` is told for all. */
  channel?: number;
}

/** One utterance of a corpus: where its audio is, what it is called, and what else is known of it. */
export interface Utterance extends AudioSource {
  /** `dataset_speaker_utterance`: a name for people and for the files; never parsed. */
  key: string;
  /** `dataset_speaker`, likewise; null where the speaker is unknown. */
  speakerKey: string | null;
  dataset: string;
  /** Null where nobody says who speaks. */
  speakerId: string | null;
  /** In folders, the path below the speaker's folder without the extension; `/` between nested folders. */
  utteranceId: string;
  /** The recording, video or chapter that it was cut from: it says nothing about another utterance of the same one. */
  session?: string;
  /**
   * What its audio is known by from run to run, an opaque name: in folders the path below the root, in a manifest the path
   * as it is written there, with the span.
   */
  file: string;
  /** Duration, as the source says; that of a span is `end - start`. */
  seconds?: number;
  /** What else the source says of it: text, language, sex, ... */
  fields?: Record<string, unknown>;
  /** The line of the manifest that it stands on, from 1. */
  line?: number;
}

/** The embedding of one utterance. */
export interface UtteranceEmbedding {
  key: string;
  dataset: string;
  /** Null where the speaker is unknown. */
  speakerId: string | null;
  utteranceId: string;
  path: string;
  /** The recording that it was cut from, where the corpus said so. */
  session?: string;
  /** How long it is, where merging has written that down. */
  seconds?: number;
  /** Float32Array (dimension), as the model gave it: not normalised. */
  embedding: Float32Array;
}

/** The embedding of one speaker: the mean over the speaker's utterances. */
export interface SpeakerEmbedding {
  key: string;
  dataset: string;
  speakerId: string;
  numUtterances: number;
  /** Float32Array (dimension). */
  embedding: Float32Array;
}

/** A file that was not embedded, with the reason. */
export interface Failure {
  path: string;
  dataset: string;
  speakerId: string | null;
  utteranceId: string;
  /**
   * Where it failed: `read` (the file system), `decode` (not audio, or broken), `signal` (no usable speech), `model`,
   * `process` (the process died or hung on it).
   */
  stage: "read" | "decode" | "signal" | "model" | "process";
  reason: string;
}

/** A file that was embedded although something about it is doubtful. */
export interface Doubt {
  path: string;
  dataset: string;
  speakerId: string | null;
  utteranceId: string;
  /**
   * `short` (under 1 s), `clipped`, `quiet`, `loud` (far beyond full scale), `long` (embedded in pieces),
   * `inconsistent` (the file contradicts itself, or FFmpeg complained of it), `speech` (how much of the file was embedded
   * with `vad`).
   */
  warning: "short" | "clipped" | "quiet" | "loud" | "long" | "inconsistent" | "speech";
  detail: string;
}

/** Statistics over the pairs i < j of a similarity matrix. */
export interface SimilarityStatistics {
  mean: number;
  /** Population standard deviation. */
  std: number;
  min: number;
  max: number;
  median: number;
  totalPairs: number;
  /** Pairs at or above `threshold`, also those beyond `maxPairs`. */
  highPairs: number;
  threshold: number;
}

/** Counts of pair similarities; bin b holds edges[b] <= s < edges[b + 1], the last bin its upper edge too. */
export interface Histogram {
  /** Float64Array (bins + 1), ascending. */
  edges: Float64Array;
  /** Float64Array (bins), whole numbers. */
  counts: Float64Array;
}

/** Two rows and how similar they are. */
export interface Pair {
  /** Row of the first, i < j (with `against`: row of the first set). */
  i: number;
  /** Row of the second. */
  j: number;
  /** Cosine in [-1, 1]. */
  similarity: number;
}

/** What is known of a speaker besides its embedding, as it stands in the files. */
export interface SpeakerInfo {
  key: string;
  dataset: string;
  speakerId: string;
  numUtterances: number;
}

/** A pair of speakers with what is known of both. */
export interface SpeakerPair {
  speaker1: SpeakerInfo;
  speaker2: SpeakerInfo;
  similarity: number;
}

/** Says how far a long job is. Counts only rise; `done` counts what is stored, not what was submitted. */
export type Progress =
  | { stage: "scan"; files: number }
  | { stage: "segments"; done: number; total: number }
  | { stage: "extract"; rank: number; done: number; failed: number; total: number; seconds: number }
  | { stage: "merge"; done: number; total: number }
  | { stage: "checks"; done: number; failed: number; total: number }
  | { stage: "similarity"; done: number; total: number }
  | { stage: "audit"; done: number; total: number }
  | { stage: "page"; done: number; total: number };

export interface LongTask<P extends Progress = Progress> {
  onProgress?: (progress: P) => void;
  abortSignal?: AbortSignal;
}
