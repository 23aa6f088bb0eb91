import type { Corpus } from "./corpus.js";

export interface DatasetLayout {
  dataset: string;
  speakers: number;
  files: number;
  bytes: number;
}

/**
 * How a scan understood the folders, a row for each data set. Look at it before any work: in a scan that began a level
 * too high or too low, data sets and speakers are confused.
 *
 * @returns data sets in the order of the scan; unknown speakers are not counted; `bytes` is the size of their files
 * @example
 * layout(await scan("data/speech"));
 */
export function layout({ utterances }: Pick<Corpus, "utterances">): DatasetLayout[] {
  const datasets = new Map<string, { speakers: Set<string>; files: number; bytes: number }>();
  for (const { dataset, speakerId, size } of utterances) {
    let entry = datasets.get(dataset);
    if (entry === undefined) {
      entry = { speakers: new Set(), files: 0, bytes: 0 };
      datasets.set(dataset, entry);
    }
    if (speakerId !== null) entry.speakers.add(speakerId);
    entry.files++;
    entry.bytes += size;
  }
  return Array.from(datasets, ([dataset, { speakers, files, bytes }]) => ({
    dataset,
    speakers: speakers.size,
    files,
    bytes,
  }));
}
