import { join } from "node:path";
import { missing, throwIfAborted } from "../errors.js";
import { pythonJson, pythonJsonChunks } from "../format/json.js";
import {
  checkIdentity,
  doubtsOf,
  type EmbeddedUtterance,
  type Extraction,
  embeddedNames,
  embeddedUtterances,
  failuresOf,
  readCorpusLists,
  readExtraction,
} from "../store/extraction.js";
import { type WriteEmbeddingsOptions, writeEmbeddings } from "../store/write-embeddings.js";
import type { Doubt, Failure, LongTask, Progress, SpeakerEmbedding } from "../types.js";
import { countBy } from "../util/count-by.js";
import { jsonLines } from "../util/json-lines.js";
import { writeFile } from "../util/write-file.js";
import { openIndividualWriter } from "./individual-writer.js";
import { readPickledRanks } from "./read-pickled-ranks.js";

export interface MergeOptions extends LongTask<Extract<Progress, { stage: "merge" }>> {
  /** Folder for the merged files. */
  outputDir?: string;
  /** Average unit vectors for the speakers. */
  normalize?: boolean;
  /** Write a pickle for every utterance and speaker too. */
  mergeIndividual?: boolean;
  /** Go on although files of the corpus are neither embedded nor failed yet. */
  partial?: boolean;
}

export interface MergeResult {
  outputDir: string;
  utterances: number;
  speakers: SpeakerEmbedding[];
  failures: Failure[];
  doubts: Doubt[];
  /** Files of the corpus of which nothing is known yet; only with `partial`. */
  missing: number;
}

/**
 * Merges what the ranks of an extraction wrote into one set of files.
 *
 * The embedding of a speaker is computed anew from its utterances in path order, so a speaker whose files were spread
 * over ranks comes out right, and the files are the same to the byte for any number of ranks. Folders of the Python
 * pipeline (pickles alone) are merged too.
 *
 * @throws `missing` when there is nothing to merge, or when files are still to be embedded and `partial` is off
 *
 * @example
 * const { speakers } = await merge("embeddings_output", { outputDir: "final_embeddings" })
 */
export async function merge(inputDir: string, options: MergeOptions = {}): Promise<MergeResult> {
  const { outputDir = "final_embeddings", mergeIndividual = true, partial = false } = options;
  const source = await openSource(inputDir, partial);
  return writeMerged(outputDir, source, { ...options, mergeIndividual });
}

/** Utterances to merge, in path order, and what else is known of the corpus. */
export interface MergeSource {
  utterances: () => ReturnType<typeof embeddedUtterances>;
  /** The same utterances once more, for the list: without their embeddings. */
  names: () => Iterable<Omit<EmbeddedUtterance, "embedding">>;
  total: number;
  failures: Failure[];
  doubts: Doubt[];
  missing: number;
}

async function openSource(inputDir: string, partial: boolean): Promise<MergeSource> {
  const lists = await readCorpusLists(inputDir);
  if (lists === undefined) {
    const source = await readPickledRanks(inputDir);
    if (source !== undefined) return source;
    throw missing("merge", "extraction", {
      path: inputDir,
      want: "a folder that `speakerscope extract` wrote",
    });
  }
  const { absent } = lists;
  if (absent.length > 0 && !partial)
    throw missing("merge", `${absent.length} of ${absent[0]!.count} shards`, {
      got: `no list of shard ${absent.map(({ index }) => index).join(", ")}`,
      want: "those shards to run, or --partial",
      path: inputDir,
    });
  const extraction = await readExtraction(inputDir, lists);
  const known = extraction.logs.find(({ identity }) => identity !== undefined)?.identity;
  if (known !== undefined) checkIdentity(extraction, known);
  const unknown = extraction.outcomes.filter((outcome) => outcome === undefined).length;
  if (unknown > 0 && !partial) throw incomplete(extraction, unknown);
  const failures = failuresOf(extraction);
  const total = extraction.utterances.length + extraction.failures.length - failures.length - unknown;
  if (total === 0)
    throw missing("merge", "embeddings", {
      got: "none",
      want: "a file that could be embedded",
      path: inputDir,
    });
  return {
    utterances: () => embeddedUtterances(extraction),
    names: () => embeddedNames(extraction),
    total,
    failures,
    doubts: doubtsOf(extraction),
    missing: unknown,
  };
}

function incomplete({ folder, outcomes, utterances }: Extraction, unknown: number): Error {
  const first = utterances[outcomes.indexOf(undefined)]!.path;
  return missing("merge", `${unknown} of ${utterances.length} files`, {
    got: `an extraction that is not finished (${first} is to do)`,
    want: "the extract command once more, or --partial",
    path: folder,
  });
}

function* listRows({ names }: MergeSource): Generator<unknown> {
  for (const { key, dataset, speakerId, utteranceId, path } of names())
    yield { key, dataset, speaker_id: speakerId, utterance_id: utteranceId, path };
}

async function writeMerged(
  outputDir: string,
  source: MergeSource,
  options: MergeOptions & { mergeIndividual: boolean },
): Promise<MergeResult> {
  const { normalize = false, mergeIndividual, onProgress, abortSignal } = options;
  const individual = mergeIndividual
    ? openIndividualWriter(join(outputDir, "embeddings_individual"))
    : undefined;
  let count = 0;
  const datasets = new Map<string, { speakers: number; utterances: number }>();
  const onUtterance: WriteEmbeddingsOptions["onUtterance"] = (utterance) => {
    throwIfAborted("merge", abortSignal);
    count++;
    const counts = datasets.get(utterance.dataset) ?? { speakers: 0, utterances: 0 };
    datasets.set(utterance.dataset, counts);
    counts.utterances++;
    individual?.addUtterance(utterance);
    if (count % 1000 === 0) onProgress?.({ stage: "merge", done: count, total: source.total });
  };
  try {
    const speakers = await writeEmbeddings(outputDir, source.utterances(), { normalize, onUtterance });
    for (const speaker of speakers) {
      datasets.get(speaker.dataset)!.speakers++;
      individual?.addSpeaker(speaker);
    }
    onProgress?.({ stage: "merge", done: count, total: source.total });
    await writeFile(join(outputDir, "utterance_list.json"), pythonJsonChunks(listRows(source)));
    await writeFile(
      join(outputDir, "speaker_list.json"),
      pythonJson(
        speakers.map(({ key, dataset, speakerId, numUtterances }) => ({
          key,
          dataset,
          speaker_id: speakerId,
          num_utterances: numUtterances,
        })),
      ),
    );
    await individual?.finish();
    const { failures, doubts } = source;
    await writeFile(join(outputDir, "failed.jsonl"), jsonLines(failures));
    await writeFile(join(outputDir, "warnings.jsonl"), jsonLines(doubts));
    await writeFile(
      join(outputDir, "summary.json"),
      pythonJson({
        total_utterances: count,
        total_speakers: speakers.length,
        datasets,
        num_datasets: datasets.size,
        individual_files_available: mergeIndividual,
        ...(mergeIndividual
          ? { individual_file_counts: { utterances: count, speakers: speakers.length } }
          : {}),
        failed_utterances: failures.length,
        failed_by_stage: countBy(failures, ({ stage }) => stage),
        warnings: doubts.length,
        missing_utterances: source.missing,
      }),
    );
    return { outputDir, utterances: count, speakers, failures, doubts, missing: source.missing };
  } catch (error) {
    individual?.discard();
    throw error;
  }
}
