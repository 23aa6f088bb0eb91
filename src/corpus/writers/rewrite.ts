import { existsSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { conflict, shown } from "../../errors.js";
import type { Utterance } from "../../types.js";
import { groupBy } from "../../util/group-by.js";
import { writeFile } from "../../util/write-file.js";
import { isMissing } from "../columns.js";

/*
 * What the writers of all formats share: they read the manifest again, and write it with the rows that the corpus still has.
 */

/** The utterances of a corpus by the line of the manifest that they stand on; a cut of Lhotse may hold several. */
export function byLine(utterances: readonly Utterance[]): Map<number, Utterance[]> {
  return groupBy(
    utterances.filter(({ line }) => line !== undefined),
    ({ line }) => line!,
  );
}

/** Writes text, packed where the name ends in .gz. */
export async function writeText(
  path: string,
  lines: AsyncIterable<string> | Iterable<string>,
): Promise<void> {
  if (!path.endsWith(".gz")) return writeFile(path, lines);
  const texts: string[] = [];
  for await (const line of lines) texts.push(line);
  return writeFile(path, gzipSync(texts.join("")));
}

/**
 * A path as it stands in the new manifest: as it was written, unless it is relative and would not be found from there.
 *
 * @param to the new manifest
 */
export function placed(written: string, { path }: Pick<Utterance, "path">, to: string): string {
  if (isAbsolute(written) || /^[a-z][a-z0-9+.-]*:\/\//i.test(written)) return written;
  const isThere = [written, join(dirname(to), written)].some((one) => resolve(one) === resolve(path));
  return isThere ? written : resolve(path);
}

/** Whether a cell says the same as the corpus. */
export const isSame = (cell: unknown, name: string | null): boolean =>
  (isMissing(cell) ? null : String(cell)) === name;

/** Which cells of a row change, by their role; a data set that the row does not name is not written into it. */
export function changesOf(
  cells: { path?: unknown; speaker?: unknown; dataset?: unknown },
  utterance: Utterance,
  to: string,
): { path?: string; speaker?: string | null; dataset?: string } {
  const { speakerId, dataset } = utterance;
  const written = cells.path === undefined || cells.path === null ? undefined : String(cells.path);
  const path = written === undefined ? undefined : placed(written, utterance, to);
  const hasDataset = !isSame(cells.dataset, null);
  return {
    ...(path === written ? {} : { path }),
    ...(isSame(cells.speaker, speakerId) ? {} : { speaker: speakerId }),
    ...(hasDataset && !isSame(cells.dataset, dataset) ? { dataset } : {}),
  };
}

export function noSpeakers(file: string, { speakerId, utteranceId }: Utterance): Error {
  return conflict(
    `${file} has no column of speakers, so that ${shown(speakerId)} cannot be written for ${shown(utteranceId)}. Write another format, such as .csv or .jsonl.`,
    { path: file },
  );
}

/** @throws `conflict` where a new file would be one that is still to be read */
export function refuseSame(path: string, sources: readonly string[]): void {
  const source = sources.find((source) => existsSync(source) && resolve(source) === resolve(path));
  if (source !== undefined)
    throw conflict(`${path} is the manifest that the corpus was read from. Give another path.`, { path });
}
