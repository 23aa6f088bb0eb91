import { countBy } from "../util/count-by.js";
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
 * They fit together: names of one person are all merged into the one with most utterances, and of several copies the one is kept
 * that the findings prefer most often.
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
  mergeIntoLargest(proposals, sizesOf(findings));
  keepBest(proposals);
  return proposals;
}

function mergeIntoLargest(proposals: readonly Decision[], sizes: ReadonlyMap<string, number>): void {
  const larger = (a: string, b: string) => ((sizes.get(b) ?? 0) > (sizes.get(a) ?? 0) ? b : a);
  for (const { names, own } of peopleOf(proposals.filter(({ action }) => action === "mergeNames"))) {
    const to = [...names].sort().reduce(larger);
    for (const proposal of own) proposal.to = to;
  }
}

/** Ranks the copies of a recording by how many of their pairs they win, so that the choices never go in a circle. */
function keepBest(proposals: readonly Decision[]): void {
  for (const { names, own } of peopleOf(proposals.filter(({ action }) => action === "keepOne"))) {
    const wins = countBy(own, ({ to = "" }) => to);
    const ranked = names.sort().sort((a, b) => (wins.get(b) ?? 0) - (wins.get(a) ?? 0));
    const rank = new Map(ranked.map((name, place) => [name, place]));
    for (const proposal of own)
      proposal.to = proposal.keys.reduce((a, b) => (rank.get(b)! < rank.get(a)! ? b : a));
  }
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
