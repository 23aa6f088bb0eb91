import { join } from "node:path";
import { invalid, shown } from "../errors.js";
import { readJsonObject } from "../format/read-json.js";
import { readEmbeddings } from "../store/read-embeddings.js";
import type { Doubt, Failure } from "../types.js";
import { allJsonLines } from "../util/json-lines.js";
import { mergedFiles } from "./files.js";
import type { Merged } from "./write-merged.js";

/** Reads back what merging returned, from the files that it wrote. */
export async function readMerged(outputDir: string): Promise<Merged> {
  const path = join(outputDir, mergedFiles.summary);
  const summary = readJsonObject(path, "The summary");
  const count = (name: string): number => {
    const value = summary[name];
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
    throw invalid(`${name} in ${path} is ${shown(value)}. It must be a whole number.`, { path, got: value });
  };
  return {
    outputDir,
    numUtterances: count("total_utterances"),
    speakers: await readEmbeddings(outputDir),
    failures: await allJsonLines<Failure>(join(outputDir, mergedFiles.failures)),
    doubts: await allJsonLines<Doubt>(join(outputDir, mergedFiles.doubts)),
    missing: count("missing_utterances"),
  };
}
