import type { Finding } from "../audit/finding.js";
import type { Corpus } from "../corpus/corpus.js";
import { nameOf } from "../decisions/names.js";
import type { Utterance } from "../types.js";
import { groupBy } from "../util/group-by.js";

/** Utterances that are in no part and are heard all the same, because of others in their cut. */
export function stillHeard(
  { manifest, utterances }: Pick<Corpus, "manifest" | "utterances">,
  parts: Readonly<Record<string, readonly Utterance[]>>,
): Utterance[] {
  if (manifest?.format !== "lhotse") return [];
  const dealt = new Set(Object.values(parts).flat());
  const lines = new Set(Array.from(dealt, ({ line }) => line));
  return utterances.filter((utterance) => lines.has(utterance.line) && !dealt.has(utterance));
}

/**
 * Who speaks in one cut of Lhotse, as findings that say that they belong on one side of a split: a cut goes into a manifest with
 * all of its audio, whoever of its supervisions is listed.
 */
export function ofOneCut({ manifest, utterances }: Pick<Corpus, "manifest" | "utterances">): Finding[] {
  if (manifest?.format !== "lhotse") return [];
  return [...groupBy(utterances, ({ line }) => line).values()].flatMap((cut) => {
    const [first, ...others] = new Set(cut.flatMap((utterance) => nameOf(utterance) ?? []));
    return others.map((other): Finding => {
      const names = [first!, other];
      const remedy = { action: "keepOnOneSide", names } as const;
      return { kind: "leakage", keys: names, score: Infinity, probability: 1, evidence: {}, remedy };
    });
  });
}
