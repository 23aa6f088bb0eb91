import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, renameSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { checksFile } from "../checks/checks-file.js";
import { digestOf } from "../util/digest.js";
import { makeFolder } from "../util/make-folder.js";
import { individualFolder, mergedFiles } from "./files.js";
import { checkIndividualFolder, putBackOthers } from "./individual-folder.js";
import { takeAwayComparison } from "./take-away.js";

/** New merged files, kept beside the old ones until they are complete. */
export interface Staging {
  /** Where they are written. */
  folder: string;
  /** Replaces the old files by the new ones. */
  commit(): Promise<Replaced>;
  /** Deletes the new files. */
  discard(): Promise<void>;
}

export interface Replaced {
  /** Deleted files of a comparison of other speakers. */
  comparison: string[];
  /** Whether individual files of an earlier merge were deleted and none written. */
  individual: boolean;
  /** Files below embeddings_individual that merging did not write and left alone. */
  others: string[];
}

/** Temporary folders of a merge: one for its new files, one for the old individual files. */
const ownFolder = /^\.merging-[0-9a-f]{16}-(new|old)$/;

/**
 * Opens a folder for new merged files inside the output folder, so that the old files stay valid until the new ones are
 * complete. Cleans up after a merge that was killed. The caller holds the lock of the output folder.
 */
export async function openStaging(outputDir: string): Promise<Staging> {
  makeFolder(outputDir);
  checkIndividualFolder(outputDir);
  await recover(outputDir);
  const own = (what: "new" | "old") => join(outputDir, `.merging-${randomBytes(8).toString("hex")}-${what}`);
  const folder = own("new");
  const aside = own("old");
  const current = join(outputDir, individualFolder);
  return {
    folder,
    async commit() {
      const same =
        (await digestOf(join(folder, mergedFiles.speakers))) ===
        (await digestOf(join(outputDir, mergedFiles.speakers)));
      const comparison = same ? [] : await takeAwayComparison(outputDir);
      const built = join(folder, individualFolder);
      const hasNew = existsSync(built);
      const hadOld = existsSync(current);
      if (hadOld) renameSync(current, aside);
      if (hasNew) renameSync(built, current);
      for (const name of Object.values(mergedFiles)) renameSync(join(folder, name), join(outputDir, name));
      if (existsSync(join(folder, checksFile)))
        renameSync(join(folder, checksFile), join(outputDir, checksFile));
      // Those of an earlier merge are of other embeddings.
      else await rm(join(outputDir, checksFile), { force: true });
      await rm(folder, { recursive: true });
      const { deleted, others } = hadOld ? putBackOthers(aside, current) : { deleted: 0, others: [] };
      return { comparison, individual: deleted > 0 && !hasNew, others };
    },
    discard: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Deletes the new files of a killed merge, and restores individual files that it had moved aside. */
async function recover(outputDir: string): Promise<void> {
  const current = join(outputDir, individualFolder);
  for (const name of readdirSync(outputDir)) {
    const path = join(outputDir, name);
    const what = ownFolder.exec(name)?.[1];
    if (what === "new") await rm(path, { recursive: true });
    else if (what === "old" && existsSync(current)) putBackOthers(path, current);
    else if (what === "old") renameSync(path, current);
  }
}
