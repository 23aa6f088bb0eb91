import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Audit, audit } from "../audit/audit.js";
import { readAuditUtterances } from "../audit/read-utterances.js";
import { reasonOf } from "../errors.js";
import { mergedFiles } from "../merged/files.js";
import { publishAudit } from "./publish-audit.js";
import type { StageContext } from "./stage.js";

/** The folder below the merged files that the audit of a run is written to. */
export const auditFolder = "audit";

/**
 * The part of stage 3 that looks for what is wrong with the labels, into `audit` below the merged files. What cannot be audited, or has
 * no utterances, is said in a line: the report goes on without.
 */
export async function auditStage(folder: string, context: StageContext): Promise<Audit | undefined> {
  const { reporter, abortSignal } = context;
  if (!existsSync(join(folder, mergedFiles.utterances))) return undefined;
  reporter.log("AUDIT OF THE LABELS");
  reporter.log("");
  let result: Audit;
  const utterances = await readAuditUtterances(folder);
  try {
    result = await audit(utterances, { abortSignal });
  } catch (error) {
    if ((error as { tag?: string }).tag !== "invalid") throw error;
    reporter.log(`Warning: the labels were not audited: ${reasonOf(error)}`);
    return undefined;
  }
  await publishAudit(
    result,
    utterances,
    { embeddings: folder, outputDir: join(folder, auditFolder) },
    context,
  );
  reporter.log("");
  return result;
}
