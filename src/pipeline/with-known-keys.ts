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
