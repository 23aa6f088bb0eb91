import type { ModelOptions } from "../embed/open-model.js";
import type { ExtractionIdentity } from "../store/extraction.js";
import type { Utterance } from "../types.js";

/** What a rank is told to do. */
export interface RankJob {
  rank: number;
  /** Folder of the extraction. */
  folder: string;
  /** Root of the corpus. */
  root: string;
  model: ModelOptions & { device: string };
  /** Threads that decode beside the rank's own; 0 where it does so itself. */
  decodeThreads: number;
  batchSize: number;
  channel: number | "mean";
  /** Embed speech alone. */
  vad: boolean;
  /** Measure the audio for the audit. */
  checks: boolean;
  identity: ExtractionIdentity;
  /** Where the rank's log ends. */
  logEnd: number;
  /** Folder for one pickle an utterance, or undefined. */
  individualFolder: string | undefined;
}

/** A file to embed, by its place in the corpus list. */
export interface RankItem {
  index: number;
  utterance: Utterance;
  /** Not together with others: one of a batch that killed the process. */
  alone: boolean;
}

/** What a rank tells. `current` are the files in hand, so that one that kills the process can be named. */
export type RankMessage =
  | { type: "started"; device: string }
  | { type: "more" }
  | { type: "current"; indices: number[] }
  | { type: "progress"; done: number; failed: number }
  | { type: "finished"; done: number; failed: number }
  | { type: "stopped" }
  | { type: "error"; message: string };

/** What the parent tells a running rank. It asks for items when it needs more; none means that there are no more. */
export type ParentMessage =
  | { type: "job"; job: RankJob }
  | { type: "items"; items: RankItem[] }
  | { type: "stop" };
