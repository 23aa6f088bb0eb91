import { createInterface } from "node:readline/promises";
import { type Command, Option } from "commander";
import { checkCorpusSettings } from "../pipeline/open-corpus.js";
import { type PipelineSettings, runPipeline } from "../pipeline/run-pipeline.js";
import { printable } from "../shared/printable.js";
import { interruptSignal } from "./interrupt.js";
import * as options from "./options.js";
import { printLine } from "./print.js";
import { openReporter } from "./reporter.js";
import { resolveSettings } from "./settings.js";
import { spareInputs } from "./spare-inputs.js";

const stage = (name: string, description: string) =>
  new Option(`--${name} <n>`, description).choices(["1", "2", "3", "4"]);

export function runCommand(program: Command): void {
  const command = program
    .command("run")
    .addOption(stage("stage", "first stage (default: 1)"))
    .addOption(stage("stop-stage", "last stage (default: 3, or the first one if that is 4)"))
    .option("--output-dir <folder>", "what the ranks write", "embeddings_output")
    .option("--final-dir <folder>", "what merging writes", "final_embeddings");
  options.addCorpusOptions(command);
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
    .addOption(options.flag("audit", "look for what is wrong with the labels in stage 3").default(true))
    .option("--settings <file>", "YAML or JSON with flags as keys; flags and environment go before it")
    .addOption(options.flag("yes", "do not ask before stage 4 deletes").default(false))
    .addOption(options.logFile())
    .addHelpText(
      "after",
      "\nThe environment may set COMPUTE_SIMILARITY, SIMILARITY_THRESHOLD, SAVE_INDIVIDUAL, MERGE_INDIVIDUAL, BATCH_SIZE and GPUS.",
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
      options.checkComparison(settings);
      checkCorpusSettings(settings);
      spareInputs("run", settings);
      const reporter = openReporter({ logFile });
      for (const flag of idleFlags(
        command,
        Number(first ?? 1),
        Number(last ?? Math.max(3, Number(first ?? 1))),
      ))
        reporter.log(`Note: ${flag} has no effect, because its stage does not run`);
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

/** The flags that only other stages read. */
function idleFlags(command: Command, first: number, last: number): string[] {
  // That no stage runs is an error, which says so.
  if (first > last) return [];
  const stagesOf: Record<string, number[]> = { outputDir: [1, 2, 4], finalDir: [2, 3, 4], normalize: [1, 2] };
  for (const name of ["mergeIndividual", "partial"]) stagesOf[name] = [2];
  for (const name of ["outputCsv", "minSimilarity", "maxResults", "audit"]) stagesOf[name] = [3];
  for (const name of ["computeSimilarity", "similarityThreshold", "similarityBackend"])
    stagesOf[name] = [2, 3];
  for (const name of ["stage", "stopStage", "settings", "logFile"]) stagesOf[name] = [1, 2, 3, 4];
  stagesOf.yes = [4];
  return command.options
    .filter((option) => {
      const name = option.attributeName();
      const stages = stagesOf[name] ?? [1];
      return (
        command.getOptionValueSource(name) === "cli" &&
        !stages.some((stage) => stage >= first && stage <= last)
      );
    })
    .map(({ long }) => long!.slice(2).replaceAll("-", "_"))
    .map((name) => `--${name}`);
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
