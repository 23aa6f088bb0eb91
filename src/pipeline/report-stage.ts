import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Analysis, analyze } from "../analysis/analyze.js";
import { csvLines } from "../analysis/csv.js";
import { reportText } from "../analysis/report-text.js";
import type { Finding } from "../audit/finding.js";
import { highSimilarityPairs } from "../comparison/high-similarity-pairs.js";
import { matrixBlocks } from "../comparison/matrix-file.js";
import { pairsInBlocks, type RowBlock } from "../comparison/pairs-in-matrix.js";
import type { StoredSimilarity } from "../comparison/read-similarity.js";
import { readSimilarity } from "../comparison/read-similarity.js";
import { conflict, missing } from "../errors.js";
import { otherSimilarities, otherSpeakers } from "../merged/check-comparison.js";
import { mergedFiles, similarityFiles, tableFile } from "../merged/files.js";
import { readSpeakerList } from "../merged/read-speaker-list.js";
import { quantityIs, thresholdText } from "../shared/text.js";
import { readEmbeddings } from "../store/read-embeddings.js";
import type { SpeakerInfo, SpeakerPair } from "../types.js";
import { holdsNo } from "../util/holds-no.js";
import { writeFile } from "../util/write-file.js";
import { nothingToCompare } from "./compare-speakers.js";
import { measureThreshold } from "./measure-threshold.js";
import type { StageContext } from "./stage.js";

export interface ReportSettings {
  resultsDir?: string;
  /** Where the table goes; default: similarity_analysis.csv in the results. */
  outputCsv?: string;
  /** Leaves out pairs below, cosine in [-1, 1]; default: the threshold of the comparison. */
  minSimilarity?: number;
  /** Most pairs to show; default 100. */
  maxResults?: number;
  /** What an audit found: the threshold is measured without. */
  findings?: readonly Finding[];
}

/** Most pairs in the table, as in a comparison. */
const mostPairs = 1_000_000;

/**
 * Stage 3: reports on the similarities, and writes the table of pairs.
 *
 * @returns undefined when there are fewer than two speakers, which a line says
 * @throws `missing` when the speakers were not compared, `conflict` when others were
 */
export async function reportStage(
  settings: ReportSettings,
  { reporter }: StageContext,
): Promise<Analysis | undefined> {
  const { resultsDir = "final_embeddings", maxResults } = settings;
  const { outputCsv = join(resultsDir, tableFile) } = settings;
  const hasComparison = existsSync(join(resultsDir, similarityFiles.summary));
  const isMerged = existsSync(join(resultsDir, mergedFiles.speakerList));
  const speakers = hasComparison || isMerged ? readSpeakerList(resultsDir) : [];
  if (isMerged && speakers.length < 2) {
    reporter.log(nothingToCompare(resultsDir, speakers.length));
    return undefined;
  }
  if (!hasComparison && !isMerged)
    throw holdsNo(
      resultsDir,
      "merged embeddings",
      "Give a folder that `speakerscope merge` or `speakerscope run` wrote.",
    );
  if (!hasComparison)
    throw missing(
      `${join(resultsDir, similarityFiles.summary)} does not exist: the speakers were not compared. ` +
        "Run `speakerscope merge --compute_similarity`.",
      { path: join(resultsDir, similarityFiles.summary) },
    );
  const stored = readSimilarity(resultsDir);
  await checkComparison(resultsDir, stored, speakers);
  const { statistics, histogram } = stored;
  if (histogram === undefined)
    throw missing(
      `The similarity in ${resultsDir} has neither a histogram nor a matrix. Compute it again: ` +
        "`speakerscope merge --compute_similarity`.",
      { path: resultsDir },
    );
  const measured = await measureThreshold(resultsDir, speakers, settings.findings);
  const { minSimilarity: wanted = statistics.threshold } = settings;
  const lowest = measured ? Math.min(wanted, statistics.threshold, measured.threshold) : wanted;
  const log = (line: string) => reporter.log(line);
  const pairs = pairsFrom(resultsDir, stored, { speakers, minSimilarity: lowest, log });
  // Without a matrix the list ends at the threshold of the comparison.
  const minSimilarity = pairs.complete ? wanted : Math.max(wanted, statistics.threshold);
  const isMeasured = measured && (pairs.complete || measured.threshold >= statistics.threshold);
  const analysis = analyze(
    { speakers, statistics, histogram, pairs: pairs.listed },
    { minSimilarity, ...(maxResults && { maxResults }), ...(isMeasured && { measured }) },
  );
  await writeFile(outputCsv, csvLines(analysis.pairs));
  for (const line of reportText(analysis, { csvPath: outputCsv }).trimEnd().split("\n")) reporter.log(line);
  return analysis;
}

/** Throws when the similarity files of a folder compare other speakers than its list names. */
async function checkComparison(
  folder: string,
  stored: StoredSimilarity,
  speakers: readonly SpeakerInfo[],
): Promise<void> {
  const embeddings = existsSync(join(folder, mergedFiles.speakers))
    ? await readEmbeddings(folder)
    : undefined;
  const [what] = [otherSpeakers(stored, speakers), embeddings && otherSpeakers(stored, embeddings)].filter(
    Boolean,
  );
  const found = what ?? (embeddings && [...otherSimilarities(stored, embeddings)][0]);
  if (found !== undefined)
    throw conflict(
      `The similarity in ${folder} is not that of the speakers in it: ${found}. Compare them again: ` +
        "`speakerscope merge --compute_similarity`.",
      { path: folder },
    );
}

interface PairsSettings {
  speakers: readonly SpeakerInfo[];
  minSimilarity: number;
  log: (line: string) => void;
}

/** The pairs at or above `minSimilarity`: the listed ones, or those of the matrix where the list ends above it. */
function pairsFrom(
  folder: string,
  stored: StoredSimilarity,
  { speakers, minSimilarity, log }: PairsSettings,
): { listed: SpeakerPair[]; complete: boolean } {
  const { pairs, statistics, keys } = stored;
  if (minSimilarity < statistics.threshold) {
    const n = keys.length;
    const blocks = blocksOf(folder, stored);
    if (blocks !== undefined) {
      const listed = pairsInBlocks(blocks, minSimilarity, mostPairs);
      if (listed.total > listed.pairs.length)
        log(
          `Warning: ${quantityIs(listed.total, "pair")} at or above ${minSimilarity}; the table lists the ${listed.pairs.length} most ` +
            "similar (a higher --min_similarity lists all)",
        );
      const known = { n, statistics, pairs: listed.pairs };
      return {
        listed: highSimilarityPairs(known, speakers, { threshold: minSimilarity }),
        complete: true,
      };
    }
    log(
      `Warning: pairs from ${thresholdText(minSimilarity)} to ${thresholdText(statistics.threshold)} were not listed, and there is no matrix to find them in. ` +
        "Compare again with a lower --similarity_threshold (eer: the measured one).",
    );
    return { listed: pairs, complete: false };
  }
  return { listed: pairs.filter(({ similarity }) => similarity >= minSimilarity), complete: true };
}

/** The matrix in blocks of rows, or as one block where the JSON file alone holds it. */
function blocksOf(folder: string, stored: StoredSimilarity): Iterable<RowBlock> | undefined {
  const path = join(folder, similarityFiles.matrix);
  const n = stored.keys.length;
  const blocks = existsSync(path) ? matrixBlocks(path, [n, n]) : undefined;
  if (blocks !== undefined) return blocks;
  const matrix = stored.matrix();
  return matrix && [{ ...matrix, first: 0 }];
}
