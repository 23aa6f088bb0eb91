import { type Command, Option } from "commander";
import { exportEmbeddings } from "../store/export-embeddings.js";
import { endOnInterrupt } from "./interrupt.js";
import { printLine } from "./print.js";

interface Settings {
  input: string;
  to: string;
  level?: "speaker" | "utterance";
}

/** Registers `speakerscope export`. */
export function exportCommand(program: Command): void {
  program
    .command("export")
    .option("--input <path>", "a folder that merging wrote", "final_embeddings")
    .requiredOption(
      "--to <file>",
      "its ending tells the format: embeddings.parquet, xvector.ark, embeddings.npz",
    )
    .addOption(
      new Option(
        "--level <what>",
        "embeddings of what (default: utterance; for .ark both, the speakers' as spk_NAME)",
      ).choices(["speaker", "utterance"]),
    )
    .action(async ({ input, to, level }: Settings) => {
      endOnInterrupt(`The export was stopped on request. ${to} is as it was before.`);
      printLine(`Written: ${(await exportEmbeddings(input, to, { level })).join(", ")}`);
    });
}
