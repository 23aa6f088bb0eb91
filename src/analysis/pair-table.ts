import type { SpeakerPair } from "../types.js";

/** A pair of speakers as a row of similarity_analysis.csv: names and order of its columns. */
export interface PairRow {
  speaker1_key: string;
  speaker2_key: string;
  /** Cosine in [-1, 1]. */
  similarity: number;
  speaker1_dataset: string;
  speaker1_id: string;
  speaker1_utterances: number;
  speaker2_dataset: string;
  speaker2_id: string;
  speaker2_utterances: number;
  same_dataset: boolean;
  pair_type: "intra_dataset" | "cross_dataset";
}

/**
 * Pairs as rows of similarity_analysis.csv, the most similar first.
 *
 * @example
 * toDataFrame(pairTable(highSimilarityPairs(result, speakers)));
 */
export function pairTable(pairs: readonly SpeakerPair[]): PairRow[] {
  return pairs
    .map(({ speaker1, speaker2, similarity }): PairRow => {
      const same = speaker1.dataset === speaker2.dataset;
      return {
        speaker1_key: speaker1.key,
        speaker2_key: speaker2.key,
        similarity,
        speaker1_dataset: speaker1.dataset,
        speaker1_id: speaker1.speakerId,
        speaker1_utterances: speaker1.numUtterances,
        speaker2_dataset: speaker2.dataset,
        speaker2_id: speaker2.speakerId,
        speaker2_utterances: speaker2.numUtterances,
        same_dataset: same,
        pair_type: same ? "intra_dataset" : "cross_dataset",
      };
    })
    .sort((a, b) => b.similarity - a.similarity);
}
