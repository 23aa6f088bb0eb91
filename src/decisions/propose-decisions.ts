import { auditor, type Decision } from "./decision.js";
import { peopleOf } from "./merged-names.js";

/** What the audit proposes to do about a finding; the remedies of findings are such. */
interface Proposed {
  kind: Decision["kind"];
  keys: string[];
  probability: number;
  remedy: { action: string; to?: string; names?: string[]; parts?: string[][] };
  evidence?: Record<string, unknown>;
}

/**
 * The findings of a probability of 0.5 or more as decisions, to be edited: a line that is deleted or changed is decided by you.
 *
 * They fit together: names of one person are all merged into the one with most utterances, of copies the first is kept.
 *
 * @param at the time that they carry; default: none, so that the same findings give the same decisions
 * @example
 * const { findings } = await audit(utterances);
 * const decisions = proposeDecisions(findings);
 */
export function proposeDecisions(findings: readonly Proposed[], at?: Date): Decision[] {
  const proposals = findings
    .filter(({ probability, remedy }) => probability >= 0.5 && remedy.action !== "keep")
    .map(({ kind, keys, probability, remedy }): Decision => {
      const { action, to, parts } = remedy;
      return {
        kind,
        keys: [...keys],
        action: action as Decision["action"],
        ...(to === undefined ? {} : { to }),
        ...(parts === undefined ? {} : { parts }),
        by: auditor,
        at: at?.toISOString() ?? "",
        probability,
      };
    });
  const sizes = sizesOf(findings);
  const larger = (a: string, b: string) => ((sizes.get(b) ?? 0) > (sizes.get(a) ?? 0) ? b : a);
  for (const action of ["mergeNames", "keepOne"] as const)
    for (const { names, own } of peopleOf(proposals.filter((proposal) => proposal.action === action))) {
      const first = [...names].sort()[0]!;
      const to = action === "mergeNames" ? [...names].sort().reduce(larger) : first;
      for (const proposal of own) if (action === "mergeNames" || proposal.keys.includes(to)) proposal.to = to;
    }
  return proposals;
}

/** How many utterances the names of pairs have, as the evidence says. */
function sizesOf(findings: readonly Proposed[]): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const { keys, evidence = {} } of findings)
    keys.forEach((key, k) => {
      const size = evidence[`utterances${k + 1}`];
      if (keys.length > 1 && typeof size === "number") sizes.set(key, size);
    });
  return sizes;
}
