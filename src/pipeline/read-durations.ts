import { isFailure, readCorpusLists, readExtraction } from "../store/extraction.js";

/**
 * How long each embedded utterance is, in seconds by its key, from the logs of an extraction: nothing is decoded.
 * Empty for a folder without logs, such as the Python pipeline's.
 *
 * @example
 * const seconds = await readDurations(workspace.outputDir);
 */
export async function readDurations(outputDir: string): Promise<Map<string, number>> {
  const lists = await readCorpusLists(outputDir);
  const durations = new Map<string, number>();
  if (lists === undefined) return durations;
  const { utterances, outcomes } = await readExtraction(outputDir, lists);
  outcomes.forEach((outcome, index) => {
    const stored = outcome?.record.meta;
    if (stored !== undefined && !isFailure(stored)) durations.set(utterances[index]!.key, stored.seconds);
  });
  return durations;
}
