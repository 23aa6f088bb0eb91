import type { Command } from "commander";
import { invalid } from "../errors.js";
import { inShell } from "../pipeline/corpus-flags.js";
import { compare } from "../scoring/compare.js";
import { readCalibration } from "../scoring/score-calibration.js";
import { statsOf } from "../util/stats-of.js";
import * as options from "./options.js";
import { printLine } from "./print.js";

interface Settings {
  calibration?: string;
  prior?: number;
  threshold?: number;
  modelPath?: string;
  configFile?: string;
  precision?: string;
  device?: string;
}

/** Registers `speakerscope compare`. */
export function compareCommand(program: Command): void {
  const command = program
    .command("compare")
    .argument("<a>", "audio file")
    .argument("<b>", "audio file")
    .option("--calibration <file>", "what scores mean (default: MODEL.calibration.json, where there is one)")
    .option(
      "--prior <p>",
      "how probable one speaker is before anything is heard (default: 0.5)",
      options.probability("prior"),
    )
    .option("--threshold <cosine>", "decide by this cosine alone", options.cosine("threshold"));
  for (const option of options.modelOptions()) command.addOption(option);
  command.action(async (a: string, b: string, { calibration, ...settings }: Settings) => {
    for (const path of [a, b])
      if (statsOf(path)?.isDirectory())
        throw invalid(
          `${path} is a folder, and compare takes two recordings. To say who speaks in a folder: speakerscope identify --query ${inShell(path)}`,
          { path },
        );
    const { score, verdict, probability, basis, doubts } = await compare(a, b, {
      ...settings,
      device: settings.device ?? "auto",
      calibration: calibration === undefined ? undefined : readCalibration(calibration),
    });
    const sure = probability === null ? "" : `, probability ${probability.toPrecision(4)}`;
    printLine(`${verdict}: cosine ${score.toFixed(4)}${sure} (by ${basis})`);
    for (const doubt of doubts) printLine(`Doubtful: ${doubt}`);
  });
}
