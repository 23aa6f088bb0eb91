import { type Command, Option } from "commander";
import { cluster } from "../cluster/cluster.js";
import { invalid } from "../errors.js";
import { type CorpusSettings, checkCorpusSettings, openCorpus } from "../pipeline/open-corpus.js";
import { publishClusters } from "../pipeline/publish-clusters.js";
import { readVectors } from "../store/read-vectors.js";
import { checkWritable } from "../util/make-folder.js";
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
    .addHelpText("after", "\nEvery flag may be written with underscores: --output_dir.")
    .action(run);
  addCorpusOptions(command);
}

async function run({ embeddings, outputDir, count, threshold, ...ofCorpus }: Settings): Promise<void> {
  const reporter = openReporter();
  try {
    checkWritable(outputDir);
    const abortSignal = interruptSignal();
    const onProgress = reporter.progress.bind(reporter);
    const { rows, info } = await readVectors(embeddings, { level: "utterance" });
    if (!Array.isArray(rows))
      throw invalid(
        `The embeddings in ${embeddings} have no names. Give a .npz file with keys, or what merging wrote.`,
        { path: embeddings },
      );
    if (rows.length === 0) throw invalid(`There are no utterances in ${embeddings}.`, { path: embeddings });
    const utterances = (rows as { embedding: Float32Array }[]).map(({ embedding }, i) => ({
      key: info[i].key,
      embedding,
    }));
    const hasCorpus = ofCorpus.dataRoot !== undefined || ofCorpus.manifest !== undefined;
    if (hasCorpus) checkCorpusSettings(ofCorpus);
    const corpus = hasCorpus ? await openCorpus({ ...ofCorpus, onProgress, abortSignal }) : undefined;
    const clustering = await cluster(utterances, { count, threshold, onProgress, abortSignal });
    reporter.close();
    await publishClusters(
      clustering,
      { embeddings, outputDir, places: corpus?.utterances },
      { reporter, abortSignal },
    );
  } finally {
    reporter.close();
  }
}
