import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { stoppable } from "../errors.js";
import { type MergeResult, merge } from "../merge/merge.js";
import { indexFile, individualFolder, mergedFiles } from "../merged/files.js";
import { readMerged } from "../merged/read-merged.js";
import { quantity } from "../shared/text.js";
import { compare } from "../util/compare.js";
import { digestOf } from "../util/digest.js";
import { type CompareSettings, compareSpeakers } from "./compare-speakers.js";
import { remember, stampOf } from "./remember.js";
import type { StageContext } from "./stage.js";

export interface MergeSettings extends CompareSettings {
  inputDir?: string;
  outputDir?: string;
  computeSimilarity?: boolean;
  mergeIndividual?: boolean;
  normalize?: boolean;
  partial?: boolean;
}

/** Stage 2: merges what the ranks wrote and compares the speakers. */
export async function mergeStage(settings: MergeSettings, context: StageContext): Promise<MergeResult> {
  const { reporter, abortSignal } = context;
  const { inputDir = "embeddings_output", computeSimilarity = false, stagesFile, ...options } = settings;
  const {
    outputDir = "final_embeddings",
    mergeIndividual = true,
    normalize = false,
    partial = false,
  } = options;
  const onProgress = reporter.progress?.bind(reporter);
  let result: MergeResult | undefined;
  const files = {
    ...mergedFiles,
    ...(mergeIndividual ? { index: join(individualFolder, indexFile) } : {}),
  };
  await remember(
    stagesFile,
    {
      name: `merge ${outputDir}`,
      inputs: stagesFile && [{ inputDir, mergeIndividual, normalize, partial }, await sourceStamps(inputDir)],
      outputs: Object.values(files).map((name) => join(outputDir, name)),
    },
    async () => {
      const onLog = (line: string) => reporter.log(line);
      result = await stoppable(
        "Merging",
        () => merge(inputDir, { ...options, onProgress, onLog, abortSignal }),
        `${outputDir} is as it was before.`,
      );
    },
  );
  const merged = result ?? (await readMerged(outputDir));
  const { numUtterances, speakers, failures } = merged;
  const failed = failures.length > 0 ? `; ${quantity(failures.length, "file")} failed (failed.jsonl)` : "";
  const absent = merged.missing > 0 ? `; ${quantity(merged.missing, "file")} still to be embedded` : "";
  const what = `${quantity(numUtterances, "utterance")} of ${quantity(speakers.length, "speaker")}`;
  reporter.log(
    `${result === undefined ? `Unchanged: ${what} in` : `Merged ${what} into`} ${outputDir}${failed}${absent}`,
  );
  if (computeSimilarity) await compareSpeakers(outputDir, settings, context);
  return merged;
}

/**
 * Stamps that change with the contents of an extraction's folder. A log only grows, so size and time tell; every run rewrites
 * the corpus list, mostly with the same content, so its digest tells; pickles count for the Python pipeline's folders.
 */
async function sourceStamps(folder: string): Promise<unknown[]> {
  const stamps: unknown[] = [];
  const names = existsSync(folder) ? (await readdir(folder)).sort(compare) : [];
  for (const name of names) {
    const path = join(folder, name);
    if (/^(rank_\d+|shard_\d+_of_\d+)$/.test(name)) stamps.push([name, await sourceStamps(path)]);
    else if (name === "corpus.jsonl") stamps.push([name, await digestOf(path)]);
    else if (name === "embeddings.log") stamps.push([name, stampOf(path)]);
    else if (name.endsWith("_embeddings.pkl") && !names.includes("embeddings.log"))
      stamps.push([name, stampOf(path)]);
  }
  return stamps;
}
