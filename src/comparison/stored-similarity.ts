import { quantity } from "../shared/text.js";
import { showAs, showRows } from "../show/show-as.js";
import { highText, pairTable, shownPairs, statisticsText } from "../similarity/show-similarity.js";
import type { Histogram, Matrix, SimilarityStatistics, SpeakerPair } from "../types.js";

/** The contents of the similarity files of a folder. */
export interface StoredSimilarity {
  keys: string[];
  statistics: SimilarityStatistics;
  /** Undefined where the file has none, as the Python pipeline's, and no matrix to count it from is there. */
  histogram?: Histogram;
  /** Most similar first. */
  pairs: SpeakerPair[];
  /** Reads the matrix, from its .npy file or from within the JSON file; undefined where none was written. */
  matrix(): Matrix | undefined;
}

/** Makes what was read show itself: statistics, histogram, the top pairs by name. */
export function showStored(stored: StoredSimilarity): StoredSimilarity {
  showRows(stored.pairs, "pair");
  return showAs(stored, ({ keys, pairs, statistics, histogram }) => ({
    title: `Similarity of ${quantity(keys.length, "speaker")}: ${highText(statistics)}`,
    parts: [
      statisticsText(statistics),
      ...(histogram === undefined ? [] : [{ histogram }]),
      pairTable(
        pairs.slice(0, shownPairs).map(({ speaker1, speaker2, similarity }) => ({
          first: speaker1.key,
          second: speaker2.key,
          similarity,
        })),
        pairs.length,
      ),
    ],
  }));
}
