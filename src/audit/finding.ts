import { sigmoid } from "../util/sigmoid.js";

/** Kinds that are found by embeddings and names. */
export const labelKinds = ["wrongLabel", "splitSpeaker", "leakage", "mergedSpeakers"] as const;

/** Doubts about the quality of the audio. */
export const qualityKinds = ["short", "clipped", "quiet", "narrowBand", "lowSnr"] as const;

/** Kinds that are found by what was measured of the audio. */
export const audioKinds = [
  "equalFiles",
  "nearCopies",
  "nonSpeech",
  "severalVoices",
  ...qualityKinds,
] as const;

/** What may be wrong in a corpus. The kinds of the audio are found where it was measured. */
export type FindingKind = (typeof labelKinds)[number] | (typeof audioKinds)[number];

/** What to do about a finding. */
export type Remedy =
  | { action: "relabel"; to: string }
  | { action: "drop" }
  | { action: "mergeNames"; names: string[] }
  | { action: "splitName"; parts: [string[], string[]] }
  | { action: "keepOnOneSide"; names: string[] }
  | { action: "keepOne"; to: string }
  | { action: "keep" };

/** Something that is wrong in a corpus, how sure that is, and what to do about it. */
export interface Finding {
  kind: FindingKind;
  /**
   * `splitSpeaker`, `leakage`: two speakers, as `dataset_speaker`; `mergedSpeakers`: the speaker; `equalFiles`, `nearCopies`: two
   * utterances; else the utterance.
   */
  keys: string[];
  /** Natural log odds; higher is surer, and 0 is the threshold. */
  score: number;
  /** In 0 to 1: so many of the findings that say so hold. From 0.5 on it counts as found. */
  probability: number;
  /** What a person needs to agree: scores, counts, utterances to listen to. */
  evidence: Record<string, number | string | string[] | null>;
  remedy: Remedy;
}

/** Findings below are not listed. */
export const leastProbability = 0.05;

/**
 * Above their thresholds the scores are a little too sure of themselves: corpora do what no model does. This makes the
 * probabilities hold on planted faults (docs/audit.md).
 */
const scaleAbove = 0.75;

/** The probability that log odds stand for. */
export const probabilityOf = (logOdds: number): number =>
  sigmoid(logOdds > 0 ? scaleAbove * logOdds : logOdds);
