import { speakerIdentity } from "../util/speaker-identity.js";
import { type Layout, layoutPresets, parseLayout } from "./layout-pattern.js";

/** A well-known corpus that files look like. */
export interface LooksLike {
  /** The name of its layout. */
  layout: string;
  /** The name of the corpus. */
  corpus: string;
  read: Layout["read"];
}

/** A preset fits when at least this share of the files does: there are always a few that are something else. */
const leastShare = 0.9;

/**
 * The well-known corpus that files look like.
 *
 * @param paths below the root, without their extensions
 */
export function looksLike(paths: readonly string[]): LooksLike | undefined {
  for (const [layout, { corpus }] of Object.entries(layoutPresets)) {
    if (layout === "flat") continue;
    const { read } = parseLayout(layout);
    const fitting = paths.filter((path) => read(path) !== undefined).length;
    if (fitting > 0 && fitting >= leastShare * paths.length) return { layout, corpus, read };
  }
  return undefined;
}

/**
 * Whether folders that were taken for data sets look like speakers, and those taken for speakers like their sessions: there
 * are several, and most of them hold fewer `speakers` than there are data sets.
 *
 * @param speakers numbers of them, by data set
 */
export function looksTooLow(speakers: readonly number[]): boolean {
  return (
    speakers.length >= 3 && speakers.filter((count) => count < speakers.length).length > speakers.length / 2
  );
}

/**
 * Whether folders that were taken for speakers look like data sets: all files lie deeper, and there are fewer such
 * `speakers` in a data set than folders in one of them.
 *
 * @param utterances by data set and speaker, with the folders below the speaker in their names
 */
export function looksTooHigh(
  utterances: readonly { dataset: string; speakerId: string | null; utteranceId: string }[],
): boolean {
  const datasets = new Set<string>();
  const speakers = new Set<string>();
  const folders = new Set<string>();
  for (const utterance of utterances) {
    const slash = utterance.utteranceId.indexOf("/");
    if (slash < 0) return false;
    const speaker = speakerIdentity(utterance);
    datasets.add(utterance.dataset);
    speakers.add(speaker);
    folders.add(`${speaker}\0${utterance.utteranceId.slice(0, slash)}`);
  }
  return folders.size / speakers.size > speakers.size / datasets.size;
}
