import { applyDecisions } from "../decisions/apply-decisions.js";
import { checkedDecisions } from "../decisions/check-decision.js";
import { auditor, type Decision, subjectOf } from "../decisions/decision.js";
import { mergeDecisions } from "../decisions/merge-decisions.js";
import { observedPrecision, type PrecisionBand } from "../decisions/observed-precision.js";
import type { AuditUtterance } from "./audit-corpus.js";
import type { Finding } from "./finding.js";

/** What people have decided before an audit. */
export interface Decided {
  /** Findings that people agreed with, called no fault, and were not sure of. */
  agreed: number;
  disagreed: number;
  unsure: number;
  /** Decisions by the audit itself, which were ignored. */
  proposals: number;
  /** How often findings held, by the probability that they had. */
  bands: PrecisionBand[];
}

/** What decisions leave to be audited. */
export interface Settled {
  utterances: AuditUtterance[];
  /** Whether nobody has decided on what a finding is about. */
  isOpen: (finding: Finding) => boolean;
  decided: Decided;
}

/**
 * Takes what people decided as given: what is dropped is not looked at, and the rest under the names that hold. What the audit
 * itself proposed does not count, or it would agree with itself.
 */
export function settled(utterances: readonly AuditUtterance[], decisions: readonly Decision[]): Settled {
  const all = checkedDecisions(decisions, "audit");
  const people = all.filter(({ by }) => by !== auditor);
  const { corpus } = applyDecisions({ utterances }, people, { allowUnknown: true });
  const held = mergeDecisions(people).decisions;
  const sure = held.filter(({ action }) => action !== "unsure");
  const isOpen = openAfter(sure);
  const onFindings = held.filter(({ kind }) => kind !== "pair" && kind !== "utterance");
  const count = (is: (action: Decision["action"]) => boolean) =>
    onFindings.filter(({ action }) => is(action)).length;
  return {
    utterances: corpus.utterances,
    isOpen,
    decided: {
      agreed: count((action) => action !== "keep" && action !== "unsure"),
      disagreed: count((action) => action === "keep"),
      unsure: count((action) => action === "unsure"),
      proposals: all.length - people.length,
      bands: observedPrecision(people),
    },
  };
}

/** Tells whether nothing was decided on what a finding is about; what people are not sure of does not count. */
export function openAfter(sure: readonly Decision[]): (finding: Finding) => boolean {
  const closed = new Set(sure.map(subjectOf));
  // A pair of names that was compared, and a recording that was judged, answer what a finding of labels asks.
  const also = (kind: Decision["kind"], keys: string[]) => closed.has(subjectOf({ kind, keys }));
  return ({ kind, keys }) =>
    !closed.has(subjectOf({ kind, keys })) &&
    !((kind === "splitSpeaker" || kind === "leakage") && also("pair", keys)) &&
    !(kind === "wrongLabel" && also("utterance", keys));
}
