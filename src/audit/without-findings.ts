import { speakerKey } from "./audit-corpus.js";
import type { Finding } from "./finding.js";
import { isOfOnePerson, joinedKeys } from "./joined-keys.js";

/**
 * Whether a finding leaves something out. An utterance does from a probability of 0.25 on: a wrong one that stays moves an error rate more
 * than three right ones that are missing. Names are joined or left out from 0.5 on.
 */
export const isLeftOut = ({ kind, probability }: Finding): boolean =>
  probability >= (kind === "wrongLabel" || kind === "nonSpeech" ? 0.25 : 0.5);

/**
 * The utterances whose labels an audit does not doubt: those with a wrong label, those without speech and all of names that hold two people are
 * left out, and names of one person become one name. `isLeftOut` says from which probability on.
 */
export function withoutFindings<Row extends { key: string; dataset: string; speakerId: string | null }>(
  utterances: readonly Row[],
  findings: readonly Finding[],
): Row[] {
  const found = findings.filter(isLeftOut);
  const keysOf = (kind: Finding["kind"]) =>
    new Set(found.flatMap((finding) => (finding.kind === kind ? finding.keys : [])));
  const wrong = new Set([...keysOf("wrongLabel"), ...keysOf("nonSpeech")]);
  const merged = keysOf("mergedSpeakers");
  const root = joinedKeys(found.filter(isOfOnePerson));
  const people = new Map<string, Pick<Row, "dataset" | "speakerId">>();
  for (const { dataset, speakerId } of utterances)
    if (speakerId !== null) people.set(speakerKey({ dataset, speakerId }), { dataset, speakerId });
  return utterances.flatMap((row) => {
    if (row.speakerId === null) return [];
    const key = speakerKey({ dataset: row.dataset, speakerId: row.speakerId });
    return wrong.has(row.key) || merged.has(key) ? [] : [{ ...row, ...people.get(root(key)) }];
  });
}
