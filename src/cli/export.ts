import { type Command, Option } from "commander";
import { exportEmbeddings } from "../store/export-embeddings.js";
import { endOnInterrupt } from "./interrupt.js";
import { formerly } from "./options.js";
import { printLine } from "./print.js";

interface Settings {
  embeddings: string;
  out: string;
  level?: "speaker" | "utterance";
}

/** Registers `speakerscope export`. */
export function exportCommand(program: Command): void {
  program
    .command("export")
    .option("--embeddings <path>", "a folder that merging wrote", "final_embeddings")
    .addOption(formerly("--input <path>", "embeddings"))
    .requiredOption(
      "--out <file>",
      "its ending tells the format: embeddings.parquet, xvector.ark, embeddings.npz",
    )
    .addOption(
      new Option(
        "--level <what>",
        "embeddings of what (default: utterance; for .ark both, the speakers' as spk_NAME)",
      ).choices(["speaker", "utterance"]),
    )
    .addOption(formerly("--to <file>", "out"))
    .action(async ({ embeddings, out, level }: Settings) => {
      endOnInterrupt(`The export was stopped on request. ${out} is as it was before.`);
      printLine(`Written: ${(await exportEmbeddings(embeddings, out, { level })).join(", ")}`);
    });
}
