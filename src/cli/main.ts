#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command, CommanderError } from "commander";
import { reasonOf } from "../errors.js";
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

/** Flags may be written with underscores, as the Python pipeline's are: `--data_root` is `--data-root`. */
export const withDashes = (args: readonly string[]): string[] =>
  args.map((arg) => arg.replace(/^--[A-Za-z0-9_-]+/, (name) => name.replaceAll("_", "-")));

async function main(args: readonly string[]): Promise<void> {
  const { version } = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8")) as {
    version: string;
  };
  const program = new Command("speakerscope")
    .description(
      "Speaker embeddings: extract them, merge what the ranks wrote, compare every speaker with every other.",
    )
    .version(version)
    .showHelpAfterError("(--help lists the flags)")
    .exitOverride();
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
  for (const command of program.commands)
    command.exitOverride().showHelpAfterError("(--help lists the flags)");
  await program.parseAsync(withDashes(args), { from: "user" });
}

if (require.main === module)
  main(process.argv.slice(2)).catch((error: unknown) => {
    if (error instanceof CommanderError) process.exitCode = error.exitCode;
    else {
      console.error(`error: ${reasonOf(error)}`);
      if (process.env.SPEAKERSCOPE_DEBUG) console.error(error);
      process.exitCode = (error as { tag?: string }).tag === "interrupted" ? 130 : 1;
    }
  });
