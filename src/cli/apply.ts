import { basename, join } from "node:path";
import { type Command, Option } from "commander";
import { parseColumns } from "../corpus/columns.js";
import { appliedText } from "../decisions/applied-text.js";
import { applyDecisions } from "../decisions/apply-decisions.js";
import { auditor } from "../decisions/decision.js";
import { readDecisions } from "../decisions/read-decisions.js";
import {
  type CleanForm,
  changesPath,
  cleanFormOf,
  cleanForms,
  readChanges,
  writeApplied,
} from "../decisions/write-applied.js";
import { stoppable } from "../errors.js";
import { corpusFlags, inShell } from "../pipeline/corpus-flags.js";
import { type CorpusSettings, checkCorpusSettings, openCorpus } from "../pipeline/open-corpus.js";
import { quantity, quantityIs } from "../shared/text.js";
import { interruptSignal } from "./interrupt.js";
import * as options from "./options.js";
import { printLine } from "./print.js";

interface Settings extends CorpusSettings {
  decisions: string[];
  out: string;
  as?: CleanForm;
  allowUnknown: boolean;
  columns?: string;
}

/** Registers `speakerscope apply`. */
export function applyCommand(program: Command): void {
  const command = program
    .command("apply")
    .requiredOption("--decisions <files...>", "decisions.jsonl of the audit, and those of people")
    .requiredOption(
      "--out <path>",
      "a manifest like the one read; .csv, .tsv, .jsonl or .parquet: a table; .txt: a list of files; a folder: links",
    )
    .addOption(
      new Option("--as <form>", "how --out is written (default: by its ending)").choices([...cleanForms]),
    )
    .addOption(
      options
        .flag("allow-unknown", "go on where decisions are about what the corpus does not have")
        .default(false),
    );
  options.addCorpusOptions(command);
  command.action(run);
}

async function run({ decisions: files, out, as, allowUnknown, ...settings }: Settings): Promise<void> {
  checkCorpusSettings(settings);
  const { decisions, warnings } = readDecisions(files);
  for (const warning of warnings) printLine(`Warning: ${warning}`);
  const abortSignal = interruptSignal();
  const corpus = await stoppable(
    "Applying the decisions",
    () => openCorpus({ ...settings, abortSignal }),
    "Nothing was written.",
  );
  for (const warning of corpus.warnings) printLine(`Warning: ${warning}`);
  const { failures } = corpus;
  if (failures.length > 0)
    printLine(
      `Warning: ${quantityIs(failures.length, "utterance")} not in ${out}, because the corpus cannot be read there. The first: ${failures[0]!.reason}`,
    );
  const form = as ?? cleanFormOf(out, corpus);
  const changes = await readChanges(settings.manifest ?? settings.dataRoot!);
  const applied = applyDecisions({ ...corpus, changes }, decisions, { allowUnknown });
  const columns = settings.columns === undefined ? undefined : parseColumns(settings.columns);
  await writeApplied(applied.corpus, out, { form, columns, onWait: printLine, abortSignal });
  for (const line of appliedText(applied)) printLine(line);
  const { relabelled } = applied.summary;
  if (form === "list" && relabelled > 0)
    printLine(
      `Warning: a list of files carries no labels, and ${out} does not tell that ${quantity(relabelled, "utterance")} changed the speaker. For that, write a manifest or a table (.csv, .tsv, .jsonl, .parquet).`,
    );
  printLine(`Written to ${out}; what changed: ${changesPath(out)}`);
  if (form === "list") return;
  printLine("Next: embed it beside what you have, and see what is left");
  const written = {
    links: { dataRoot: out },
    table: { manifest: out },
    // Shards keep their names.
    manifest: {
      ...settings,
      manifest: /[{}]/.test(settings.manifest ?? "") ? join(out, basename(settings.manifest!)) : out,
    },
  }[form];
  for (const line of whatIsLeft(written, files)) printLine(`  ${line}`);
  if (applied.info.oneSide.length > 0)
    printLine(`  npx speakerscope split ${corpusFlags(written)} --decisions ${files.map(inShell).join(" ")}`);
}

/** The commands that embed and audit what was written; what people decided is not asked again. */
function* whatIsLeft(written: CorpusSettings, files: readonly string[]): Generator<string> {
  yield `npx speakerscope run ${corpusFlags(written)} --output_dir clean_embeddings --final_dir clean_final`;
  const ofPeople = files.filter((file) => readDecisions(file).decisions.some(({ by }) => by !== auditor));
  if (ofPeople.length > 0)
    yield `npx speakerscope audit --embeddings clean_final --decisions ${ofPeople.map(inShell).join(" ")}`;
}
