import { checkedDecisions } from "../decisions/check-decision.js";
import { type Decision, isOfNames } from "../decisions/decision.js";
import { type Dispute, mergeDecisions } from "../decisions/merge-decisions.js";
import { openAfter } from "./decided.js";
import type { Finding } from "./finding.js";

/**
 * What a split has to heed: findings on which nothing was decided, and what was decided about who is who, as findings that are
 * sure. Where people are not sure or disagree, the finding counts.
 *
 * @throws as `mergeDecisions` does
 */
export function foundOrDecided(
  findings: readonly Finding[],
  decisions: readonly Decision[],
): { found: Finding[]; disagreements: Dispute[] } {
  const merged = mergeDecisions(checkedDecisions(decisions, "splitCorpus"));
  const sure = merged.decisions.filter(({ action }) => action !== "unsure");
  const found = [...findings.filter(openAfter(sure)), ...sure.flatMap(asFindings)];
  return { found, disagreements: merged.disagreements };
}

/** None where it is decided that nothing is wrong, or something that does not matter to who is on which side. */
function asFindings({ kind, keys, action, to }: Decision): Finding[] {
  // A decision has the probability of the finding that it is on: whoever agrees with a doubt is sure of it.
  const finding = { score: Infinity, probability: 1, evidence: {} };
  if (action === "relabel" || (action === "drop" && !isOfNames(kind))) {
    const remedy = action === "drop" ? { action } : { action, to: to! };
    return keys.map((key) => ({ ...finding, kind: "wrongLabel", keys: [key], remedy }));
  }
  if (!["keepOne", "mergeNames", "keepOnOneSide", "same"].includes(action)) return [];
  const [first = "", ...others] = to === undefined ? keys : [to, ...keys.filter((key) => key !== to)];
  // Of two names, to keep one of them says that they are one person.
  const isOfCopies = action === "keepOne" && !isOfNames(kind);
  return others.map((other) => ({
    ...finding,
    kind: isOfCopies ? "equalFiles" : "leakage",
    keys: [first, other],
    remedy: isOfCopies
      ? { action: "keepOne", to: first }
      : { action: "keepOnOneSide", names: [first, other] },
  }));
}
