import { existsSync, lstatSync, readdirSync, renameSync, rmdirSync, rmSync, unlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { conflict, reasonOf } from "../errors.js";
import { pythonJsonChunks } from "../format/json.js";
import { isObject, readJsonObject } from "../format/read-json.js";
import type { EmbeddedUtterance } from "../store/extraction.js";
import { openIndividualWriter } from "../store/individual-writer.js";
import type { SpeakerEmbedding } from "../types.js";
import { makeFolder } from "../util/make-folder.js";
import { writeFile } from "../util/write-file.js";
import { indexFile, individualFolder } from "./files.js";

/** Writer of a pickle for every utterance and speaker, and an index of them. */
export interface IndexedWriter {
  addUtterance(utterance: EmbeddedUtterance): void;
  addSpeaker(speaker: SpeakerEmbedding): void;
  /** Writes the index, and flushes everything to disk. */
  finish(): Promise<void>;
}

/**
 * Opens a writer of individual files.
 *
 * @param building where they are written
 * @param folder where they will lie, for the index
 */
export function openIndexedWriter(building: string, folder: string): IndexedWriter {
  const files = openIndividualWriter(building, { unseen: true });
  const index = { utterances: new Map<string, string>(), speakers: new Map<string, string>() };
  const place = (path: string) => join(folder, relative(building, path));
  return {
    addUtterance: (utterance) => index.utterances.set(utterance.key, place(files.utterance(utterance))),
    addSpeaker: (speaker) => index.speakers.set(speaker.key, place(files.speaker(speaker))),
    async finish() {
      await writeFile(join(building, indexFile), pythonJsonChunks(index));
      files.sync();
    },
  };
}

/** Throws unless embeddings_individual in a folder of merged embeddings is a real folder, or missing. */
export function checkIndividualFolder(outputDir: string): void {
  const path = join(outputDir, individualFolder);
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats !== undefined && !stats.isDirectory())
    throw conflict(
      `${path} is ${stats.isSymbolicLink() ? "a link" : "no folder"}, so the individual files cannot be replaced as one. ` +
        "Move it away, or merge into another folder.",
      { path },
    );
}

/**
 * Clears a folder of old individual files that was moved aside: files in its index are deleted, others moved to `folder`.
 *
 * @returns how many were deleted, and the others, as paths below the folder
 */
export function putBackOthers(aside: string, folder: string): { deleted: number; others: string[] } {
  const known = indexedFiles(aside);
  const others: string[] = [];
  let deleted = 0;
  const walk = (below: string) => {
    for (const entry of readdirSync(join(aside, below), { withFileTypes: true })) {
      const name = join(below, entry.name);
      if (entry.isDirectory()) walk(name);
      else if (known.has(name)) {
        unlinkSync(join(aside, name));
        deleted++;
      } else if (name !== indexFile) others.push(name);
    }
    if (readdirSync(join(aside, below)).length === 0) rmdirSync(join(aside, below));
  };
  walk("");
  for (const name of others) putBack(join(aside, name), join(folder, name));
  // The index goes last, because a merge that was killed here resumes from it.
  rmSync(aside, { recursive: true, force: true });
  return { deleted, others };
}

function putBack(from: string, to: string): void {
  // A new output of that name replaces the old file.
  if (existsSync(to)) return;
  try {
    makeFolder(dirname(to));
    renameSync(from, to);
  } catch (cause) {
    throw conflict(
      `${from} cannot be put back to ${to} (${reasonOf(cause)}). Move it to where you want it.`,
      {
        path: from,
        cause,
      },
    );
  }
}

/** The files in the index of a folder, as paths below it; none without a readable index. */
function indexedFiles(folder: string): Set<string> {
  const files = new Set<string>();
  try {
    const index = readJsonObject(join(folder, indexFile), "The index");
    for (const kind of [index.utterances, index.speakers])
      for (const path of isObject(kind) ? Object.values(kind) : [])
        if (typeof path === "string") files.add(belowIndividual(path));
  } catch {
    // Without an index no file is known to be ours.
  }
  return files;
}

/** `utterances/a/b/c.pkl` of `final_embeddings/embeddings_individual/utterances/a/b/c.pkl`, since the folder may have moved. */
function belowIndividual(path: string): string {
  const at = path.lastIndexOf(`${individualFolder}/`);
  return at < 0 ? path : path.slice(at + individualFolder.length + 1);
}
