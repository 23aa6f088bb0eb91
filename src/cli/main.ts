#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { Command, CommanderError } from "commander";
import { reasonOf } from "../errors.js";
import { printable } from "../shared/printable.js";
import { packageRoot } from "../util/package-root.js";
import { analyzeCommand } from "./analyze.js";
import { extractCommand } from "./extract.js";
import { kernelCommand } from "./kernel.js";
import { loadCommand } from "./load.js";
import { mergeCommand } from "./merge.js";
import { runCommand } from "./run.js";
import { similarityCommand } from "./similarity.js";
import { statusCommand } from "./status.js";
import { verifyCommand } from "./verify.js";

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
  for (const register of [
    runCommand,
    extractCommand,
    statusCommand,
    mergeCommand,
    similarityCommand,
    analyzeCommand,
    loadCommand,
    verifyCommand,
    kernelCommand,
  ])
    register(program);
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
          write(text);
        },
      });
  await program.parseAsync(withDashes(args), { from: "user" });
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
