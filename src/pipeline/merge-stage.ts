import { type MergeResult, merge } from "../merge/merge.js";
import { type CompareSettings, compareSpeakers } from "./compare-speakers.js";
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
  const { inputDir = "embeddings_output", computeSimilarity = false, ...options } = settings;
  const onProgress = reporter.progress?.bind(reporter);
  const result = await merge(inputDir, { ...options, onProgress, abortSignal });
  const { outputDir, utterances, speakers, failures } = result;
  const failed = failures.length > 0 ? `; ${failures.length} files failed (failed.jsonl)` : "";
  const absent = result.missing > 0 ? `; ${result.missing} files are still to be embedded` : "";
  reporter.log(
    `Merged ${utterances} utterances of ${speakers.length} speakers into ${outputDir}${failed}${absent}`,
  );
  if (computeSimilarity) await compareSpeakers(outputDir, settings, context);
  return result;
}
