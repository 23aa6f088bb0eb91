import { resolve } from "node:path";
import type { AudioSource } from "../types.js";
import type { DecisionKind } from "./decision.js";
import type { Named } from "./names.js";

/** What became of one recording. */
export interface Change {
  /** The name that the decision has it under. */
  key: string;
  /** Data set and speaker as they were. */
  from: string | null;
  /** As they are now; null where it was left out. */
  to: string | null;
  change: "drop" | "relabel";
  /** The decision that did it. */
  kind: DecisionKind;
  by: string;
  /** Its audio, by which it is known again in a corrected manifest, where its key is another. */
  audio?: string;
}

/** What the audio of a recording is known by, where it has one. */
export function audioOf(row: Named & Partial<AudioSource>): string | undefined {
  const { path, span, offset, cell, channel } = row;
  if (path === undefined) return undefined;
  const part = { span, offset, cell, channel };
  return Object.values(part).every((value) => value === undefined)
    ? resolve(path)
    : JSON.stringify([resolve(path), span, offset, cell, channel]);
}
