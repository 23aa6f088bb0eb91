import { join } from "node:path";
import { writeFile } from "../util/write-file.js";
import type { Finding } from "./finding.js";
import { findingRows, findingsCsv, findingsJsonLines } from "./findings-table.js";

/** Writes findings.csv and findings.jsonl into a folder, which is made where it is missing. */
export async function writeFindings(findings: readonly Finding[], folder: string): Promise<void> {
  const rows = findingRows(findings);
  await writeFile(join(folder, "findings.csv"), findingsCsv(rows));
  await writeFile(join(folder, "findings.jsonl"), findingsJsonLines(rows));
}
