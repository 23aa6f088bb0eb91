import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, renameSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { digestOf } from "../util/digest.js";
import { individualFolder, mergedFiles } from "./files.js";
import { checkIndividualFolder, putBackOthers } from "./individual-folder.js";
import { takeAwayComparison } from "./take-away.js";

/** New merged files, beside the old ones that they are to replace. */
export interface Staging {
  /** Where they are written. */
  folder: string;
  /** Puts them in their place. */
  commit(): Promise<Replaced>;
  /** Deletes them. */
  discard(): Promise<void>;
}

export interface Replaced {
  /** Files of an earlier comparison that compared other speakers, and are gone. */
  comparison: string[];
  /** Whether individual files of an earlier merge are gone without new ones in their place. */
  individual: boolean;
  /** Files below embeddings_individual that merging did not write, and that stayed. */
  others: string[];
}

/** Folders that merging makes for itself in the folder of the merged files, and what they hold meanwhile. */
const ownFolder = /^\.merging-[0-9a-f]{16}-(new|old)$/;

/**
 * Opens a place to write merged files in: a folder within the one of the merged files, so that what is there stays whole
 * until the new files are complete. The caller holds the lock of the folder; what a merge that was killed left is cleaned up.
 */
export async function openStaging(outputDir: string): Promise<Staging> {
  await mkdir(outputDir, { recursive: true });
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
      await rm(folder, { recursive: true });
      const { deleted, others } = hadOld ? putBackOthers(aside, current) : { deleted: 0, others: [] };
      return { comparison, individual: deleted > 0 && !hasNew, others };
    },
    discard: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Deletes what a killed merge had written, and brings back individual files that it had moved aside. */
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
