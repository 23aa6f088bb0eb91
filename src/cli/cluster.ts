import { type Command, Option } from "commander";
import { cluster } from "../cluster/cluster.js";
import { invalid, stoppable } from "../errors.js";
import { type CorpusSettings, checkCorpusSettings, openCorpus } from "../pipeline/open-corpus.js";
import { publishClusters, spareManifest } from "../pipeline/publish-clusters.js";
import { readNamedVectors } from "../store/read-vectors.js";
import { writeTogether } from "../util/write-together.js";
import { interruptSignal } from "./interrupt.js";
import { addCorpusOptions, cosine, positiveInteger } from "./options.js";
import { openReporter } from "./reporter.js";

interface Settings extends CorpusSettings {
  embeddings: string;
  outputDir: string;
  count?: number;
  threshold?: number;
}

/** Registers `speakerscope cluster`. */
export function clusterCommand(program: Command): void {
  const command = program
    .command("cluster")
    .option(
      "--embeddings <path>",
      "what merging wrote, an export of it (.parquet, .npz), or vectors with keys",
      "final_embeddings",
    )
    .option("--output-dir <folder>", "where the people are written", "clusters")
    .addOption(
      new Option("--count <n>", "how many people there are (default: as many as the voices say)").argParser(
        positiveInteger("number of people"),
      ),
    )
    .addOption(
      new Option(
        "--threshold <cosine>",
        "join voices whose mean cosine is at least this (default: found in the corpus)",
      )
        .argParser(cosine("threshold"))
        .conflicts("count"),
    )
    .action(run);
  addCorpusOptions(command);
}

async function run({ embeddings, outputDir, count, threshold, ...ofCorpus }: Settings): Promise<void> {
  const reporter = openReporter();
  try {
    const abortSignal = interruptSignal();
    const onProgress = reporter.progress.bind(reporter);
    const onWait = (line: string) => reporter.log(line);
    await writeTogether(outputDir, { purpose: "clustering", onWait, abortSignal }, async (files) => {
      spareManifest(outputDir);
      const utterances = await readNamedVectors(embeddings);
      if (utterances.length === 0)
        throw invalid(`There are no utterances in ${embeddings}.`, { path: embeddings });
      const hasCorpus = ofCorpus.dataRoot !== undefined || ofCorpus.manifest !== undefined;
      if (hasCorpus) checkCorpusSettings(ofCorpus);
      const corpus = hasCorpus ? await openCorpus({ ...ofCorpus, onProgress, abortSignal }) : undefined;
      const clustering = await stoppable(
        "The clustering",
        () => cluster(utterances, { count, threshold, onProgress, abortSignal }),
        "Nothing was written.",
      );
      reporter.close();
      await publishClusters(
        files,
        clustering,
        { embeddings, outputDir, places: corpus?.utterances, utterances },
        { reporter, abortSignal },
      );
    });
  } finally {
    reporter.close();
  }
}
