import { existsSync, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type MergeResult, merge } from "../merge/merge.js";
import { readEmbeddings } from "../store/read-embeddings.js";
import type { Doubt, Failure } from "../types.js";
import { compare } from "../util/compare.js";
import { readJsonLines } from "../util/json-lines.js";
import { type CompareSettings, compareSpeakers } from "./compare-speakers.js";
import { digestOf, remember, stampOf } from "./remember.js";
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
    ...(mergeIndividual ? { index: "embeddings_individual/file_index.json" } : {}),
  };
  await remember(
    stagesFile,
    {
      name: `merge ${outputDir}`,
      inputs: stagesFile && [{ inputDir, mergeIndividual, normalize, partial }, await sourceStamps(inputDir)],
      outputs: Object.values(files).map((name) => join(outputDir, name)),
    },
    async () => {
      result = await merge(inputDir, { ...options, onProgress, abortSignal });
    },
  );
  const merged = result ?? (await readMerged(outputDir));
  const { utterances, speakers, failures } = merged;
  const failed = failures.length > 0 ? `; ${failures.length} files failed (failed.jsonl)` : "";
  const absent = merged.missing > 0 ? `; ${merged.missing} files are still to be embedded` : "";
  const what = `${utterances} utterances of ${speakers.length} speakers`;
  reporter.log(
    `${result === undefined ? `Unchanged: ${what} in` : `Merged ${what} into`} ${outputDir}${failed}${absent}`,
  );
  if (computeSimilarity) await compareSpeakers(outputDir, settings, context);
  return merged;
}

const mergedFiles = {
  utterances: "utterance_embeddings.pkl",
  speakers: "speaker_embeddings.pkl",
  utteranceList: "utterance_list.json",
  speakerList: "speaker_list.json",
  failures: "failed.jsonl",
  doubts: "warnings.jsonl",
  summary: "summary.json",
};

/**
 * What tells one state of an extraction's folder from another. A log only grows; a corpus list is written anew by every
 * run, mostly with the same content; pickles are what the Python pipeline leaves.
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

/** What merging returned, from the files that it wrote. */
async function readMerged(outputDir: string): Promise<MergeResult> {
  const path = (name: keyof typeof mergedFiles) => join(outputDir, mergedFiles[name]);
  const summary = JSON.parse(readFileSync(path("summary"), "utf8")) as Record<string, number>;
  const failures: Failure[] = [];
  for await (const row of readJsonLines<Failure>(path("failures"))) failures.push(row);
  const doubts: Doubt[] = [];
  for await (const row of readJsonLines<Doubt>(path("doubts"))) doubts.push(row);
  return {
    outputDir,
    utterances: summary.total_utterances!,
    speakers: await readEmbeddings(outputDir),
    failures,
    doubts,
    missing: summary.missing_utterances!,
  };
}
