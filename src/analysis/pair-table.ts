import type { SpeakerPair } from "../types.js";

/** A pair of speakers as one flat row: what a row of similarity_analysis.csv holds. */
export interface PairRow {
  speaker1Key: string;
  speaker2Key: string;
  /** Cosine in [-1, 1]. */
  similarity: number;
  speaker1Dataset: string;
  speaker1Id: string;
  speaker1Utterances: number;
  speaker2Dataset: string;
  speaker2Id: string;
  speaker2Utterances: number;
  sameDataset: boolean;
  pairType: "intra_dataset" | "cross_dataset";
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
        speaker1Key: speaker1.key,
        speaker2Key: speaker2.key,
        similarity,
        speaker1Dataset: speaker1.dataset,
        speaker1Id: speaker1.speakerId,
        speaker1Utterances: speaker1.numUtterances,
        speaker2Dataset: speaker2.dataset,
        speaker2Id: speaker2.speakerId,
        speaker2Utterances: speaker2.numUtterances,
        sameDataset: same,
        pairType: same ? "intra_dataset" : "cross_dataset",
      };
    })
    .sort((a, b) => b.similarity - a.similarity);
}
