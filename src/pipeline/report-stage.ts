import { join } from "node:path";
import { type Analysis, analyze } from "../analysis/analyze.js";
import { csv } from "../analysis/csv.js";
import { reportText } from "../analysis/report-text.js";
import { missing } from "../errors.js";
import { highSimilarityPairs } from "../similarity/high-similarity-pairs.js";
import { pairsInMatrix } from "../similarity/pairs-in-matrix.js";
import { readSimilarity, type StoredSimilarity } from "../similarity/read-similarity.js";
import { readSpeakerList } from "../store/read-speaker-list.js";
import type { SpeakerInfo, SpeakerPair } from "../types.js";
import { writeFile } from "../util/write-file.js";
import type { StageContext } from "./stage.js";

export interface ReportSettings {
  resultsDir?: string;
  /** Where the table goes; similarity_analysis.csv in the results by default. */
  outputCsv?: string;
  /** Leaves out pairs below; by default the threshold that the speakers were compared with. */
  minSimilarity?: number;
  /** Shows at most so many pairs. */
  maxResults?: number;
}

/** Stage 3: says what the similarities mean, and writes the table of pairs. */
export async function reportStage(settings: ReportSettings, { reporter }: StageContext): Promise<Analysis> {
  const { resultsDir = "final_embeddings", maxResults } = settings;
  const { outputCsv = join(resultsDir, "similarity_analysis.csv") } = settings;
  const stored = readSimilarity(resultsDir);
  const { statistics, histogram } = stored;
  if (histogram === undefined)
    throw missing("report", "histogram", {
      path: resultsDir,
      want: "similarity computed again: speakerscope merge --compute_similarity",
    });
  const { minSimilarity = statistics.threshold } = settings;
  const speakers = readSpeakerList(resultsDir);
  const pairs = pairsFrom(stored, speakers, minSimilarity, reporter.log);
  const analysis = analyze(
    { speakers, statistics, histogram, pairs },
    { minSimilarity, ...(maxResults ? { maxResults } : {}) },
  );
  await writeFile(outputCsv, csv(analysis.pairs));
  reporter.log(reportText(analysis, { csvPath: outputCsv }));
  return analysis;
}

/** The pairs from a similarity on: the listed ones, or those of the matrix where fewer were listed. */
function pairsFrom(
  stored: StoredSimilarity,
  speakers: readonly SpeakerInfo[],
  minSimilarity: number,
  log: (line: string) => void,
): SpeakerPair[] {
  const { pairs, statistics, keys } = stored;
  if (minSimilarity < statistics.threshold) {
    const matrix = stored.matrix();
    if (matrix !== undefined)
      return highSimilarityPairs(
        { n: keys.length, statistics, pairs: pairsInMatrix(matrix, minSimilarity) },
        speakers,
        { threshold: minSimilarity },
      );
    log(
      `Warning: pairs below ${statistics.threshold} were not listed and there is no matrix; compare again with a lower threshold`,
    );
  }
  return pairs.filter(({ similarity }) => similarity >= minSimilarity);
}
