import { type Finding, qualityKinds } from "./finding.js";

/** The order of findings: what costs most, then what is surest. */
export const dearestFirst = (a: Finding, b: Finding): number => costOf(b) - costOf(a) || b.score - a.score;

/** What a finding costs: how many utterances it concerns, as its evidence says, times its probability. */
function costOf({ kind, probability, evidence }: Finding): number {
  const { utterances1, utterances2 } = evidence;
  const isOfNames = typeof utterances1 === "number" && typeof utterances2 === "number";
  if (!isOfNames) return probability * (isQuality(kind) ? 0.1 : 1);
  return probability * (kind === "mergedSpeakers" ? utterances2 : Math.min(utterances1, utterances2));
}

const isQuality = (kind: string): boolean => (qualityKinds as readonly string[]).includes(kind);
