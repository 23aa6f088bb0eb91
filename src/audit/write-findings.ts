import { join } from "node:path";
import { writeTable } from "../tables/write-table.js";
import { writeFile } from "../util/write-file.js";
import type { Finding } from "./finding.js";
import { findingColumns, findingRows, findingsCsv, findingsJsonLines } from "./findings-table.js";

/** Writes findings.csv, findings.jsonl and findings.parquet into a folder, which is made where it is missing. */
export async function writeFindings(findings: readonly Finding[], folder: string): Promise<void> {
  const rows = findingRows(findings);
  await writeFile(join(folder, "findings.csv"), findingsCsv(rows));
  await writeFile(join(folder, "findings.jsonl"), findingsJsonLines(rows));
  await writeTable(rows, join(folder, "findings.parquet"), { columns: findingColumns });
}
