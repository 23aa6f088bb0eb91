import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Finding } from "../audit/finding.js";
import { heatmap } from "../charts/heatmap.js";
import { heatmapSubset } from "../charts/heatmap-subset.js";
import { similarityOverview } from "../charts/similarity-overview.js";
import { highSimilarityPairs } from "../comparison/high-similarity-pairs.js";
import { similarityInto, similarityPaths } from "../comparison/write-similarity.js";
import { missing, stoppable } from "../errors.js";
import { mergedFiles, pictureFiles, similarityFiles } from "../merged/files.js";
import { comparisonIn } from "../merged/take-away.js";
import { quantity, thresholdText } from "../shared/text.js";
import { type SimilarityOptions, similarity } from "../similarity/similarity.js";
import { readEmbeddings } from "../store/read-embeddings.js";
import type { SpeakerEmbedding } from "../types.js";
import { digestOf } from "../util/digest.js";
import { writeFile } from "../util/write-file.js";
import { type Together, writeTogether } from "../util/write-together.js";
import { thresholdIn } from "./measure-threshold.js";
import { remember, type StageMemory } from "./remember.js";
import type { StageContext } from "./stage.js";

/** The options of `similarity` that a stage takes. */
export interface CompareSettings extends StageMemory, Pick<SimilarityOptions, "backend"> {
  /** Pairs at or above this cosine, in [-1, 1], are listed; `eer`: the one that the corpus's own labels give. Default 0.8. */
  threshold?: number | "eer";
  /** What an audit found: `eer` is measured without. */
  findings?: readonly Finding[];
}

/** The whole matrix is written up to this many speakers: 1.6 GB. */
const maxMatrixSpeakers = 20_000;

/** Above this many speakers, a heat map of the first ones is written too. */
const subsetSpeakers = 50;

/**
 * Compares the speakers of a folder of embeddings and writes the similarity files and pictures beside them.
 *
 * @param settings `threshold`: pairs at or above are listed, cosine in [-1, 1] or `eer`, default 0.8; `backend`: default the
 * fastest there is; `stagesFile`: by which the work is skipped when nothing has changed
 * @returns whether there was anything to compare; with fewer than two speakers a line says so, and the files of an earlier
 * comparison are deleted
 *
 * @example
 * await compareSpeakers("final_embeddings", { threshold: 0.7 }, { reporter: console });
 * const { statistics, pairs } = readSimilarity("final_embeddings");
 */
export async function compareSpeakers(
  folder: string,
  settings: CompareSettings,
  context: StageContext,
): Promise<boolean> {
  if (!existsSync(folder))
    throw missing(`${folder} does not exist. \`speakerscope merge\` writes it.`, { path: folder });
  return writeTogether(
    folder,
    {
      purpose: "comparing speakers",
      onWait: (line) => context.reporter.log(line),
      abortSignal: context.abortSignal,
    },
    (files) => compareLocked(files, folder, settings, context),
  );
}

async function compareLocked(
  files: Together,
  folder: string,
  { threshold: wanted = 0.8, backend, stagesFile, findings }: CompareSettings,
  context: StageContext,
): Promise<boolean> {
  const { reporter } = context;
  const speakers = await readEmbeddings(folder);
  if (speakers.length < 2) {
    reporter.log(nothingToCompare(folder, speakers.length));
    files.commit(comparisonIn(folder).map((name) => join(folder, name)));
    return false;
  }
  const threshold = await thresholdIn(folder, wanted, speakers, findings);
  if (wanted === "eer")
    reporter.log(
      `Threshold ${thresholdText(threshold)}, measured on the labels ${findings === undefined ? "as they are" : "without what the audit found"}`,
    );
  const hasMatrix = speakers.length <= maxMatrixSpeakers;
  const { overview, heatmap: map, subset } = pictureFiles;
  const { matrix, ...others } = similarityFiles;
  const names = [
    ...Object.values(others),
    overview,
    ...(hasMatrix ? [matrix, map] : []),
    ...(hasMatrix && speakers.length > subsetSpeakers ? [subset] : []),
  ];
  const ran = await remember(
    stagesFile,
    {
      name: `similarity ${folder}`,
      inputs: stagesFile && [{ threshold, backend }, await digestOf(join(folder, mergedFiles.speakers))],
      outputs: names.map((name) => join(folder, name)),
    },
    () => compare(files, folder, speakers, { threshold, backend, matrix: hasMatrix }, context),
  );
  if (!ran)
    reporter.log(
      `Unchanged: similarity of ${quantity(speakers.length, "speaker")} at threshold ${thresholdText(threshold)} in ${folder}`,
    );
  return true;
}

/** The line that says why a folder has no similarity. */
export const nothingToCompare = (folder: string, speakers: number): string =>
  `${folder} holds ${speakers === 1 ? "one speaker only" : "no speaker"}, so there is nothing to compare`;

async function compare(
  files: Together,
  folder: string,
  speakers: readonly SpeakerEmbedding[],
  options: SimilarityOptions,
  { reporter, abortSignal }: StageContext,
): Promise<void> {
  const onProgress = reporter.progress?.bind(reporter);
  const result = await stoppable(
    "The comparison of the speakers",
    () => similarity(speakers, { ...options, onProgress, abortSignal }),
    `What is merged in ${folder} is whole. Run the same command again to go on.`,
  );
  await similarityInto(files, folder, { speakers, result });
  const pairs = highSimilarityPairs(result, speakers);
  const pictures = { [pictureFiles.overview]: similarityOverview({ ...result, pairs }) };
  if (result.matrix !== undefined) {
    const data = { keys: speakers.map(({ key }) => key), matrix: result.matrix };
    pictures[pictureFiles.heatmap] = heatmap(data);
    if (speakers.length > subsetSpeakers) pictures[pictureFiles.subset] = heatmapSubset(data);
  }
  for (const [name, chart] of Object.entries(pictures))
    await writeFile(files.at(join(folder, name)), await chart.toPng());
  const drawn = Object.values(pictureFiles).map((name) => join(folder, name));
  files.commit([...similarityPaths(folder), ...drawn]);
  const { mean, std, min, max, highPairs, totalPairs, threshold } = result.statistics;
  reporter.log(
    `Similarity of ${quantity(speakers.length, "speaker")} (${result.backend}): mean ${mean.toFixed(4)}, std ${std.toFixed(4)}, ` +
      `min ${min.toFixed(4)}, max ${max.toFixed(4)}; ${highPairs} of ${quantity(totalPairs, "pair")} >= ${thresholdText(threshold)}`,
  );
}
