import { createInterface } from "node:readline/promises";
import { type Command, Option } from "commander";
import { type PipelineSettings, runPipeline } from "../pipeline/run-pipeline.js";
import { printable } from "../shared/printable.js";
import { packageRoot } from "../util/package-root.js";
import { interruptSignal } from "./interrupt.js";
import * as options from "./options.js";
import { printLine } from "./print.js";
import { openReporter } from "./reporter.js";
import { resolveSettings } from "./settings.js";

const stage = (name: string, description: string) =>
  new Option(`--${name} <n>`, description).choices(["1", "2", "3", "4"]);

export function runCommand(program: Command): void {
  const command = program
    .command("run")
    .description("All stages in a row: 1 extract, 2 merge and compare, 3 report, 4 clean up.")
    .addOption(stage("stage", "first stage (default: 1)"))
    .addOption(stage("stop-stage", "last stage (default: 3)"))
    .addOption(options.dataRoot())
    .option("--output-dir <folder>", "what the ranks write", "embeddings_output")
    .option("--final-dir <folder>", "what merging writes", "final_embeddings");
  options
    .addExtractionOptions(command)
    .addOption(options.saveIndividual().default(true))
    .addOption(options.mergeIndividual())
    .addOption(options.computeSimilarity().default(true))
    .addOption(options.partial())
    .option(
      "--output-csv <file>",
      "table of the pairs (default: similarity_analysis.csv in the merged files)",
    )
    .addOption(options.minSimilarity())
    .addOption(options.maxResults())
    .option("--settings <file>", "YAML or JSON with flags as keys; flags and environment go before it")
    .addOption(options.flag("yes", "do not ask before stage 4 deletes").default(false))
    .addOption(options.logFile())
    .addHelpText(
      "after",
      "\nThe environment may set COMPUTE_SIMILARITY, SIMILARITY_THRESHOLD, SAVE_INDIVIDUAL, MERGE_INDIVIDUAL, BATCH_SIZE and GPUS." +
        `\nThe speech that comes with the package lies in ${packageRoot}/data/speech.`,
    )
    .action(async (_options: unknown, command: Command) => {
      const settings = resolveSettings(command, command.opts<{ settings?: string }>().settings);
      const {
        logFile,
        yes,
        stage: first,
        stopStage: last,
        ...rest
      } = settings as Record<string, unknown> & { logFile: string };
      const reporter = openReporter({ logFile });
      try {
        await runPipeline(
          {
            ...options.inOptions(rest as PipelineSettings),
            ...(first === undefined ? {} : { stage: Number(first) }),
            ...(last === undefined ? {} : { stopStage: Number(last) }),
            confirm: yes ? async () => true : ask,
          },
          { reporter, abortSignal: interruptSignal() },
        );
      } finally {
        reporter.close();
      }
    });
}

/** Asks in the terminal; without a terminal the answer is no. */
async function ask(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    printLine(`${question} (no terminal to answer in: --yes deletes)`);
    return false;
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`${printable(question)} [y/N] `);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}
