#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { Command, CommanderError } from "commander";
import { reasonOf } from "../errors.js";
import { printable } from "../shared/printable.js";
import { packageRoot } from "../util/package-root.js";

/** Each command loads what it needs: all of them together take 70 ms more of CPU time. */
const commands: Record<string, () => Promise<(program: Command) => void>> = {
  run: async () => (await import("./run.js")).runCommand,
  extract: async () => (await import("./extract.js")).extractCommand,
  status: async () => (await import("./status.js")).statusCommand,
  merge: async () => (await import("./merge.js")).mergeCommand,
  similarity: async () => (await import("./similarity.js")).similarityCommand,
  compare: async () => (await import("./compare.js")).compareCommand,
  identify: async () => (await import("./identify.js")).identifyCommand,
  score: async () => (await import("./score.js")).scoreCommand,
  analyze: async () => (await import("./analyze.js")).analyzeCommand,
  audit: async () => (await import("./audit.js")).auditCommand,
  apply: async () => (await import("./apply.js")).applyCommand,
  load: async () => (await import("./load.js")).loadCommand,
  export: async () => (await import("./export.js")).exportCommand,
  verify: async () => (await import("./verify.js")).verifyCommand,
  model: async () => (await import("./model.js")).modelCommand,
  kernel: async () => (await import("./kernel.js")).kernelCommand,
};

/** Flags may be written with underscores, like those of the Python pipeline: `--data_root` is `--data-root`. */
export const withDashes = (args: readonly string[]): string[] =>
  args.map((arg) => arg.replace(/^--[A-Za-z0-9_-]+/, (name) => name.replaceAll("_", "-")));

async function main(args: readonly string[], onUsageError: () => void): Promise<void> {
  const { version } = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8")) as {
    version: string;
  };
  const program = new Command("speakerscope")
    .description(
      "Speaker embeddings: extract them, merge what the ranks wrote, compare every speaker with every other.",
    )
    .version(version);
  const named = Object.hasOwn(commands, args[0] ?? "") ? [commands[args[0]!]!] : Object.values(commands);
  for (const load of named) (await load())(program);
  for (const command of [
    program,
    ...program.commands,
    ...program.commands.flatMap(({ commands }) => commands),
  ])
    command
      .exitOverride()
      .showHelpAfterError("(--help lists the flags)")
      .configureOutput({
        outputError(text, write) {
          onUsageError();
          write(withSuggestion(text, command));
        },
      });
  await program.parseAsync(withDashes(args), { from: "user" });
}

/** Commander suggests names that are spelt alike; this also names the flags that hold the word: --threshold. */
function withSuggestion(text: string, command: Command): string {
  const [, word] = /unknown option '--([^'=]+)/.exec(text) ?? [];
  if (word === undefined || text.includes("Did you mean")) return text;
  const names = command.options.map(({ long }) => long ?? "").filter((name) => name.includes(word));
  if (names.length === 0) return text;
  return text.replace(
    /\n/,
    `\n(Did you mean ${names.join(" or ").replaceAll("-", "_").replaceAll("__", "--")}?)\n`,
  );
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
    // Commander has printed its own errors; --help and --version end here too.
    if (error instanceof CommanderError && (isSaid || error.exitCode === 0))
      process.exitCode = error.exitCode;
    else fail(error);
  });
}
