import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { pythonJsonChunks } from "../format/json.js";
import type { EmbeddedUtterance } from "../store/extraction.js";
import { individualSpeaker, individualUtterance, speakerPath, utterancePath } from "../store/individual.js";
import type { SpeakerEmbedding } from "../types.js";
import { writeFile } from "../util/write-file.js";

/** Writes a pickle for every utterance and speaker, and an index of them. */
export interface IndividualWriter {
  addUtterance(utterance: EmbeddedUtterance): void;
  addSpeaker(speaker: SpeakerEmbedding): void;
  /** Writes file_index.json and puts the new folder in the place of the old one. */
  finish(): Promise<void>;
  /** Throws away what was written. */
  discard(): void;
}

/**
 * Opens a writer for embeddings_individual.
 *
 * The folder is built beside its place, so that the old one stays whole until the new one is, and a file of an
 * utterance that is gone does not stay behind.
 */
export function openIndividualWriter(folder: string): IndividualWriter {
  const building = `${folder}.tmp`;
  const old = `${folder}.old`;
  rmSync(building, { recursive: true, force: true });
  const made = new Set<string>();
  const index = { utterances: new Map<string, string>(), speakers: new Map<string, string>() };
  const add = (kind: keyof typeof index, key: string, path: string, bytes: Uint8Array) => {
    const parent = dirname(path);
    if (!made.has(parent)) mkdirSync(parent, { recursive: true });
    made.add(parent);
    writeFileSync(path, bytes);
    index[kind].set(key, join(folder, relative(building, path)));
  };
  return {
    addUtterance: (utterance) =>
      add("utterances", utterance.key, utterancePath(building, utterance), individualUtterance(utterance)),
    addSpeaker: (speaker) =>
      add("speakers", speaker.key, speakerPath(building, speaker), individualSpeaker(speaker)),
    async finish() {
      await writeFile(join(building, "file_index.json"), pythonJsonChunks(index));
      rmSync(old, { recursive: true, force: true });
      try {
        renameSync(folder, old);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      }
      renameSync(building, folder);
      rmSync(old, { recursive: true, force: true });
    },
    discard: () => rmSync(building, { recursive: true, force: true }),
  };
}
