import type { Finding } from "../audit/finding.js";
import type { Utterance } from "../types.js";

/** The utterances of a corpus under the keys that embeddings have: those of other tools may be named by the path instead. */
export function withKnownKeys<Row extends Pick<Utterance, "key" | "dataset" | "speakerId" | "utteranceId">>(
  utterances: readonly Row[],
  known: ReadonlySet<string>,
): Row[] {
  return utterances.map((utterance) => {
    const { key, dataset, speakerId, utteranceId } = utterance;
    const path = `${dataset}/${speakerId}/${utteranceId}`;
    return { ...utterance, key: !known.has(key) && known.has(path) ? path : key };
  });
}

/** Findings under the keys of a corpus: those of other tools' embeddings name its utterances by the path. */
export function withOwnKeys(
  findings: readonly Finding[],
  utterances: readonly Pick<Utterance, "key" | "dataset" | "speakerId" | "utteranceId">[],
): Finding[] {
  const named = new Set(findings.flatMap(({ keys }) => keys));
  const own = new Map(withKnownKeys(utterances, named).map(({ key }, i) => [key, utterances[i]!.key]));
  const ownOf = (key: string) => own.get(key) ?? key;
  return findings.map(({ keys, remedy, ...finding }) => ({
    ...finding,
    keys: keys.map(ownOf),
    remedy: remedy.action === "keepOne" ? { ...remedy, to: ownOf(remedy.to) } : remedy,
  }));
}
