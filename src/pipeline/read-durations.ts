import { embeddedNames, readCorpusLists, readExtraction } from "../store/extraction.js";

/**
 * How long each embedded utterance is, in seconds by its key, from the logs of an extraction: nothing is decoded.
 * Empty for a folder without logs, such as the Python pipeline's.
 *
 * @example
 * const seconds = await readDurations(workspace.outputDir);
 */
export async function readDurations(outputDir: string): Promise<Map<string, number>> {
  const lists = await readCorpusLists(outputDir);
  if (lists === undefined) return new Map();
  const embedded = embeddedNames(await readExtraction(outputDir, lists));
  return new Map(Array.from(embedded, ({ key, seconds }) => [key, seconds!]));
}
