import { type Dirent, readdirSync, readFileSync, statSync } from "node:fs";
import { join, sep } from "node:path";
import { isObject } from "../format/read-json.js";
import { readPickle } from "../format/read-pickle.js";
import { comparisonFiles, individualFolder, mergedFiles } from "../merged/files.js";
import { segmentsLog } from "../store/extraction.js";
import { speakerPath, utterancePath } from "../store/individual.js";
import { lockName } from "../util/folder-lock.js";
import { isTemporary } from "../util/temporary.js";

/** The files below an extraction's folder, as paths below it. */
export interface ExtractionFiles {
  /** Written by an extraction, including what a killed one left unfinished, or by comparing the speakers of a rank. */
  known: string[];
  /** Folders that an extraction makes, inner ones first. */
  folders: string[];
  /** Files in those folders that somebody else wrote. */
  others: string[];
}

const ofPart = new Set(["corpus.jsonl", "dataset_info.json", segmentsLog]);

const ofRank = new Set([
  "embeddings.log",
  "metadata.json",
  mergedFiles.utterances,
  mergedFiles.speakers,
  mergedFiles.failures,
  mergedFiles.doubts,
  ...comparisonFiles.map(({ name }) => name),
]);

/** Lists the folder of an extraction with those of its shards, ranks and individual files. */
export function filesOfExtraction(outputDir: string): ExtractionFiles {
  const files: ExtractionFiles = { known: [], folders: [], others: [] };
  const walkAll = (below: string, isKnown: (name: string) => boolean) => {
    for (const entry of entriesOf(join(outputDir, below))) {
      const name = join(below, entry.name);
      if (entry.isDirectory()) walkAll(name, isKnown);
      else files[isKnown(name) || isTemporary(entry.name) ? "known" : "others"].push(name);
    }
    files.folders.push(below);
  };
  const walkPart = (below: string) => {
    for (const entry of entriesOf(join(outputDir, below))) {
      const name = join(below, entry.name);
      if (entry.isDirectory() && /^rank_\d+$/.test(entry.name))
        walkAll(name, (file) => ofRank.has(file.slice(name.length + 1)));
      else if (entry.isDirectory() && entry.name === individualFolder)
        walkAll(name, (file) => isIndividual(join(outputDir, name), join(outputDir, file)));
      else if (entry.isDirectory() && below === "" && /^shard_\d+_of_\d+$/.test(entry.name)) walkPart(name);
      else if (entry.isFile() && (ofPart.has(entry.name) || isTemporary(entry.name))) files.known.push(name);
      else if (below !== "" && entry.name !== lockName) files.others.push(name);
    }
    if (below !== "") files.folders.push(below);
  };
  walkPart("");
  return files;
}

function entriesOf(folder: string): Dirent[] {
  return readdirSync(folder, { withFileTypes: true });
}

/** Whether a file is the pickle of an individual embedding whose names match its path. */
function isIndividual(folder: string, path: string): boolean {
  const [kind] = path.slice(folder.length + 1).split(sep);
  try {
    if (!path.endsWith(".pkl") || statSync(path).size > 1 << 22) return false;
    const { info } = readPickle(readFileSync(path)) as { info?: unknown };
    if (!isObject(info)) return false;
    const { dataset, speaker_id: speakerId, utterance_id: utteranceId } = info as Record<string, string>;
    const names = { dataset: dataset!, speakerId: speakerId!, utteranceId: utteranceId! };
    return (kind === "speakers" ? speakerPath(folder, names) : utterancePath(folder, names)) === path;
  } catch {
    return false;
  }
}
