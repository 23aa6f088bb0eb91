#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { Command, CommanderError } from "commander";
import { reasonOf } from "../errors.js";
import { printable } from "../shared/printable.js";
import { packageRoot } from "../util/package-root.js";
import { examplesText } from "./examples.js";

/** What the help lists; the one that is called is loaded, because all together take 0.2 s of CPU time. */
const commands: Record<string, { description: string; load: () => Promise<(program: Command) => void> }> = {
  run: {
    description: "All stages in a row: 1 extract, 2 merge and compare, 3 report, 4 clean up.",
    load: async () => (await import("./run.js")).runCommand,
  },
  extract: {
    description:
      "Embed every utterance of a corpus, on several processes; goes on where an earlier run stopped.",
    load: async () => (await import("./extract.js")).extractCommand,
  },
  status: {
    description:
      "How far an extraction is, while it runs or after: done, failed, left, and the rate of every rank.",
    load: async () => (await import("./status.js")).statusCommand,
  },
  merge: {
    description:
      "Merge what the ranks (the processes of extract) wrote into one set of files, and compare the speakers.",
    load: async () => (await import("./merge.js")).mergeCommand,
  },
  similarity: {
    description: "Compare vectors with each other, or with another set: exact, in bounded memory.",
    load: async () => (await import("./similarity.js")).similarityCommand,
  },
  compare: {
    description: "Compare two recordings: is it one speaker?",
    load: async () => (await import("./compare.js")).compareCommand,
  },
  identify: {
    description: "Say who speaks: the nearest of the enrolled to every query.",
    load: async () => (await import("./identify.js")).identifyCommand,
  },
  score: {
    description: "Score a list of trials, and say how well the scores tell one speaker from two.",
    load: async () => (await import("./score.js")).scoreCommand,
  },
  analyze: {
    description:
      "Report on merged results: bands of similarity, likely duplicates, pairs across data sets, the top pairs.",
    load: async () => (await import("./analyze.js")).analyzeCommand,
  },
  cluster: {
    description:
      "Put unlabelled speech into people: who they are and how sure it is (people.csv, utterances.csv), and the corpus under their names (manifest.csv).",
    load: async () => (await import("./cluster.js")).clusterCommand,
  },
  audit: {
    description:
      "Find what is wrong: wrong labels, one person under two names or in two data sets, two people under one name; and in the audio (--checks of extract, or --data_root here) copies, files without speech, doubtful ones.",
    load: async () => (await import("./audit.js")).auditCommand,
  },
  apply: {
    description:
      "Do what was decided on the findings of an audit: write the corpus without what is dropped, under the right names.",
    load: async () => (await import("./apply.js")).applyCommand,
  },
  split: {
    description:
      "Deal a corpus out into train, dev and test by hours, so that nobody is on two sides: a manifest of each part.",
    load: async () => (await import("./split.js")).splitCommand,
  },
  load: {
    description:
      "Show individual embeddings, one file for each utterance and speaker: without names the data sets, then the speakers, the utterances, the vector.",
    load: async () => (await import("./load.js")).loadCommand,
  },
  export: {
    description:
      "Write merged embeddings for other tools: Parquet, a Kaldi archive, .npz, CSV, TSV or JSONL.",
    load: async () => (await import("./export.js")).exportCommand,
  },
  verify: {
    description:
      "Check what extract or merge wrote: every record, list, index and individual file. Changes nothing.",
    load: async () => (await import("./verify.js")).verifyCommand,
  },
  model: {
    description:
      "Say how a model is understood and from where, or find the front end that gives a known embedding.",
    load: async () => (await import("./model.js")).modelCommand,
  },
  kernel: {
    description: "Put the TypeScript kernel into a JupyterLab, or out of it.",
    load: async () => (await import("./kernel.js")).kernelCommand,
  },
};

/** Flags may be written with underscores, like those of the Python pipeline: `--data_root` is `--data-root`. */
export const withDashes = (args: readonly string[]): string[] =>
  args.map((arg) => arg.replace(/^--[A-Za-z0-9_-]+/, (name) => name.replaceAll("_", "-")));

/** As the documentation and the messages write them. */
const withUnderscores = (text: string): string =>
  text.replace(/--[a-z][a-z-]*/g, (name) => `--${name.slice(2).replaceAll("-", "_")}`);

const fullName = (command: Command): string =>
  command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;

const endOfHelp = `speakerscope COMMAND --help lists the flags of a command and shows it at work. Flags may be written with underscores or
dashes (--data_root, --data-root). A command ends with status 0 when it did its job, 1 when it could not, when verify finds
a problem or when audit finds what --fail_on names, and 130 when it was interrupted.`;

async function main(args: readonly string[], onUsageError: () => void): Promise<void> {
  const { version } = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8")) as {
    version: string;
  };
  const program = new Command("speakerscope")
    .description(
      "Speaker embeddings: extract them, merge what the ranks wrote, compare every speaker with every other.",
    )
    .version(version)
    .addHelpText("after", `${examplesText("run")}\n\n${endOfHelp}`);
  const words = args.filter((arg) => !arg.startsWith("-"));
  const called = words[0] === "help" ? words[1] : words[0];
  for (const [name, { description, load }] of Object.entries(commands)) {
    if (name === called) (await load())(program);
    else program.command(name);
    program.commands
      .at(-1)!
      .description(description)
      .addHelpText("after", () => examplesText(name));
  }
  for (const command of [
    program,
    ...program.commands,
    ...program.commands.flatMap(({ commands }) => commands),
  ])
    command
      .exitOverride()
      .configureHelp({
        subcommandTerm: (command) => command.name(),
        optionTerm: ({ flags }) => withUnderscores(flags),
      })
      .showHelpAfterError(`(${fullName(command)} --help lists the flags, and shows an example)`)
      .configureOutput({
        outputError(text, write) {
          onUsageError();
          write(withUnderscores(withSuggestion(text, command)));
        },
      });
  program.hook("preAction", async (_program, called) => {
    (await import("./spare-inputs.js")).spareInputs(called.name(), called.opts());
  });
  await program.parseAsync(withDashes(args), { from: "user" });
}

/** Commander suggests names that are spelt alike; this also names the flags that hold the word: --threshold. */
function withSuggestion(text: string, command: Command): string {
  const [, word] = /unknown option '--([^'=]+)/.exec(text) ?? [];
  if (word === undefined || text.includes("Did you mean")) return text;
  const names = command.options.map(({ long }) => long ?? "").filter((name) => name.includes(word));
  if (names.length === 0) return text;
  return text.replace(/\n/, `\n(Did you mean ${names.join(" or ")}?)\n`);
}

/**
 * Keeps a job alive when its output cannot be written.
 *
 * A closed pipe (`... | head`) ends the command quietly, with the status that a shell reports for SIGPIPE. A full disk behind
 * standard output is reported once, and the command goes on.
 */
function surviveOutputErrors(): void {
  for (const [name, stream, other] of [
    ["standard output", process.stdout, process.stderr],
    ["standard error", process.stderr, process.stdout],
  ] as const) {
    let said = false;
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(128 + constants.signals.SIGPIPE);
      if (said) return;
      said = true;
      other.write(`Warning: ${name} cannot be written (${error.message}); this goes on without it.\n`);
    });
  }
}

/** Prints why a command failed, and sets its exit status. */
function fail(error: unknown): void {
  process.stderr.write(
    `error: ${
      printable(
        reasonOf(error)
          .trim()
          .replace(/\s*\n\s*/g, " "),
      ) || "unknown"
    }\n`,
  );
  if (process.env.SPEAKERSCOPE_DEBUG) console.error(error);
  process.exitCode = (error as { tag?: string } | undefined)?.tag === "interrupted" ? 130 : 1;
}

if (require.main === module) {
  surviveOutputErrors();
  for (const event of ["uncaughtException", "unhandledRejection"] as const)
    process.on(event, (error: unknown) => {
      fail(error);
      process.exit();
    });
  let isSaid = false;
  main(process.argv.slice(2), () => {
    isSaid = true;
  }).catch((error: unknown) => {
    // Commander has printed its own errors; --help and --version end here too, and the help of a name that is no whole command.
    const isHelp = error instanceof CommanderError && error.code === "commander.help";
    if (error instanceof CommanderError && (isSaid || isHelp || error.exitCode === 0))
      process.exitCode = error.exitCode;
    else fail(error);
  });
}
