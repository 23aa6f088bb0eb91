import { renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { SpeakerEmbedding, UtteranceEmbedding } from "../types.js";
import { makeFolder } from "../util/make-folder.js";
import { namePath } from "../util/name-path.js";
import { syncFolder } from "../util/sync-folder.js";
import { removeLeftovers, temporaryIn } from "../util/temporary.js";
import { individualSpeaker, individualUtterance, speakerPath, utterancePath } from "./individual.js";

/** Writes individual pickles, each a whole file or none. They are on the disk after `sync` alone. */
export interface IndividualWriter {
  /** @returns where it lies */
  utterance(utterance: Omit<UtteranceEmbedding, "key">): string;
  speaker(speaker: SpeakerEmbedding): string;
  /** Brings all of them onto the disk at once. */
  sync(): void;
}

export interface IndividualWriterOptions {
  /** Leave an utterance's file that is there with the right size. */
  keep?: boolean;
  /** Nobody reads the folder yet, so a file need not be written beside its place and renamed. */
  unseen?: boolean;
}

/** Opens the one writer of the pickles in an embeddings_individual folder. Folders are made as they are needed. */
export function openIndividualWriter(
  folder: string,
  { keep = false, unseen = false }: IndividualWriterOptions = {},
): IndividualWriter {
  const made = new Set<string>();
  const write = (path: string, bytes: Uint8Array): string => {
    const parent = dirname(path);
    const temporary = unseen ? path : temporaryIn(parent);
    try {
      if (!made.has(parent)) {
        makeFolder(parent);
        if (!unseen) removeLeftovers(parent);
      }
      made.add(parent);
      writeFileSync(temporary, bytes);
      if (!unseen) renameSync(temporary, path);
    } catch (error) {
      if (!unseen) rmSync(temporary, { force: true });
      throw namePath(error, path);
    }
    return path;
  };
  return {
    utterance(utterance) {
      const path = utterancePath(folder, utterance);
      const bytes = individualUtterance(utterance);
      const isThere = keep && statSync(path, { throwIfNoEntry: false })?.size === bytes.length;
      return isThere ? path : write(path, bytes);
    },
    speaker: (speaker) => write(speakerPath(folder, speaker), individualSpeaker(speaker)),
    sync: () => syncFolder(folder),
  };
}
