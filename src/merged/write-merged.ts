import { join } from "node:path";
import type { AudioChecks } from "../checks/audio-checks.js";
import { checksFile, checksRow } from "../checks/checks-file.js";
import { spellingWarnings } from "../corpus/spelling-warnings.js";
import { throwIfAborted } from "../errors.js";
import { pythonJson, pythonJsonChunks } from "../format/json.js";
import { readJsonRows } from "../format/read-json.js";
import { quantity } from "../shared/text.js";
import type { EmbeddedUtterance, ExtractionIdentity } from "../store/extraction.js";
import { type WriteEmbeddingsOptions, writeEmbeddings } from "../store/write-embeddings.js";
import type { Doubt, Failure, LongTask, Progress, SpeakerEmbedding, Utterance } from "../types.js";
import { countBy } from "../util/count-by.js";
import { jsonLines } from "../util/json-lines.js";
import { writeFile } from "../util/write-file.js";
import { writeTogether } from "../util/write-together.js";
import { individualFolder, mergedFiles } from "./files.js";
import { openIndexedWriter } from "./individual-folder.js";
import { openStaging, type Replaced, type Staging } from "./staging.js";

/** The utterances to merge, in path order, and what else is known of the corpus. */
export interface MergeSource {
  utterances: () => AsyncIterable<EmbeddedUtterance>;
  /** The same utterances without their embeddings, for the lists, with what else is known of them. */
  names: () => Iterable<NamedUtterance>;
  /** What was measured of the audio; left out where nothing was. */
  checks?: () => AsyncIterable<AudioChecks>;
  total: number;
  failures: Failure[];
  doubts: Doubt[];
  /** How the embeddings were made; unknown of the Python pipeline's. */
  provenance?: ExtractionIdentity;
  /** Number of files that have neither been embedded nor failed yet. */
  missing: number;
}

/** Who and where an utterance is, and what its source said of it. */
export type NamedUtterance = Omit<EmbeddedUtterance, "embedding"> &
  Partial<Pick<Utterance, "file" | "span" | "cell" | "channel" | "session" | "seconds" | "fields">>;

export interface WriteMergedOptions extends LongTask<Extract<Progress, { stage: "merge" }>> {
  normalize: boolean;
  mergeIndividual: boolean;
  /** Receives lines for the user: what of an earlier merge is replaced or deleted. */
  onLog?: (line: string) => void;
}

/** What the merged files of a folder hold. */
export interface Merged {
  outputDir: string;
  numUtterances: number;
  speakers: SpeakerEmbedding[];
  failures: Failure[];
  doubts: Doubt[];
  missing: number;
}

/**
 * Writes the merged files of a folder.
 *
 * They replace those of an earlier merge once they are complete. A comparison of other speakers is deleted; files that
 * somebody else put there stay.
 *
 * @throws `conflict` when another process is merging into the folder
 */
export async function writeMerged(
  outputDir: string,
  source: MergeSource,
  options: WriteMergedOptions,
): Promise<Merged> {
  const { onLog, abortSignal } = options;
  return writeTogether(outputDir, { purpose: "merging", onWait: onLog, abortSignal }, async (files) => {
    const warning = onLog && replacedFiles(outputDir, source);
    if (warning) onLog?.(warning);
    if (onLog) for (const spelling of spellingWarnings(source.names())) onLog(`Warning: ${spelling}`);
    const staging = openStaging(outputDir, files);
    const merged = await writeFiles(outputDir, staging, source, options);
    for (const line of linesOf(await staging.commit(), outputDir)) onLog?.(line);
    return merged;
  });
}

async function writeFiles(
  outputDir: string,
  { folder }: Staging,
  source: MergeSource,
  { normalize, mergeIndividual, onProgress, abortSignal }: WriteMergedOptions,
): Promise<Merged> {
  const individual = mergeIndividual
    ? openIndexedWriter(join(folder, individualFolder), join(outputDir, individualFolder))
    : undefined;
  let utterances = 0;
  const datasets = new Map<string, { speakers: number; utterances: number }>();
  const onUtterance: WriteEmbeddingsOptions["onUtterance"] = (utterance) => {
    throwIfAborted("Merging", abortSignal);
    utterances++;
    const counts = datasets.get(utterance.dataset) ?? { speakers: 0, utterances: 0 };
    datasets.set(utterance.dataset, counts);
    counts.utterances++;
    individual?.addUtterance(utterance);
    if (utterances % 1000 === 0) onProgress?.({ stage: "merge", done: utterances, total: source.total });
  };
  const speakers = await writeEmbeddings(folder, source.utterances(), { normalize, onUtterance });
  for (const speaker of speakers) {
    datasets.get(speaker.dataset)!.speakers++;
    individual?.addSpeaker(speaker);
  }
  onProgress?.({ stage: "merge", done: utterances, total: source.total });
  await individual?.finish();
  const { failures, doubts, missing } = source;
  const write = (name: keyof typeof mergedFiles, text: Parameters<typeof writeFile>[1]) =>
    writeFile(join(folder, mergedFiles[name]), text);
  await write("utteranceList", pythonJsonChunks(utteranceRows(source)));
  await write("speakerList", pythonJsonChunks(speakerRows(speakers)));
  await write("utteranceFacts", jsonLines(factRows(source)));
  await write("provenance", pythonJson(source.provenance ?? {}));
  if (source.checks !== undefined) await writeFile(join(folder, checksFile), checksLines(source.checks()));
  await write("failures", jsonLines(failures));
  await write("doubts", jsonLines(doubts));
  await write(
    "summary",
    pythonJson({
      total_utterances: utterances,
      total_speakers: speakers.length,
      datasets,
      num_datasets: datasets.size,
      individual_files_available: mergeIndividual,
      ...(mergeIndividual ? { individual_file_counts: { utterances, speakers: speakers.length } } : {}),
      failed_utterances: failures.length,
      failed_by_stage: countBy(failures, ({ stage }) => stage),
      warnings: doubts.length,
      missing_utterances: missing,
    }),
  );
  return { outputDir, numUtterances: utterances, speakers, failures, doubts, missing };
}

function* utteranceRows({ names }: MergeSource): Generator<unknown> {
  for (const { key, dataset, speakerId, utteranceId, path } of names())
    yield { key, dataset, speaker_id: speakerId, utterance_id: utteranceId, path };
}

/** What is known of each utterance, so that it survives the clean-up of the rank folders. */
function* factRows({ names }: MergeSource): Generator<unknown> {
  for (const { key, path, file, span, cell, channel, session, seconds, fields } of names())
    yield { key, path, source: file, span, row: cell?.row, channel, session, seconds, fields };
}

async function* checksLines(checks: AsyncIterable<AudioChecks>): AsyncGenerator<string> {
  for await (const row of checks) yield `${JSON.stringify(checksRow(row))}\n`;
}

function* speakerRows(speakers: readonly SpeakerEmbedding[]): Generator<unknown> {
  for (const { key, dataset, speakerId, numUtterances } of speakers)
    yield { key, dataset, speaker_id: speakerId, num_utterances: numUtterances };
}

/** A warning when a folder holds results for files that are not among those to merge, such as another corpus. */
function replacedFiles(outputDir: string, { names }: MergeSource): string | undefined {
  let held: unknown[];
  try {
    held = readJsonRows(join(outputDir, mergedFiles.utteranceList), "The utterance list").map(
      ({ path }) => path,
    );
  } catch {
    return undefined;
  }
  const paths = new Set<unknown>(Array.from(names(), ({ path }) => path));
  const gone = held.filter((path) => !paths.has(path));
  if (gone.length === 0) return undefined;
  return (
    `Warning: ${outputDir} holds the embeddings of ${quantity(held.length, "file")}, and ${gone.length} of them ${gone.length === 1 ? "is" : "are"} not among the ` +
    `${paths.size} to be merged now (such as ${gone[0]}): its files are replaced`
  );
}

function* linesOf({ comparison, individual, others }: Replaced, outputDir: string): Generator<string> {
  if (comparison.length > 0)
    yield `Deleted from ${outputDir}, because they compare other speakers than it holds now: ${comparison.join(", ")}`;
  if (individual)
    yield `Deleted the individual files of an earlier merge from ${join(outputDir, individualFolder)}: none are written now`;
  if (others.length > 0)
    yield `Left ${quantity(others.length, "file")} in ${join(outputDir, individualFolder)} that merging did not write, such as ${others[0]}`;
}
