import { quantity } from "../shared/text.js";
import { failuresAndDoubts } from "../show/failure-table.js";
import { showAs, showRows } from "../show/show-as.js";
import type { View } from "../show/view.js";
import type { Doubt, Failure } from "../types.js";

export interface ExtractResult {
  outputDir: string;
  /** Files of the corpus, embedded or not. */
  total: number;
  embedded: number;
  /** Files that were done before this run. */
  resumed: number;
  failures: Failure[];
  doubts: Doubt[];
  ranks: { rank: number; device: string; done: number; failed: number; seconds: number }[];
}

/** Makes an extraction show itself: how fast it was, and what failed for which reason. */
export function showExtraction(result: ExtractResult): ExtractResult {
  showRows(result.failures, "failure");
  showRows(result.doubts, "doubt");
  return showAs(result, extractionView);
}

function extractionView({
  outputDir,
  total,
  embedded,
  resumed,
  failures,
  doubts,
  ranks,
}: ExtractResult): View {
  return {
    title: `${embedded} of ${quantity(total, "file")} ${embedded === 1 ? "is" : "are"} embedded in ${outputDir}`,
    parts: [
      resumed === 0
        ? ""
        : `Unchanged: ${resumed} of ${quantity(total, "file")} ${resumed === 1 ? "was" : "were"} done before`,
      {
        rows: ranks.map(({ rank, device, done, failed, seconds }) => ({
          rank,
          device,
          done,
          failed,
          seconds: Number(seconds.toFixed(1)),
          "files/s": Number((done / seconds).toFixed(1)),
        })),
        noun: "ranks",
        most: 6,
      },
      ...failuresAndDoubts(failures, doubts),
    ],
  };
}
