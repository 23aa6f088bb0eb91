import type { Command } from "commander";
import { type ExtractSettings, extractStage } from "../pipeline/extract-stage.js";
import { checkCorpusSettings } from "../pipeline/open-corpus.js";
import { interruptSignal } from "./interrupt.js";
import * as options from "./options.js";
import { openReporter } from "./reporter.js";
import { parseShard, shardFromEnvironment } from "./shard.js";

export function extractCommand(program: Command): void {
  const command = program.command("extract");
  options.addCorpusOptions(command);
  command.option("--output-dir <folder>", "where the rank folders go", "embeddings_output");
  options
    .addExtractionOptions(command)
    .addOption(options.saveIndividual())
    .addOption(options.computeSimilarity())
    .option(
      "--shard <i/n>",
      "only part i of n, from 0 (default: what Slurm, torchrun or Kubernetes say)",
      parseShard,
    )
    .option(
      "--num-shards <n>",
      "number of shards, where the environment tells only the index",
      options.positiveInteger("number of shards"),
    )
    .addOption(options.logFile())
    .action(
      async ({
        logFile,
        numShards,
        ...settings
      }: ExtractSettings & { logFile: string; numShards?: number }) => {
        options.checkComparison(settings);
        checkCorpusSettings(settings);
        const reporter = openReporter({ logFile });
        const given = settings.shard === undefined ? shardFromEnvironment(process.env, numShards) : undefined;
        if (given !== undefined)
          reporter.log(`Shard ${given.shard.index}/${given.shard.count} from ${given.source}`);
        try {
          await extractStage(
            { shard: given?.shard, ...options.inOptions(settings) },
            { reporter, abortSignal: interruptSignal() },
          );
        } finally {
          reporter.close();
        }
      },
    );
}
