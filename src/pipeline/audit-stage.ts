import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Audit, audit } from "../audit/audit.js";
import { readAuditUtterances } from "../audit/read-utterances.js";
import { checksFile, readChecks } from "../checks/checks-file.js";
import { reasonOf, stoppable } from "../errors.js";
import { mergedFiles } from "../merged/files.js";
import { writeTogether } from "../util/write-together.js";
import type { CorpusSettings } from "./open-corpus.js";
import { publishAudit } from "./publish-audit.js";
import type { StageContext } from "./stage.js";

/** The folder below the merged files that the audit of a run is written to. */
export const auditFolder = "audit";

/**
 * The part of stage 3 that looks for what is wrong with the labels, and with the audio where the extraction measured it, into `audit`
 * below the merged files. What cannot be audited is said in a line: the report goes on without.
 *
 * @param corpus what was extracted, where that is known
 */
export async function auditStage(
  folder: string,
  corpus: CorpusSettings,
  context: StageContext,
): Promise<Audit | undefined> {
  const { reporter, abortSignal } = context;
  if (!existsSync(join(folder, mergedFiles.utterances))) return undefined;
  reporter.log("AUDIT OF THE LABELS");
  reporter.log("");
  let result: Audit;
  const utterances = await readAuditUtterances(folder);
  try {
    const checks = existsSync(join(folder, checksFile)) ? await readChecks(folder) : undefined;
    result = await stoppable(
      "The audit",
      () =>
        audit(utterances, {
          checks,
          onProgress: ({ done, total }) => reporter.progress?.({ stage: "audit", done, total }),
          abortSignal,
        }),
      `What is merged and compared in ${folder} is whole: --stage 3 goes on from there.`,
    );
  } catch (error) {
    if ((error as { tag?: string }).tag !== "invalid") throw error;
    reporter.log(`Warning: the labels were not audited: ${reasonOf(error)}`);
    return undefined;
  }
  const outputDir = join(folder, auditFolder);
  const onWait = (line: string) => reporter.log(line);
  await writeTogether(outputDir, { purpose: "writing an audit", onWait, abortSignal }, (files) =>
    publishAudit(files, result, utterances, { embeddings: folder, outputDir, corpus }, context),
  );
  reporter.log("");
  return result;
}
