import type { Command } from "commander";
import { type ReportSettings, reportStage } from "../pipeline/report-stage.js";
import * as options from "./options.js";
import { printLine } from "./print.js";

export function analyzeCommand(program: Command): void {
  program
    .command("analyze")
    .option("--results-dir <folder>", "what merging wrote", "final_embeddings")
    .option("--output-csv <file>", "table of the pairs (default: similarity_analysis.csv in the results)")
    .addOption(options.minSimilarity())
    .addOption(options.maxResults())
    .action(async (settings: ReportSettings) => {
      await reportStage(settings, { reporter: { log: printLine } });
    });
}
