import { quantity, thresholdText, whole } from "../shared/text.js";
import { showAs, showRows } from "../show/show-as.js";
import type { Part } from "../show/view.js";
import type { SimilarityStatistics } from "../types.js";
import type { SimilarityResult } from "./options.js";

/** Makes a comparison show itself: statistics, histogram, the top pairs by name. */
export function showSimilarity<Result extends SimilarityResult>(result: Result): Result {
  showRows(result.pairs, "pair");
  return showAs(result, ({ keys, againstKeys, pairs, statistics, histogram }) => {
    const seconds = againstKeys ?? keys;
    const against = againstKeys === undefined ? "" : ` against ${whole(againstKeys.length)}`;
    return {
      title: `Similarity of ${quantity(keys.length, "row")}${against}: ${highText(statistics)}`,
      parts: [
        statisticsText(statistics),
        { histogram },
        pairTable(
          pairs.slice(0, shownPairs).map(({ i, j, similarity }) => ({
            first: keys[i] ?? i,
            second: seconds[j] ?? j,
            similarity,
          })),
          pairs.length,
        ),
      ],
    };
  });
}

export const shownPairs = 10;

export const highText = ({ highPairs, totalPairs, threshold }: SimilarityStatistics): string =>
  `${whole(highPairs)} of ${quantity(totalPairs, "pair")} at or above ${thresholdText(threshold)}`;

export const statisticsText = ({ mean, std, min, median, max }: SimilarityStatistics): string =>
  Object.entries({ mean, std, min, median, max })
    .map(([name, value]) => `${name} ${value.toFixed(4)}`)
    .join(", ");

export const pairTable = (rows: readonly object[], total: number): Part => ({
  rows,
  total,
  noun: "listed pairs",
});
