import { join } from "node:path";
import { loadAudio } from "../audio/load-audio.js";
import type { Corpus } from "../corpus/corpus.js";
import { reasonOf, throwIfAborted } from "../errors.js";
import type { Utterance } from "../types.js";
import { jsonLines, readJsonLines } from "../util/json-lines.js";
import { writeFile } from "../util/write-file.js";
import { remember } from "./remember.js";
import type { StageContext } from "./stage.js";

/** Facts about an audio file of a corpus. */
export interface Recording {
  dataset: string;
  /** Null where the speaker is unknown. */
  speakerId: string | null;
  /** Path below the root of the corpus. */
  file: string;
  path: string;
  /** Length. This and the fields below are undefined where the file cannot be decoded. */
  seconds?: number;
  /** Samples per second, as in the file. */
  sampleRate?: number;
  channels?: number;
  format?: string;
  codec?: string;
  /** Why it cannot be decoded. */
  problem?: string;
}

export interface RecordingsSettings {
  /** Folder of `recordings.jsonl`, which keeps the result. */
  resultsDir: string;
  stagesFile?: string;
  /** Of a larger corpus only an even sample of this many files is decoded; default 1000. */
  maxFiles?: number;
}

/**
 * Decodes the recordings of a corpus, or a sample of a large one, for their lengths, rates and formats. A file that cannot
 * be decoded is a row with its `problem`.
 *
 * @example
 * corpusOverview(await recordings(corpus, workspace, { reporter: console }));
 */
export async function recordings(
  { utterances }: Pick<Corpus, "utterances">,
  { resultsDir, stagesFile, maxFiles = 1000 }: RecordingsSettings,
  { reporter, abortSignal }: StageContext,
): Promise<Recording[]> {
  const output = join(resultsDir, "recordings.jsonl");
  const count = Math.min(maxFiles, utterances.length);
  const sample = Array.from(
    { length: count },
    (_, k) => utterances[Math.floor(((k + 0.5) * utterances.length) / count)]!,
  );
  const inputs = sample.map(({ path, size, mtimeMs }) => [path, size, mtimeMs]);
  const ran = await remember(
    stagesFile,
    { name: `recordings ${output}`, inputs, outputs: [output] },
    async () => {
      const rows: Recording[] = [];
      for (const utterance of sample) {
        throwIfAborted("Looking into recordings", abortSignal);
        rows.push(await recordingOf(utterance));
      }
      await writeFile(output, jsonLines(rows));
    },
  );
  const rows: Recording[] = [];
  for await (const row of readJsonLines<Recording>(output)) rows.push(row);
  const part = count < utterances.length ? `a sample of ${count} of ${utterances.length}` : `${count}`;
  reporter.log(`${ran ? "Decoded" : "Unchanged: decoded before,"} ${part} recordings`);
  return rows;
}

async function recordingOf({ dataset, speakerId, file, path }: Utterance): Promise<Recording> {
  const whose = { dataset, speakerId, file, path };
  try {
    const { seconds, originalSampleRate: sampleRate, channels, format, codec } = await loadAudio(path);
    return { ...whose, seconds, sampleRate, channels, format, codec };
  } catch (error) {
    return { ...whose, problem: reasonOf(error) };
  }
}
