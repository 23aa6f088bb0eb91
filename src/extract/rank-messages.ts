import type { ExtractionIdentity } from "../store/extraction.js";

/** What a rank is told to do. */
export interface RankJob {
  rank: number;
  /** Folder of the extraction: its corpus list says what the indices mean. */
  folder: string;
  /** Indices into the corpus list, ascending. */
  indices: Int32Array;
  modelPath: string | undefined;
  configFile: string | undefined;
  precision: string;
  bucket: number | undefined;
  device: string;
  threads: number;
  batchSize: number;
  channel: number | "mean";
  identity: ExtractionIdentity;
  /** Where the rank's log ends. */
  logEnd: number;
  /** Folder for one pickle an utterance, or undefined. */
  individualFolder: string | undefined;
  /** How long one file may take. */
  fileTimeoutMs: number;
}

/** What a rank tells. `current` is the index it works on, so that one that kills the process can be named. */
export type RankMessage =
  | { type: "started"; device: string }
  | { type: "current"; index: number }
  | { type: "progress"; done: number; failed: number }
  | { type: "finished"; done: number; failed: number }
  | { type: "stopped" }
  | { type: "error"; message: string };

/** What the parent tells a running rank. */
export type ParentMessage = { type: "job"; job: RankJob } | { type: "stop" };
