import { join } from "node:path";
import { heatmap } from "../charts/heatmap.js";
import { heatmapSubset } from "../charts/heatmap-subset.js";
import { similarityOverview } from "../charts/similarity-overview.js";
import { highSimilarityPairs } from "../similarity/high-similarity-pairs.js";
import { type SimilarityResult, similarity } from "../similarity/similarity.js";
import { writeSimilarity } from "../similarity/write-similarity.js";
import { readEmbeddings } from "../store/read-embeddings.js";
import { writeFile } from "../util/write-file.js";
import type { StageContext } from "./stage.js";

export interface CompareSettings {
  /** From here on a pair is listed: cosine in [-1, 1]. */
  similarityThreshold?: number;
  /** `tensorflow`, `wasm` or `cpu`; by default the fastest there is. */
  similarityBackend?: string;
}

/** Up to so many speakers the whole matrix is written: 1.6 GB. */
const maxMatrixSpeakers = 20_000;

/**
 * Compares the speakers of a folder of embeddings and writes the similarity files and pictures beside them.
 *
 * Undefined, with a line that says so, when there are fewer than two speakers.
 */
export async function compareSpeakers(
  folder: string,
  settings: CompareSettings,
  { reporter, abortSignal }: StageContext,
): Promise<SimilarityResult | undefined> {
  const { similarityThreshold: threshold = 0.8, similarityBackend } = settings;
  const speakers = await readEmbeddings(folder);
  if (speakers.length < 2) {
    reporter.log(`Warning: ${folder} holds ${speakers.length} speaker: nothing to compare`);
    return undefined;
  }
  const result = await similarity(speakers, {
    threshold,
    backend: similarityBackend,
    matrix: speakers.length <= maxMatrixSpeakers,
    onProgress: reporter.progress?.bind(reporter),
    abortSignal,
  });
  await writeSimilarity(folder, speakers, result);
  const pairs = highSimilarityPairs(result, speakers);
  const pictures = { "similarity_analysis.png": similarityOverview({ ...result, pairs }) };
  if (result.matrix !== undefined) {
    const data = { keys: speakers.map(({ key }) => key), matrix: result.matrix };
    Object.assign(pictures, { "similarity_heatmap.png": heatmap(data) });
    if (speakers.length > 50)
      Object.assign(pictures, { "similarity_heatmap_subset.png": heatmapSubset(data) });
  }
  for (const [name, chart] of Object.entries(pictures))
    await writeFile(join(folder, name), await chart.toPng());
  const { mean, std, min, max, highPairs, totalPairs } = result.statistics;
  reporter.log(
    `Similarity of ${speakers.length} speakers (tfjs ${result.backend}): mean ${mean.toFixed(4)}, std ${std.toFixed(4)}, ` +
      `min ${min.toFixed(4)}, max ${max.toFixed(4)}; ${highPairs} of ${totalPairs} pairs >= ${threshold}`,
  );
  return result;
}
