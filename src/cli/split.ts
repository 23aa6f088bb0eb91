import { join } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { foundOrDecided } from "../audit/found-or-decided.js";
import { readFindings } from "../audit/read-findings.js";
import { splitCorpus } from "../audit/split-corpus.js";
import { readDecisions } from "../decisions/read-decisions.js";
import { stoppable } from "../errors.js";
import { ofOneCut, stillHeard } from "../pipeline/one-cut.js";
import type { CorpusSettings } from "../pipeline/open-corpus.js";
import { publishSplit } from "../pipeline/publish-split.js";
import { checkKnown } from "../pipeline/split-known.js";
import { earlierSplit, endingOf, type PartFormat, partFormats } from "../pipeline/split-places.js";
import { splitSource } from "../pipeline/split-source.js";
import { readSpeakers } from "../pipeline/split-speakers.js";
import { withOwnKeys } from "../pipeline/with-known-keys.js";
import { quantityIs } from "../shared/text.js";
import { writeTogether } from "../util/write-together.js";
import { interruptSignal } from "./interrupt.js";
import { addCorpusOptions, wholeNumber } from "./options.js";
import { openReporter } from "./reporter.js";
import { spareInputs } from "./spare-inputs.js";

interface Settings extends CorpusSettings {
  parts: Record<string, number>;
  embeddings?: string;
  findings?: string;
  decisions?: string[];
  keep?: string;
  seed?: number;
  as?: PartFormat;
  outputDir: string;
}

/** Registers `speakerscope split`. */
export function splitCommand(program: Command): void {
  const command = program
    .command("split")
    .addOption(
      new Option(
        "--parts <shares>",
        "the parts and their shares, as train=8,dev=1,test=1 or train=0.9,test=0.1",
      )
        .argParser(parseParts)
        .default(parseParts("train=8,dev=1,test=1"), "train=8,dev=1,test=1"),
    )
    .option(
      "--embeddings <folder>",
      "merged embeddings, which know how long the utterances are; without --data_root or --manifest they are the corpus too, from final_embeddings by default",
    )
    .option(
      "--findings <path>",
      "findings.csv, .jsonl or .parquet of the audit, or its folder: names of one person stay on one side",
    )
    .option(
      "--decisions <files...>",
      "decisions.jsonl of the audit and those of people, which go before the findings",
    )
    .option("--keep <path>", "speakers.csv of an earlier split: its people stay where they are")
    .addOption(
      new Option(
        "--seed <n>",
        "any whole number: another one puts other people into the parts (default: no chance, those with most speech come first)",
      ).argParser(wholeNumber("seed")),
    )
    .addOption(
      new Option(
        "--as <format>",
        "what the parts are written as (default: as the manifest; csv for folders and embeddings)",
      ).choices([...partFormats]),
    )
    .option("--output-dir <folder>", "where a manifest of each part and speakers.csv are written", "split")
    .action(run);
  addCorpusOptions(command);
}

async function run(settings: Settings): Promise<void> {
  const { parts, findings, decisions: decidedIn, keep, seed, as, outputDir, ...source } = settings;
  const reporter = openReporter();
  try {
    const abortSignal = interruptSignal();
    const onWait = (line: string) => reporter.log(line);
    await writeTogether(outputDir, { purpose: "splitting", onWait, abortSignal }, async (files) => {
      const decided = readDecisions(decidedIn ?? []);
      for (const warning of decided.warnings) reporter.log(`Warning: ${warning}`);
      const { found: told, disagreements } = foundOrDecided(
        findings === undefined ? [] : await readFindings(findings),
        decided.decisions,
      );
      if (disagreements.length > 0)
        reporter.log(
          `Warning: ${quantityIs(disagreements.length, "disagreement")} left aside, such as about ${disagreements[0]!.keys.join(" and ")}: what the audit found holds there`,
        );
      const kept = keep === undefined ? [] : await readSpeakers(keep);
      const onProgress = reporter.progress.bind(reporter);
      await stoppable(
        "The split",
        async () => {
          const corpus = await splitSource({ ...source, onProgress, abortSignal });
          const { utterances, failures, warnings } = corpus;
          const found = withOwnKeys(told, utterances);
          for (const warning of warnings) reporter.log(`Warning: ${warning}`);
          if (failures.length > 0)
            reporter.log(
              `Warning: ${quantityIs(failures.length, "utterance")} in no part. The first: ${failures[0]!.reason}`,
            );
          const format = as ?? corpus.manifest?.format ?? "csv";
          const ending = await endingOf(corpus, format);
          spareInputs(
            "split",
            settings,
            Object.keys(parts).map((part) => join(outputDir, part + ending)),
          );
          const before = await earlierSplit(outputDir, Object.keys(parts), ending);
          const ofCuts = ofOneCut(corpus);
          if (ofCuts.length > 0)
            reporter.log("Note: who speaks in one cut counts as one person here, for a cut is written whole");
          const avoid = [...found, ...ofCuts];
          for (const warning of checkKnown(utterances, { kept, keep, avoid: found }))
            reporter.log(`Warning: ${warning}`);
          const split = splitCorpus(utterances, { parts, avoid, keep: kept, seed });
          const heard = stillHeard(corpus, split.parts);
          if (heard.length > 0)
            reporter.log(
              `Warning: ${quantityIs(heard.length, "utterance")} in no part and yet heard in one, in the cut of somebody else, such as ${heard[0]!.key}`,
            );
          reporter.close();
          await publishSplit(
            files,
            split,
            corpus,
            parts,
            { outputDir, format, ending, before, kept: kept.length },
            { reporter, abortSignal },
          );
        },
        `${outputDir} is as it was before.`,
      );
    });
  } finally {
    reporter.close();
  }
}

/** Shares that sum to 1 of `train=8,dev=1,test=1`; those that are all below 1 have to do so as they stand. */
function parseParts(text: string): Record<string, number> {
  const shares = new Map<string, number>();
  for (const part of text.split(",")) {
    const [, name = "", share = ""] = /^\s*([^=]*?)\s*=\s*(.*?)\s*$/.exec(part) ?? [];
    if (!/^[\p{L}\p{N}_-]+$/u.test(name) || name === "__proto__")
      throw new InvalidArgumentError(
        `write name=share for each part, as train=8,dev=1,test=1; a name is of letters, digits, _ and -, and ${JSON.stringify(part)} has none`,
      );
    if (name === "speakers")
      throw new InvalidArgumentError("a part cannot be called speakers, as the table of people is");
    if ([...shares.keys()].some((other) => other.toLowerCase() === name.toLowerCase()))
      throw new InvalidArgumentError(`${name} is there twice`);
    const value = share === "" ? Number.NaN : Number(share);
    if (!(value > 0 && value < Infinity))
      throw new InvalidArgumentError(
        `the share of ${name} is ${JSON.stringify(share)}, and has to be a number above 0`,
      );
    shares.set(name, value);
  }
  if (shares.size < 2) throw new InvalidArgumentError("give two parts or more, as train=8,dev=1,test=1");
  const total = [...shares.values()].reduce((sum, share) => sum + share, 0);
  if ([...shares.values()].every((share) => share < 1) && Math.abs(total - 1) > 1e-6)
    throw new InvalidArgumentError(
      `the shares sum to ${Number(total.toPrecision(6))}. Give fractions that sum to 1, or proportions such as 8, 1 and 1`,
    );
  return Object.fromEntries(Array.from(shares, ([name, share]) => [name, share / total]));
}
