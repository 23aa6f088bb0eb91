import type { Span } from "../types.js";

/*
 * What a source gives: an entry for each utterance as its manifest has it, or the line that cannot be understood. What is
 * done with them is the same for all sources (plan.ts).
 */

/** An utterance as a manifest has it. */
export interface Entry {
  /** Its line in the file that lists utterances, from 1. */
  line?: number;
  /** As it is written. */
  path: string;
  /** Left out: what the path says. */
  utteranceId?: string;
  speakerId?: string | null;
  dataset?: string;
  session?: string;
  span?: Span;
  channel?: number;
  seconds?: number;
  fields?: Record<string, unknown>;
  /** Member of an archive, or cell of a Parquet file, with the name by which it is known there. */
  inside?: { name: string; offset?: number; size: number; cell?: { row: number; column: string } };
}

/** A line that cannot be understood. */
export interface BadEntry {
  line?: number;
  path?: string;
  utteranceId?: string;
  /** What is wrong, as a sentence that names the line. */
  reason: string;
}

/** What a source has read of a manifest. */
export interface Listing {
  /** The file that the lines are of. */
  file: string;
  entries: AsyncIterable<Entry | BadEntry>;
  /** How it is understood, in words: known once the entries have been read. */
  notes: string[];
  /** What looks wrong in it, in words: known once the entries have been read. */
  warnings: string[];
  /** Where relative paths are looked for, the likeliest first. */
  folders: readonly string[];
  /** The name of the data set, where the entries have none. */
  dataset: string;
}

/**
 * A listing that warns of nothing.
 *
 * @param entriesOf gives the entries, and puts into `notes` how they are understood
 */
export function listingOf(
  about: Pick<Listing, "file" | "folders" | "dataset">,
  entriesOf: (notes: string[]) => Listing["entries"],
): Listing {
  const notes: string[] = [];
  return { ...about, entries: entriesOf(notes), notes, warnings: [] };
}

export const isBad = (entry: Entry | BadEntry): entry is BadEntry => "reason" in entry;
