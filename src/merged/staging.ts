import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { checksFile } from "../checks/checks-file.js";
import { digestOf } from "../util/digest.js";
import type { Together } from "../util/write-together.js";
import { individualFolder, mergedFiles } from "./files.js";
import { checkIndividualFolder, putBackOthers } from "./individual-folder.js";
import { comparisonIn } from "./take-away.js";

/** New merged files, kept beside the old ones until they are complete. */
export interface Staging {
  /** Where they are written. */
  folder: string;
  /** Replaces the old files by the new ones. */
  commit(): Promise<Replaced>;
}

export interface Replaced {
  /** Deleted files of a comparison of other speakers. */
  comparison: string[];
  /** Whether individual files of an earlier merge were deleted and none written. */
  individual: boolean;
  /** Files below embeddings_individual that merging did not write and left alone. */
  others: string[];
}

/** Where a merge keeps the old individual files while the new ones take their place. */
const asideFolder = /^\.merging-[0-9a-f]{16}-old$/;

/**
 * The place for new merged files, so that the old ones stay valid until they are complete. Restores what a merge that was killed
 * had moved aside.
 */
export function openStaging(outputDir: string, files: Together): Staging {
  checkIndividualFolder(outputDir);
  recover(outputDir);
  const inPlace = (name: string) => join(outputDir, name);
  const current = inPlace(individualFolder);
  const names = [...Object.values(mergedFiles), checksFile];
  const built = files.at(current);
  const folder = dirname(built);
  for (const name of names) files.at(inPlace(name));
  return {
    folder,
    async commit() {
      const same =
        (await digestOf(join(folder, mergedFiles.speakers))) ===
        (await digestOf(inPlace(mergedFiles.speakers)));
      const comparison = same ? [] : comparisonIn(outputDir);
      const hasNew = existsSync(built);
      const aside = existsSync(current)
        ? inPlace(`.merging-${randomBytes(8).toString("hex")}-old`)
        : undefined;
      // The checks of an earlier merge are of other embeddings.
      files.commit([...names, ...comparison].map(inPlace), () => {
        if (aside !== undefined) renameSync(current, aside);
      });
      const { deleted, others } =
        aside === undefined ? { deleted: 0, others: [] } : putBackOthers(aside, current);
      return { comparison, individual: deleted > 0 && !hasNew, others };
    },
  };
}

/** Restores individual files that a killed merge had moved aside. */
function recover(outputDir: string): void {
  const current = join(outputDir, individualFolder);
  for (const name of readdirSync(outputDir)) {
    if (!asideFolder.test(name)) continue;
    const path = join(outputDir, name);
    if (existsSync(current)) putBackOthers(path, current);
    else renameSync(path, current);
  }
}
