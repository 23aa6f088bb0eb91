import { demandDecisions } from "./check-decision.js";
import { auditor, type Decision, type DecisionKind, subjectOf, timeOf } from "./decision.js";

/** What people disagree about. */
export interface Dispute {
  kind: DecisionKind;
  keys: string[];
  /** The last of each person. */
  decisions: Decision[];
}

export interface MergedDecisions {
  /** One for each subject that is decided: what holds. */
  decisions: Decision[];
  /** Where two people decided differently: nothing holds. */
  disagreements: Dispute[];
}

/**
 * What holds of the decisions of several people.
 *
 * Of one person the later decision holds, and none after an `undo`: the one with the later `at`, or the one further down the list
 * where either has no `at`. People outrank what the audit proposes. Where one is unsure
 * and another is not, the other decides; where two decide differently, both are listed and nothing holds.
 *
 * @throws `invalid` for what is no list
 * @example
 * const decided = (by: string, action: "same" | "different") => ({ kind: "pair" as const, keys: ["a", "b"], action, by, at: "2026-01-31T09:30:00Z" });
 * const { disagreements } = mergeDecisions([decided("anna", "same"), decided("ben", "different")]);
 */
export function mergeDecisions(all: readonly Decision[]): MergedDecisions {
  demandDecisions(all, "mergeDecisions");
  const subjects = new Map<string, Map<string, Decision>>();
  for (const decision of all) {
    const subject = subjectOf(decision);
    const people = subjects.get(subject) ?? new Map<string, Decision>();
    const before = people.get(decision.by);
    if (before === undefined || isLater(decision, before)) people.set(decision.by, decision);
    subjects.set(subject, people);
  }
  const decisions: Decision[] = [];
  const disagreements: Dispute[] = [];
  for (const people of subjects.values()) {
    const last = [...people.values()].filter(({ action }) => action !== "undo");
    const byPeople = last.filter(({ by }) => by !== auditor);
    const sure = byPeople.filter(({ action }) => action !== "unsure");
    const outcomes = new Set(sure.map(outcomeOf));
    if (outcomes.size > 1) {
      const [{ kind, keys }] = sure;
      disagreements.push({ kind, keys, decisions: sure.sort(byTime) });
      continue;
    }
    const holds = (sure.length > 0 ? sure : byPeople.length > 0 ? byPeople : last).sort(byTime).at(-1);
    if (holds !== undefined) decisions.push(holds);
  }
  return { decisions, disagreements };
}

/** Of two decisions of one person, the second in the list against the first. The audit's own lines have no time, and come first. */
const isLater = (second: Decision, first: Decision) =>
  (second.by !== auditor && (!second.at || !first.at)) || timeOf(second) >= timeOf(first);

const byTime = (a: Decision, b: Decision) => timeOf(a) - timeOf(b) || (a.by < b.by ? -1 : 1);

/** What two people agree on: of one person under two names they may choose different names. */
const outcomeOf = ({ action, to, parts }: Decision): string =>
  JSON.stringify([
    action,
    action === "mergeNames" || action === "keepOne" ? undefined : to,
    parts?.map((part) => [...part].sort()),
  ]);
