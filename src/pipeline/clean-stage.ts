import { existsSync, readdirSync, realpathSync, rmdirSync, unlinkSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { conflict, missing } from "../errors.js";
import { openSource } from "../merge/merge.js";
import { individualFolder, mergedFiles } from "../merged/files.js";
import { quantity } from "../shared/text.js";
import { embeddingEntries, utteranceRow } from "../store/read-embeddings.js";
import { equal } from "../store/verify-extraction.js";
import { lockFolder } from "../util/folder-lock.js";
import { type ExtractionFiles, filesOfExtraction } from "./extraction-files.js";
import type { StageContext } from "./stage.js";

export interface CleanSettings {
  outputDir?: string;
  finalDir?: string;
  /** Asks the user before anything is deleted. */
  confirm: (question: string) => Promise<boolean>;
}

/**
 * Stage 4: deletes the files of an extraction once they are merged. Merged files stay, and so do files that extraction did
 * not write.
 *
 * @throws `missing` when there are no merged files, because only the rank folders hold the embeddings then; `conflict` when
 * the merged files hold other embeddings, or lie in a folder that would be deleted
 */
export async function cleanStage(settings: CleanSettings, { reporter }: StageContext): Promise<void> {
  const { outputDir = "embeddings_output", finalDir = "final_embeddings", confirm } = settings;
  if (!existsSync(join(finalDir, mergedFiles.utterances)))
    throw missing(
      `${finalDir} holds no merged embeddings, so only ${outputDir} has them. Run stage 2 first.`,
      { path: finalDir },
    );
  if (!existsSync(outputDir)) return reporter.log(`Nothing to clean up in ${outputDir}`);
  const lock = await lockFolder(outputDir, { purpose: "cleaning up" });
  try {
    const files = ofExtractionAlone(filesOfExtraction(outputDir), outputDir, finalDir);
    if (files.known.length === 0) return reporter.log(`Nothing to clean up in ${outputDir}`);
    await checkMerged(outputDir, finalDir);
    const tops = [...new Set(files.known.map((name) => name.split(sep)[0]!))];
    if (!(await confirm(`Delete ${tops.join(", ")} in ${outputDir}? A later extraction starts over.`)))
      return reporter.log("Nothing deleted");
    for (const name of files.known) unlinkSync(join(outputDir, name));
    for (const name of files.folders) removeIfEmpty(join(outputDir, name));
    reporter.log(`Deleted ${tops.join(", ")} in ${outputDir}`);
    if (files.others.length > 0)
      reporter.log(
        `Left ${quantity(files.others.length, "file")} in ${outputDir} that extraction did not write, such as ${files.others[0]}`,
      );
  } finally {
    await lock.release();
  }
}

/** Spares the individual files of merging where both folders are the same; throws if merged files would be deleted. */
function ofExtractionAlone(files: ExtractionFiles, outputDir: string, finalDir: string): ExtractionFiles {
  const way = relative(realpathSync(outputDir), realpathSync(finalDir));
  if (way === "") {
    const keep = (name: string) => name.split(sep)[0] !== individualFolder;
    return {
      known: files.known.filter(keep),
      folders: files.folders.filter(keep),
      others: files.others.filter(keep),
    };
  }
  if (files.folders.some((folder) => way === folder || way.startsWith(folder + sep)))
    throw conflict(
      `The merged files lie in ${finalDir}, within what would be deleted. Move them out first.`,
      {
        path: finalDir,
      },
    );
  return files;
}

/** Throws unless the merged files hold every embedding of the extraction, bit for bit. */
async function checkMerged(outputDir: string, finalDir: string): Promise<void> {
  const path = join(finalDir, mergedFiles.utterances);
  const { utterances } = await openSource(outputDir, true);
  // Both are in path order.
  const merged = embeddingEntries(path);
  try {
    for await (const { key, embedding } of utterances()) {
      const { value: entry } = (await merged.next()) as IteratorResult<[string, unknown], undefined>;
      const row = entry && utteranceRow(entry[0], entry[1], path);
      if (row?.key !== key || !equal(row.embedding, embedding))
        throw conflict(
          `${path} does not hold what ${outputDir} does: they differ at ${key}. Nothing was deleted; run stage 2 again.`,
          { path, got: row?.key },
        );
    }
  } finally {
    await merged.return(undefined);
  }
}

function removeIfEmpty(folder: string): void {
  if (readdirSync(folder).length === 0) rmdirSync(folder);
}
