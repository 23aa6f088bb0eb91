import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { missing } from "../errors.js";
import type { StageContext } from "./stage.js";

export interface CleanSettings {
  outputDir?: string;
  finalDir?: string;
  /** Asked before anything is deleted. */
  confirm: (question: string) => Promise<boolean>;
}

/**
 * Stage 4: deletes what extraction left, once it is merged. The merged files stay.
 *
 * @throws `missing` when there are no merged files: then the rank folders are all there is
 */
export async function cleanStage(settings: CleanSettings, { reporter }: StageContext): Promise<void> {
  const { outputDir = "embeddings_output", finalDir = "final_embeddings", confirm } = settings;
  if (!existsSync(join(finalDir, "summary.json")))
    throw missing("clean up", "merged files", {
      path: finalDir,
      want: "stage 2 first: only the rank folders hold the embeddings",
    });
  const names = (await readdir(outputDir).catch(() => [] as string[])).filter((name) =>
    /^(rank_\d+|corpus\.jsonl|dataset_info\.json|embeddings_individual)$/.test(name),
  );
  if (names.length === 0) return reporter.log(`Nothing to clean up in ${outputDir}`);
  if (!(await confirm(`Delete ${names.join(", ")} in ${outputDir}? A later extraction starts over.`)))
    return reporter.log("Nothing deleted");
  for (const name of names) await rm(join(outputDir, name), { recursive: true, force: true });
  reporter.log(`Deleted ${names.join(", ")} in ${outputDir}`);
}
