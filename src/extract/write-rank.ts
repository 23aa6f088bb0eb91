import { join } from "node:path";
import { pythonJson } from "../format/json.js";
import {
  doubtsOf,
  type Extraction,
  embeddedUtterances,
  failuresOf,
  type RankLog,
} from "../store/extraction.js";
import { openIndividualWriter } from "../store/individual-writer.js";
import { speakerMeans } from "../store/speaker-means.js";
import { writeEmbeddings } from "../store/write-embeddings.js";
import { jsonLines } from "../util/json-lines.js";
import { writeFile } from "../util/write-file.js";

export interface WriteRankOptions {
  normalize: boolean;
  individualFolder: string | undefined;
  worldSize: number;
}

/** Writes what a rank's folder shows beside its log: the pickles, metadata.json, failed.jsonl and warnings.jsonl. */
export async function writeRank(
  extraction: Extraction,
  log: RankLog,
  options: WriteRankOptions,
): Promise<void> {
  const { normalize, individualFolder, worldSize } = options;
  const own = {
    ...extraction,
    failures: [],
    outcomes: extraction.outcomes.map((o) => (o?.log === log ? o : undefined)),
  };
  const utteranceKeys: string[] = [];
  const speakers = await writeEmbeddings(log.folder, embeddedUtterances(extraction, log), {
    normalize,
    onUtterance: ({ key }) => utteranceKeys.push(key),
  });
  const metadata = {
    rank: log.rank,
    world_size: worldSize,
    device: log.device ?? null,
    num_utterances: utteranceKeys.length,
    num_speakers: speakers.length,
    utterance_keys: utteranceKeys,
    speaker_keys: speakers.map(({ key }) => key),
    similarity_computed: false,
    individual_files_saved: individualFolder !== undefined,
    num_failed: failuresOf(own).length,
    extraction: log.identity ?? null,
  };
  await writeFile(join(log.folder, "metadata.json"), pythonJson(metadata));
  await writeFile(join(log.folder, "failed.jsonl"), jsonLines(failuresOf(own)));
  await writeFile(join(log.folder, "warnings.jsonl"), jsonLines(doubtsOf(own)));
}

/**
 * Completes the folder of individual pickles: the speakers' (over all ranks), and the utterances' that an earlier run
 * without `saveIndividual` left out, or that a power failure cut. Then all of them are brought onto the disk at once.
 */
export async function writeIndividual(
  extraction: Extraction,
  folder: string,
  { normalize }: { normalize: boolean },
): Promise<void> {
  const means = speakerMeans({ normalize });
  const files = openIndividualWriter(folder, { keep: true });
  for await (const utterance of embeddedUtterances(extraction)) {
    means.add(utterance);
    files.utterance(utterance);
  }
  for (const speaker of means.speakers()) files.speaker(speaker);
  files.sync();
}
