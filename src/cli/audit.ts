import { existsSync } from "node:fs";
import { type Command, Option } from "commander";
import { type Audit, audit } from "../audit/audit.js";
import { audioKinds } from "../audit/finding.js";
import { kindNames } from "../audit/findings-table.js";
import { readAuditUtterances } from "../audit/read-utterances.js";
import type { AudioChecks } from "../checks/audio-checks.js";
import type { Decision } from "../decisions/decision.js";
import { readDecisions } from "../decisions/read-decisions.js";
import { decisionsIn } from "../decisions/write-proposals.js";
import { invalid, stoppable } from "../errors.js";
import type { CorpusSettings } from "../pipeline/open-corpus.js";
import { publishAudit } from "../pipeline/publish-audit.js";
import { quantity } from "../shared/text.js";
import { type Together, writeTogether } from "../util/write-together.js";
import { auditChecks } from "./audit-checks.js";
import { interruptSignal } from "./interrupt.js";
import { addCorpusOptions, boolean, flag, positiveInteger } from "./options.js";
import { openReporter, type Reporter } from "./reporter.js";

interface Settings extends CorpusSettings {
  embeddings: string;
  outputDir: string;
  decisions?: string[];
  page?: boolean;
  maxClips: number;
  failOn?: string[];
  severalVoices?: boolean;
}

/** Registers `speakerscope audit`. */
export function auditCommand(program: Command): void {
  const command = program
    .command("audit")
    .option(
      "--embeddings <path>",
      "what merging wrote, an export of it (.parquet, .npz), or vectors with keys dataset/speaker/utterance",
      "final_embeddings",
    )
    .option(
      "--output-dir <folder>",
      "where findings.csv, .jsonl and .parquet are written, and decisions.jsonl, to be edited",
      "audit",
    )
    .option("--decisions <files...>", "what people decided before: it is not asked again, and taken as given")
    .addOption(
      new Option(
        "--page [boolean]",
        "write a page to listen to the findings and decide, page/index.html (default: where the audio is at hand)",
      ).argParser(boolean),
    )
    .addOption(
      new Option("--max-clips <n>", "most recordings that come with the page")
        .argParser(positiveInteger("number of recordings"))
        .default(1000),
    )
    .addOption(
      new Option(
        "--fail-on <kinds...>",
        "end with status 1 where such a finding is sure by half or more",
      ).choices(Object.values(kindNames)),
    )
    .action(run);
  addCorpusOptions(command).addOption(
    flag("several-voices", "look for clips in which two people speak too: reads the audio, slow").default(
      false,
    ),
  );
}

async function run(settings: Settings): Promise<void> {
  const { outputDir, decisions, failOn = [] } = settings;
  const reporter = openReporter();
  try {
    const known = decisions && readDecisions(decisions);
    for (const warning of known?.warnings ?? []) reporter.log(`Warning: ${warning}`);
    // What cannot be read is said before anything is computed.
    if (existsSync(decisionsIn(outputDir))) readDecisions(outputDir);
    const context = { reporter, abortSignal: interruptSignal() };
    const { abortSignal } = context;
    const onWait = (line: string) => reporter.log(line);
    const { findings } = await writeTogether(
      outputDir,
      { purpose: "auditing", onWait, abortSignal },
      (files) => auditInto(files, { ...settings, known: known?.decisions }, context),
    );
    const count = findings.filter(
      ({ kind, probability }) => probability >= 0.5 && failOn.includes(kindNames[kind]),
    ).length;
    if (count > 0)
      throw invalid(
        `${quantity(count, "finding")} of ${failOn.join(", ")} ${count === 1 ? "is" : "are"} in ${outputDir}/findings.csv. Mend them, or leave out --fail_on.`,
        { got: count },
      );
  } finally {
    reporter.close();
  }
}

async function auditInto(
  files: Together,
  {
    embeddings,
    outputDir,
    page,
    maxClips,
    failOn = [],
    known,
    decisions: _,
    ...ofCorpus
  }: Settings & { known?: Decision[] },
  context: { reporter: Reporter; abortSignal: AbortSignal },
): Promise<Audit> {
  const { reporter, abortSignal } = context;
  const utterances = await readAuditUtterances(embeddings);
  // Nothing would be found, and a gate of --fail_on would let everything through.
  if (utterances.length === 0)
    throw invalid(`There are no utterances in ${embeddings}.`, { path: embeddings });
  const audited = async () => {
    const { checks, sources } = await auditChecks(embeddings, utterances, {
      ...ofCorpus,
      abortSignal,
      log: reporter.log.bind(reporter),
    });
    checkLookedFor(failOn, checks);
    const result = await audit(utterances, {
      checks,
      decisions: known,
      onProgress: ({ done, total }) => reporter.progress({ stage: "audit", done, total }),
      abortSignal,
    });
    return { result, sources };
  };
  const { result, sources } = await stoppable("The audit", audited, "Nothing was written.");
  reporter.close();
  const settings = { embeddings, outputDir, page, maxClips, sources, corpus: ofCorpus };
  await publishAudit(files, result, utterances, settings, context);
  return result;
}

/** A gate that can never close is worse than none. @throws `invalid` for kinds that nothing is known for */
function checkLookedFor(failOn: readonly string[], checks: readonly AudioChecks[] | undefined): void {
  const isAboutAudio = audioKinds.map((kind): string => kindNames[kind]);
  const unheard = checks === undefined ? failOn.find((name) => isAboutAudio.includes(name)) : undefined;
  if (unheard !== undefined)
    throw invalid(
      `--fail_on ${unheard} needs the audio. Give --data_root or --manifest, or extract with --checks.`,
      { got: unheard },
    );
  const isVoiceSought = checks?.some((row) => "voiceChange" in row);
  if (failOn.includes(kindNames.severalVoices) && !isVoiceSought)
    throw invalid("--fail_on several_voices needs --several_voices, or nobody looks for them.", {
      got: kindNames.severalVoices,
    });
}
