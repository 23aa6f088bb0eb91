import { missing } from "../errors.js";
import { type Merged, type MergeSource, writeMerged } from "../merged/write-merged.js";
import { quantity } from "../shared/text.js";
import { failuresAndDoubts } from "../show/failure-table.js";
import { showAs } from "../show/show-as.js";
import {
  audioChecks,
  checkIdentity,
  doubtsOf,
  type Extraction,
  embeddedNames,
  embeddedUtterances,
  failuresOf,
  hasChecks,
  readCorpusLists,
  readExtraction,
} from "../store/extraction.js";
import { showEmbeddings } from "../store/show-embeddings.js";
import type { LongTask, Progress } from "../types.js";
import { holdsNo } from "../util/holds-no.js";
import { readPickledRanks } from "./read-pickled-ranks.js";

export interface MergeOptions extends LongTask<Extract<Progress, { stage: "merge" }>> {
  /** Folder for the merged files; default `final_embeddings`. */
  outputDir?: string;
  /** Average unit vectors for the speakers; default false. */
  normalize?: boolean;
  /** Also write a pickle for every utterance and speaker; default true. */
  mergeIndividual?: boolean;
  /** Merge although files of the corpus are still to be embedded; default false. */
  partial?: boolean;
  /** Receives lines for the user: what of an earlier merge is replaced, deleted or left. */
  onLog?: (line: string) => void;
}

export type MergeResult = Merged;

/**
 * Merges what the ranks (the processes of an extraction) wrote into one set of files.
 *
 * Each speaker's embedding is recomputed from its utterances in path order, so it does not matter how they were spread over
 * ranks: the files are the same, byte for byte, for any number of ranks. Folders of the Python pipeline (pickles alone) are
 * merged too. A comparison of other speakers in the output folder is deleted.
 *
 * @throws `missing` when there is nothing to merge, or files are still to be embedded and `partial` is false; `conflict` when
 * another process is merging into the folder
 *
 * @example
 * const { speakers } = await merge("embeddings_output", { outputDir: "final_embeddings" })
 */
export async function merge(inputDir: string, options: MergeOptions = {}): Promise<MergeResult> {
  const {
    outputDir = "final_embeddings",
    normalize = false,
    mergeIndividual = true,
    partial = false,
  } = options;
  const source = await openSource(inputDir, partial);
  return showMerged(await writeMerged(outputDir, source, { ...options, normalize, mergeIndividual }));
}

function showMerged(merged: Merged): Merged {
  showEmbeddings(merged.speakers, "speaker");
  return showAs(merged, ({ outputDir, numUtterances, speakers, failures, doubts, missing }) => ({
    title: `${quantity(numUtterances, "utterance")} of ${quantity(speakers.length, "speaker")} merged into ${outputDir}`,
    parts: [
      missing === 0 ? "" : `${quantity(missing, "file")} still to be embedded`,
      ...failuresAndDoubts(failures, doubts),
    ],
  }));
}

/** The utterances to merge from the folder of an extraction. */
export async function openSource(inputDir: string, partial: boolean): Promise<MergeSource> {
  const lists = await readCorpusLists(inputDir);
  if (lists === undefined) {
    const source = await readPickledRanks(inputDir);
    if (source !== undefined && source.total > 0) return source;
    throw holdsNo(inputDir, "embeddings of ranks", "Give a folder that `speakerscope extract` wrote.");
  }
  const { absent } = lists;
  if (absent.length > 0 && !partial)
    throw missing(
      `${absent.length} of ${quantity(absent[0]!.count, "shard")} ${absent.length === 1 ? "has" : "have"} not begun in ${inputDir}: ${absent.map(({ index }) => index).join(", ")}. Run them, or merge what is there with --partial.`,
      { path: inputDir },
    );
  const extraction = await readExtraction(inputDir, lists);
  const known = extraction.logs.find(({ identity }) => identity !== undefined)?.identity;
  if (known !== undefined) checkIdentity(extraction, known);
  const unknown = extraction.outcomes.filter((outcome) => outcome === undefined).length;
  if (unknown > 0 && !partial) throw incomplete(extraction, unknown);
  const failures = failuresOf(extraction);
  const total = extraction.utterances.length + extraction.failures.length - failures.length - unknown;
  if (total === 0)
    throw missing(
      `${inputDir} holds no embedding, so there is nothing to merge. failed.jsonl in the rank folders says why no file was embedded.`,
      { path: inputDir },
    );
  return {
    utterances: () => embeddedUtterances(extraction),
    names: () => embeddedNames(extraction),
    ...(hasChecks(extraction) ? { checks: () => audioChecks(extraction) } : {}),
    total,
    failures,
    doubts: doubtsOf(extraction),
    missing: unknown,
    provenance: known,
  };
}

function incomplete({ folder, outcomes, utterances }: Extraction, unknown: number): Error {
  const first = utterances[outcomes.indexOf(undefined)]!.path;
  return missing(
    `${unknown} of ${quantity(utterances.length, "file")} in ${folder} ${unknown === 1 ? "is" : "are"} still to be embedded, such as ${first}. Run the extract command again, or merge what is there with --partial.`,
    { path: folder },
  );
}
