import type { DecisionAction, DecisionKind } from "../decisions/decision.js";
import type { AudioSource } from "../types.js";

/** Something to listen to and to decide, as the desk shows it. */
export interface ReviewItem {
  kind: DecisionKind;
  keys: string[];
  /** The question, in words. */
  title: string;
  /** In 0 to 1, of a finding; else null. */
  probability: number | null;
  voices: ReviewVoice[];
  /** What else is known, as name and text. */
  facts: [name: string, text: string][];
  /** By the keys 1, 2, 3 and so on, in this order. */
  actions: ReviewAction[];
  /**
   * The names whose recordings are on its map, and the recording in question. Where one name may hold several people, `parts` are
   * the recordings of each.
   */
  map: { names: string[]; marked: string[]; parts?: string[][] };
}

export interface ReviewVoice {
  /** Whose it is, or is said to be. */
  label: string;
  /** The key of the utterance. */
  key: string;
  detail?: string;
  /** Seconds into the recording where the spectrogram has a line: where the voice seems to change. */
  at?: number;
}

export interface ReviewAction {
  action: DecisionAction;
  label: string;
  to?: string;
  parts?: string[][];
  /** The speaker is asked for. */
  needs?: "speaker";
}

/** A recording that can be heard, and drawn on a map where its embedding is known. */
export interface ReviewUtterance extends Partial<AudioSource> {
  key: string;
  dataset: string;
  speakerId: string | null;
  embedding?: Float32Array;
}
