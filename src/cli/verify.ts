import type { Command } from "commander";
import { invalid } from "../errors.js";
import { verify } from "../merged/verify.js";
import { quantity } from "../shared/text.js";
import { interruptSignal } from "./interrupt.js";
import { printLine } from "./print.js";

/** Problems that are printed; all of them count. */
const shown = 50;

export function verifyCommand(program: Command): void {
  program
    .command("verify")
    .argument("[folder]", "what extract or merge wrote", "final_embeddings")
    .action(async (folder: string) => {
      const { kind, checked, problems } = await verify(folder, { abortSignal: interruptSignal() });
      const counts = Object.entries(checked).map(([what, count]) => `${count} ${what}`);
      printLine(`${folder}: ${kind}: ${counts.join(", ")}`);
      for (const problem of problems.slice(0, shown)) printLine(`  ${problem}`);
      if (problems.length > shown) printLine(`  ... and ${problems.length - shown} more`);
      // Files of others are not for merging to repair.
      const isRepaired = problems.some((problem) => !problem.includes("merging leaves them"));
      const remedy = isRepaired
        ? `Run ${kind === "extraction" ? "extract" : "merge"} again to repair them.`
        : "Move those files out.";
      if (problems.length > 0)
        throw invalid(`${folder} has ${quantity(problems.length, "problem")}. ${remedy}`, {
          path: folder,
          got: problems.length,
        });
      printLine("no problem found");
    });
}
