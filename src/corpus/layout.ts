import type { Corpus } from "./scan.js";

export interface DatasetLayout {
  dataset: string;
  speakers: number;
  files: number;
  bytes: number;
}

/** What the scan understood, a row a data set: shown before any work, so that a wrong level is noticed. */
export function layout({ utterances }: Pick<Corpus, "utterances">): DatasetLayout[] {
  const datasets = new Map<string, { speakers: Set<string>; files: number; bytes: number }>();
  for (const { dataset, speakerId, size } of utterances) {
    let entry = datasets.get(dataset);
    if (entry === undefined) {
      entry = { speakers: new Set(), files: 0, bytes: 0 };
      datasets.set(dataset, entry);
    }
    entry.speakers.add(speakerId);
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
