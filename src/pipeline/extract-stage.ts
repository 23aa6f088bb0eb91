import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { layout } from "../corpus/layout.js";
import { scan } from "../corpus/scan.js";
import { bundledModel } from "../embed/open-model.js";
import { type ExtractOptions, type ExtractResult, extract } from "../extract/extract.js";
import { pythonJson } from "../format/json.js";
import { partFolder, rankFolder } from "../store/extraction.js";
import { countBy } from "../util/count-by.js";
import { writeFile } from "../util/write-file.js";
import type { CompareSettings } from "./compare-speakers.js";
import type { StageContext } from "./stage.js";

/** The options of `extract`, and those of the scan before and the comparison after it. */
export interface ExtractSettings
  extends Omit<ExtractOptions, "onProgress" | "onLog" | "abortSignal">,
    CompareSettings {
  dataRoot: string;
  computeSimilarity?: boolean;
}

/** Stage 1: scans the corpus, reports its layout, and embeds the files that are not embedded yet. */
export async function extractStage(settings: ExtractSettings, context: StageContext): Promise<ExtractResult> {
  const { reporter, abortSignal } = context;
  const { dataRoot, computeSimilarity = false, ...options } = settings;
  const onProgress = reporter.progress?.bind(reporter);
  const corpus = await scan(dataRoot, { ...options, onProgress, abortSignal });
  reporter.log(`Corpus ${dataRoot}: ${corpus.utterances.length} files`);
  for (const { dataset, speakers, files } of layout(corpus))
    reporter.log(`  data set ${dataset}: ${speakers} speakers, ${files} files`);
  for (const warning of corpus.warnings) reporter.log(`Warning: ${warning}`);
  reporter.log(`Model ${options.modelPath ?? `${basename(bundledModel)}, the bundled one`}`);
  const result = await extract(corpus, {
    ...options,
    onProgress,
    onLog: (line) => reporter.log(line),
    abortSignal,
  });
  const { outputDir, embedded, failures, doubts } = result;
  reporter.log(`Embedded ${embedded} of ${result.total} files into ${outputDir}`);
  if (failures.length > 0) {
    const stages = Array.from(
      countBy(failures, ({ stage }) => stage),
      ([stage, count]) => `${stage} ${count}`,
    );
    reporter.log(
      `Warning: ${failures.length} files were not embedded (${stages.join(", ")}): see failed.jsonl in the rank folders`,
    );
  }
  if (doubts.length > 0) {
    const kinds = Array.from(
      countBy(doubts, ({ warning }) => warning),
      ([warning, count]) => `${warning} ${count}`,
    );
    reporter.log(
      `Warning: ${doubts.length} doubtful files were embedded (${kinds.join(", ")}): see warnings.jsonl in the rank folders`,
    );
  }
  if (computeSimilarity)
    for (const { rank } of result.ranks)
      await compareRank(rankFolder(partFolder(outputDir, settings.shard), rank), settings, context);
  return result;
}

/** Compares the speakers of one rank, beside its embeddings. */
async function compareRank(folder: string, settings: CompareSettings, context: StageContext): Promise<void> {
  // Loaded where it is asked for: with the charts it takes 20 ms of CPU time.
  const { compareSpeakers } = await import("./compare-speakers.js");
  const compared = await compareSpeakers(folder, settings, context);
  const path = join(folder, "metadata.json");
  const metadata = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  await writeFile(path, pythonJson({ ...metadata, similarity_computed: compared }));
}
