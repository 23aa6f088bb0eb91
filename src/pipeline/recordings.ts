import { join } from "node:path";
import { loadAudio } from "../audio/load-audio.js";
import type { Corpus } from "../corpus/corpus.js";
import { type AudioReader, openAudio } from "../corpus/open-audio.js";
import { reasonOf, throwIfAborted } from "../errors.js";
import { quantity } from "../shared/text.js";
import { showRows } from "../show/show-as.js";
import type { AudioSource, Utterance } from "../types.js";
import { allJsonLines, jsonLines } from "../util/json-lines.js";
import { writeFile } from "../util/write-file.js";
import { remember } from "./remember.js";
import type { StageContext } from "./stage.js";

/** Facts about an audio file of a corpus. */
export interface Recording extends Partial<AudioSource> {
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
  const inputs = sample.map(({ file, path, size, mtimeMs }) => [file, path, size, mtimeMs]);
  const ran = await remember(
    stagesFile,
    { name: `recordings ${output}`, inputs, outputs: [output] },
    async () => {
      const rows: Recording[] = [];
      const reader = openAudio();
      try {
        for (const utterance of sample) {
          throwIfAborted("Looking into recordings", abortSignal);
          rows.push(await recordingOf(utterance, reader));
        }
      } finally {
        await reader.close();
      }
      await writeFile(output, jsonLines(rows));
    },
  );
  const rows = await allJsonLines<Recording>(output);
  const all = quantity(utterances.length, "recording");
  const part = count < utterances.length ? `a sample of ${count} of ${all}` : all;
  reporter.log(`${ran ? "Decoded" : "Unchanged: decoded before,"} ${part}`);
  return showRows(rows, "recording");
}

async function recordingOf(utterance: Utterance, reader: AudioReader): Promise<Recording> {
  const { dataset, speakerId, file, path, size, mtimeMs, span, offset, cell, channel } = utterance;
  const isFile = span === undefined && offset === undefined && cell === undefined;
  // A part can be played by them.
  const part = isFile && channel === undefined ? {} : { size, mtimeMs, span, offset, cell, channel };
  const whose = { dataset, speakerId, file, path, ...part };
  try {
    const audio = isFile ? path : (await reader.read(utterance)).bytes;
    const { seconds, originalSampleRate: sampleRate, channels, format, codec } = await loadAudio(audio);
    return { ...whose, seconds, sampleRate, channels, format, codec };
  } catch (error) {
    return { ...whose, problem: reasonOf(error) };
  }
}
