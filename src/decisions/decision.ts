import { inSnakeCase } from "./spelling.js";

/** What a decision can be about: a finding of the audit, two names or recordings that were compared, or a recording by itself. */
export type DecisionKind = keyof typeof actionsOf;

/** What can be decided. */
export type DecisionAction = (typeof actionsOf)[DecisionKind][number] | "undo";

/** What was decided about a finding, a pair or an utterance, by whom and when. Plain data: a line of decisions.jsonl. */
export interface Decision {
  kind: DecisionKind;
  /** Of the finding, the pair or the utterance. */
  keys: string[];
  /**
   * `keep`: nothing is wrong with it; `drop`: leave it out; `relabel`: it is the speaker `to`; `mergeNames`: the names are one
   * person, called `to`; `splitName`: the name is several people, as `parts` says; `keepOne`: leave out all but `to`;
   * `keepOnOneSide`: one person, to be kept on one side of a split; `same`, `different`: of two voices; `unsure`;
   * `undo`: what this person decided on it before does not count.
   */
  action: DecisionAction;
  to?: string;
  /** Utterances of the people that a name holds; the first of them keep the name. */
  parts?: string[][];
  /** Who decided; `audit` for what the audit proposes, which a person's decision outranks. */
  by: string;
  /** When, as ISO 8601. Without it, or empty as in what the audit proposes, the order of the list tells which decision is later. */
  at?: string;
  /** What the finding said, in 0 to 1: by it decisions measure how often findings hold. */
  probability?: number;
}

/** Whom proposals are by. */
export const auditor = "audit";

const ofClip = ["drop", "relabel", "keep", "unsure"] as const;
const ofCopies = ["keepOne", "drop", "keep", "unsure"] as const;

/** Which actions go with which kind. */
export const actionsOf = {
  wrongLabel: ofClip,
  splitSpeaker: ["mergeNames", "keepOne", "keep", "unsure"],
  leakage: ["keepOnOneSide", "mergeNames", "keepOne", "keep", "unsure"],
  mergedSpeakers: ["splitName", "drop", "keep", "unsure"],
  equalFiles: ofCopies,
  nearCopies: ofCopies,
  nonSpeech: ofClip,
  severalVoices: ofClip,
  short: ofClip,
  clipped: ofClip,
  quiet: ofClip,
  narrowBand: ofClip,
  lowSnr: ofClip,
  pair: ["same", "different", "unsure"],
  utterance: ofClip,
} as const;

/** The kinds whose keys are names of speakers. */
export const isOfNames = (kind: DecisionKind): boolean =>
  kind === "splitSpeaker" || kind === "leakage" || kind === "mergedSpeakers";

/** What a decision is about, as one text: the order of the keys does not matter. */
export const subjectOf = ({ kind, keys }: Pick<Decision, "kind" | "keys">): string =>
  JSON.stringify([kind, ...[...keys].sort()]);

/** When it was decided, to compare; 0 where nobody says. */
export const timeOf = ({ at }: Pick<Decision, "at">): number => (at ? Date.parse(at) : 0);

/** A decision as an error names it, spelt as in files: `merge_names of "x_a" and "x_b", by anna`. */
export const inWords = ({ action, keys, to, by }: Decision): string =>
  `${inSnakeCase(action)} of ${keys.map((key) => JSON.stringify(key)).join(" and ")}${to === undefined ? "" : ` to ${JSON.stringify(to)}`}, by ${by}`;
