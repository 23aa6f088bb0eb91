import type { Command } from "commander";
import { type MergeSettings, mergeStage } from "../pipeline/merge-stage.js";
import { interruptSignal } from "./interrupt.js";
import * as options from "./options.js";
import { openReporter } from "./reporter.js";

export function mergeCommand(program: Command): void {
  program
    .command("merge")
    .option("--input-dir <folder>", "what extract wrote", "embeddings_output")
    .option("--output-dir <folder>", "where the merged files go", "final_embeddings")
    .addOption(options.computeSimilarity())
    .addOption(options.similarityThreshold())
    .addOption(options.similarityBackend())
    .addOption(options.mergeIndividual())
    .addOption(options.normalize())
    .addOption(options.partial())
    .addOption(options.logFile())
    .action(async ({ logFile, ...settings }: MergeSettings & { logFile: string }) => {
      options.checkComparison(settings);
      const reporter = openReporter({ logFile });
      try {
        await mergeStage(options.inOptions(settings), { reporter, abortSignal: interruptSignal() });
      } finally {
        reporter.close();
      }
    });
}
