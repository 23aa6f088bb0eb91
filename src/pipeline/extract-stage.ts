import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import type { Corpus } from "../corpus/corpus.js";
import { layout } from "../corpus/layout.js";
import { bundledModel } from "../embed/open-model.js";
import { type ExtractOptions, extract } from "../extract/extract.js";
import type { ExtractResult } from "../extract/extract-result.js";
import { pythonJson } from "../format/json.js";
import { readJsonObject } from "../format/read-json.js";
import { quantity } from "../shared/text.js";
import { partFolder, rankFolder, recordingOf } from "../store/extraction.js";
import { countBy } from "../util/count-by.js";
import { readJsonLines } from "../util/json-lines.js";
import { writeFile } from "../util/write-file.js";
import type { CompareSettings } from "./compare-speakers.js";
import { type CorpusSettings, openCorpus } from "./open-corpus.js";
import type { StageContext } from "./stage.js";

/** The options of `extract`, and those of the scan before and the comparison after it. */
export interface ExtractSettings
  extends Omit<ExtractOptions, "onProgress" | "onLog" | "abortSignal">,
    CorpusSettings,
    CompareSettings {
  computeSimilarity?: boolean;
}

/** Reports how a corpus was understood. */
function describeCorpus(corpus: Corpus, log: (line: string) => void): void {
  const { root, utterances, failures, manifest } = corpus;
  if (manifest === undefined) log(`Corpus ${root}: ${quantity(utterances.length, "file")}`);
  else {
    log(
      `Corpus ${manifest.path} (${manifest.format}): ${quantity(utterances.length, "utterance")}, audio in ${root}`,
    );
    for (const note of manifest.notes) log(`  ${note}`);
  }
  for (const { dataset, speakers, files } of layout(corpus))
    log(
      `  data set ${dataset}: ${speakers === 0 ? "unknown speakers" : quantity(speakers, "speaker")}, ${quantity(files, manifest === undefined ? "file" : "utterance")}`,
    );
  if (manifest !== undefined && failures.length > 0)
    log(
      `Warning: ${quantity(failures.length, "utterance")} of the manifest cannot be embedded. The first: ${failures[0]!.reason}`,
    );
}

/** Stage 1: scans the corpus, reports its layout, and embeds the files that are not embedded yet. */
export async function extractStage(settings: ExtractSettings, context: StageContext): Promise<ExtractResult> {
  const { reporter, abortSignal } = context;
  const { computeSimilarity = false, ...options } = settings;
  const onProgress = reporter.progress?.bind(reporter);
  const corpus = await openCorpus({ ...options, onProgress, abortSignal });
  describeCorpus(corpus, reporter.log.bind(reporter));
  for (const warning of corpus.warnings) reporter.log(`Warning: ${warning}`);
  const folder = partFolder(options.outputDir ?? "embeddings_output", settings.shard);
  const other = await otherCorpus(folder, corpus);
  if (other !== undefined)
    reporter.log(
      `Warning: ${folder} holds the embeddings of another corpus, ${other}. A merge of it will hold those of ${corpus.manifest?.path ?? corpus.root} alone and replace ` +
        "earlier results. To keep both, stop this and give other folders (--output_dir, and --final_dir of run)",
    );
  reporter.log("Each rank below is a process that embeds its part of the files");
  reporter.log(`Model ${options.modelPath ?? `${basename(bundledModel)}, the bundled one`}`);
  const result = await extract(corpus, {
    ...options,
    onProgress,
    onLog: (line) => reporter.log(line),
    abortSignal,
  });
  const { outputDir, embedded, failures, doubts } = result;
  reporter.log(`Embedded ${embedded} of ${quantity(result.total, "file")} into ${outputDir}`);
  if (failures.length > 0) {
    const stages = counts(failures, ({ stage }) => stage);
    reporter.log(
      `Warning: ${quantity(failures.length, "file")} ${failures.length === 1 ? "was" : "were"} not embedded (${stages}): see failed.jsonl in the rank folders. ` +
        `The first, ${failures[0]!.path}: ${failures[0]!.reason}`,
    );
  }
  // How much speech a file holds is no doubt.
  const doubtful = doubts.filter(({ warning }) => warning !== "speech");
  if (doubtful.length > 0) {
    const kinds = counts(doubtful, ({ warning }) => warning);
    reporter.log(
      `Warning: ${quantity(doubtful.length, "doubtful file")} ${doubtful.length === 1 ? "was" : "were"} embedded (${kinds}): see warnings.jsonl in the rank folders`,
    );
  }
  if (computeSimilarity)
    for (const { rank } of result.ranks)
      await compareRank(rankFolder(partFolder(outputDir, settings.shard), rank), settings, context);
  return result;
}

/** How many there are of each kind: `decode 2, read 1`. */
const counts = <Row>(rows: readonly Row[], kindOf: (row: Row) => string): string =>
  Array.from(countBy(rows, kindOf), ([kind, count]) => `${kind} ${count}`).join(", ");

/** The root of the corpus that a folder was filled from, where its first files are none of this one. */
async function otherCorpus(folder: string, { utterances }: Corpus): Promise<string | undefined> {
  const path = join(folder, "corpus.jsonl");
  if (!existsSync(path)) return undefined;
  const files = new Set(utterances.map(({ file }) => file));
  let root: string | undefined;
  let seen = 0;
  for await (const row of readJsonLines<{ root?: string; file?: string }>(path)) {
    root ??= row.root;
    if (row.file === undefined) continue;
    // The list may be one of segments.
    if (files.has(row.file) || files.has(recordingOf(row.file))) return undefined;
    if (++seen === 100) break;
  }
  return seen > 0 ? root : undefined;
}

/** Compares the speakers of one rank, beside its embeddings. */
async function compareRank(folder: string, settings: CompareSettings, context: StageContext): Promise<void> {
  // Loaded where it is asked for: with the charts it takes 20 ms of CPU time.
  const { compareSpeakers } = await import("./compare-speakers.js");
  const compared = await compareSpeakers(folder, settings, context);
  const path = join(folder, "metadata.json");
  const metadata = readJsonObject(path, "The metadata");
  await writeFile(path, pythonJson({ ...metadata, similarity_computed: compared }));
}
