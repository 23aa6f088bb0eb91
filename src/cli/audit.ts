import { type Command, Option } from "commander";
import { audit } from "../audit/audit.js";
import { kindNames } from "../audit/findings-table.js";
import { readAuditUtterances } from "../audit/read-utterances.js";
import { auditSummary } from "../audit/summary.js";
import { writeFindings } from "../audit/write-findings.js";
import { invalid } from "../errors.js";
import { interruptSignal } from "./interrupt.js";
import { printLine } from "./print.js";

interface Settings {
  embeddings: string;
  outputDir: string;
  failOn?: string[];
}

/** Registers `speakerscope audit`. */
export function auditCommand(program: Command): void {
  program
    .command("audit")
    .description(
      "Find what is wrong with the labels: wrong ones, one person under two names or in two data sets, two people under one name.",
    )
    .option(
      "--embeddings <path>",
      "what merging wrote, an export of it (.parquet, .npz), or vectors with keys dataset/speaker/utterance",
      "final_embeddings",
    )
    .requiredOption("--output-dir <folder>", "where findings.csv and findings.jsonl are written")
    .addOption(
      new Option(
        "--fail-on <kinds...>",
        "end with status 1 where such a finding is sure by half or more",
      ).choices(Object.values(kindNames)),
    )
    .addHelpText("after", "\nEvery flag may be written with underscores: --output_dir, --fail_on.")
    .action(run);
}

async function run({ embeddings, outputDir, failOn = [] }: Settings): Promise<void> {
  const result = await audit(await readAuditUtterances(embeddings), { abortSignal: interruptSignal() });
  await writeFindings(result.findings, outputDir);
  for (const line of auditSummary(result)) printLine(line);
  printLine(`Written to ${outputDir}`);
  const count = result.findings.filter(
    ({ kind, probability }) => probability >= 0.5 && failOn.includes(kindNames[kind]),
  ).length;
  if (count > 0)
    throw invalid(
      `${count} findings of ${failOn.join(", ")} are in ${outputDir}/findings.csv. Mend them, or leave out --fail_on.`,
      { got: count },
    );
}
