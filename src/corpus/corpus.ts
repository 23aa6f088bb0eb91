import type { Failure, Utterance } from "../types.js";
import type { Columns } from "./columns.js";

/** The utterances of a corpus, wherever they were listed. */
export interface Corpus {
  /** The folder that holds the audio. */
  root: string;
  /** Sorted by `file`. */
  utterances: Utterance[];
  /** What could not be looked at or understood: unreadable folders, broken links, bad lines of a manifest. */
  failures: Failure[];
  /** What looks wrong, in words. */
  warnings: string[];
  /** The manifest that it was read from, and how; none where folders were scanned. */
  manifest?: ManifestOrigin;
}

/** Where the utterances of a corpus are listed. */
export interface ManifestOrigin {
  path: string;
  format: ManifestFormat;
  /** How it was understood, in words: the columns that were taken for speaker, path, ... */
  notes: string[];
  /** Which column holds what, as it was told. */
  columns?: Columns;
}

export const manifestFormats = [
  "kaldi",
  "lhotse",
  "nemo",
  "csv",
  "tsv",
  "jsonl",
  "parquet",
  "webdataset",
] as const;
export type ManifestFormat = (typeof manifestFormats)[number];
