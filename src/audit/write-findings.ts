import { join } from "node:path";
import { writeTable } from "../tables/write-table.js";
import { writeFile } from "../util/write-file.js";
import type { Together } from "../util/write-together.js";
import type { Finding } from "./finding.js";
import { findingColumns, findingRows, findingsCsv, findingsJsonLines } from "./findings-table.js";

/**
 * Writes findings.csv, findings.jsonl and findings.parquet, to be put into a folder with others.
 *
 * @returns their paths
 */
export async function writeFindings(
  { at }: Pick<Together, "at">,
  folder: string,
  findings: readonly Finding[],
): Promise<string[]> {
  const rows = findingRows(findings);
  const [csv, jsonl, parquet] = ["csv", "jsonl", "parquet"].map((kind) => join(folder, `findings.${kind}`));
  await writeFile(at(csv!), findingsCsv(rows));
  await writeFile(at(jsonl!), findingsJsonLines(rows));
  await writeTable(rows, at(parquet!), { columns: findingColumns });
  return [csv!, jsonl!, parquet!];
}
