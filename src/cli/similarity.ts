import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { type CompareVectorsOptions, compareVectors } from "../comparison/compare-vectors.js";
import { mostNamedNeighbours } from "../comparison/write-comparison.js";
import { invalid, stoppable } from "../errors.js";
import { mergedFiles, similarityFiles } from "../merged/files.js";
import { readSpeakerList } from "../merged/read-speaker-list.js";
import { thresholdIn } from "../pipeline/measure-threshold.js";
import { quantity, thresholdText, whole } from "../shared/text.js";
import { backend } from "../similarity/backend.js";
import type { SimilarityResult } from "../similarity/similarity.js";
import { checkSameModel, readProvenance } from "../store/provenance.js";
import { checkWritable } from "../util/make-folder.js";
import { interruptSignal } from "./interrupt.js";
import * as options from "./options.js";
import { openReporter } from "./reporter.js";

interface Settings {
  embeddings: string;
  outputDir: string;
  level: "speaker" | "utterance";
  similarityThreshold?: number | "eer";
  similarityBackend?: string;
  topK?: number;
  matrix?: boolean;
  maxPairs: number;
  against?: string;
  rows?: [number, number];
  blockRows: number;
}

/** Registers `speakerscope similarity`. */
export function similarityCommand(program: Command): void {
  program
    .command("similarity")
    .option(
      "--embeddings <path>",
      "what merging wrote, an export of it (.parquet, .npz, .ark), or vectors: .npy, .npz, a pickle",
      "final_embeddings",
    )
    .addOption(options.formerly("--input <path>", "embeddings"))
    .option("--output-dir <folder>", "where the results are written", "similarity")
    .addOption(
      new Option("--level <what>", "compare speakers or utterances")
        .choices(["speaker", "utterance"])
        .default("speaker"),
    )
    .addOption(options.similarityThreshold())
    .addOption(options.similarityBackend())
    .option(
      "--top-k <n>",
      "neighbours to find for every row, into neighbours.csv (default: none)",
      options.positiveInteger("top k"),
    )
    .option("--matrix", "write the whole matrix (default: up to 20,000 rows)")
    .option("--no-matrix", "do not write the matrix")
    .option(
      "--max-pairs <n>",
      "list at most the most similar so many pairs; all are counted",
      options.wholeNumber("pairs"),
      1_000_000,
    )
    .option("--against <path>", "compare with these instead of with each other, such as another data set")
    .option(
      "--rows <from:to>",
      "compare these rows only and store them; with all rows there, join them",
      range,
    )
    .option(
      "--block-rows <n>",
      "with --rows: store every so many rows",
      options.positiveInteger("block"),
      12_288,
    )
    .action((settings: Settings) => run(settings));
}

async function run(settings: Settings): Promise<void> {
  const { embeddings: input, against, outputDir, rows, topK = 0 } = settings;
  const reporter = openReporter();
  try {
    checkWritable(outputDir);
    const { line } = await backend(settings.similarityBackend);
    reporter.log(line);
    const doubt = against && checkSameModel(readProvenance(input), readProvenance(against));
    if (doubt) reporter.log(`Warning: ${doubt}`);
    const compareOptions: CompareVectorsOptions = {
      level: settings.level,
      threshold: await thresholdOf(settings),
      backend: settings.similarityBackend,
      topK,
      matrix: settings.matrix,
      maxPairs: settings.maxPairs,
      against,
      rowRange: rows,
      blockRows: settings.blockRows,
      onProgress: (progress) => reporter.progress(progress),
      onWait: (line) => reporter.log(line),
      abortSignal: interruptSignal(),
    };
    const compared = await stoppable(
      "Comparing",
      () => compareVectors(input, outputDir, compareOptions),
      rows === undefined
        ? "Nothing was written."
        : `Whole blocks of rows are kept in ${outputDir}/similarity_rows. Run the same command again to go on.`,
    );
    const { result } = compared;
    reporter.close();
    if (compared.joinedElsewhere)
      reporter.log(`Another process joins the rows at the same time, and writes the result to ${outputDir}`);
    else if (result === undefined)
      reporter.log(
        `Rows ${rows?.join(":")} are stored in ${outputDir}/similarity_rows; other rows are still missing`,
      );
    else for (const text of report(result, outputDir)) reporter.log(text);
  } finally {
    reporter.close();
  }
}

/** The threshold to use; `eer` needs labels, which a folder of merged embeddings has. */
async function thresholdOf({
  embeddings: input,
  similarityThreshold,
}: Settings): Promise<number | undefined> {
  if (similarityThreshold !== "eer") return similarityThreshold;
  const folder = /_embeddings\.pkl$/.test(input) ? dirname(input) : input;
  if (!existsSync(join(folder, mergedFiles.speakerList)))
    throw invalid(
      `--similarity_threshold eer needs speaker labels, which ${input} does not have. Give a folder that merging wrote, or a number.`,
      { path: input },
    );
  return thresholdIn(folder, "eer", readSpeakerList(folder));
}

/** What people look at first comes first. */
const writtenFiles = [
  "neighbours.csv",
  "pairs.csv",
  similarityFiles.matrix,
  similarityFiles.summary,
  "neighbours_index.npy",
  "neighbours_score.npy",
];

function* report({ statistics: s, pairs, neighbours }: SimilarityResult, folder: string): Generator<string> {
  if (s.totalPairs === 0) yield "One row only: there is no pair to compare";
  else
    yield `${quantity(s.totalPairs, "pair")}: mean ${s.mean.toFixed(4)}, std ${s.std.toFixed(4)}, median ${s.median.toFixed(4)}, ` +
      `min ${s.min.toFixed(4)}, max ${s.max.toFixed(4)}; ${whole(s.highPairs)} at or above ${thresholdText(s.threshold)}`;
  if (s.highPairs > pairs.length)
    yield `Warning: only the ${pairs.length} most similar of them are listed (--max_pairs, or a higher --similarity_threshold)`;
  const rows = neighbours?.index.length ?? 0;
  if (rows > mostNamedNeighbours)
    yield `neighbours.csv was left out, because it would have ${whole(rows)} rows: neighbours_index.npy and neighbours_score.npy hold them`;
  yield `Written to ${folder}: ${writtenFiles.filter((name) => existsSync(join(folder, name))).join(", ")}`;
}

function range(text: string): [number, number] {
  const [, from, to] = /^(\d+):(\d+)$/.exec(text) ?? [];
  if (from === undefined || Number(from) >= Number(to))
    throw new InvalidArgumentError("must be from:to, such as 0:10000");
  return [Number(from), Number(to)];
}
