import type { Command } from "commander";
import { shownCosine } from "../embed/check-golden.js";
import { type Fit, fitting } from "../embed/fit-front-end.js";
import { fitModel, inspectModel, type ModelInspection } from "../embed/inspect-model.js";
import { invalid } from "../errors.js";
import { textTable } from "../shared/text-table.js";
import { configFile, precision } from "./options.js";
import { printLine } from "./print.js";

/** Front ends that are printed of those that were tried. */
const shown = 5;

interface ModelSettings {
  configFile?: string;
  precision?: string;
  fit?: boolean;
}

export function modelCommand(program: Command): void {
  program
    .command("model")
    .argument("<model>", "an .onnx file, or campplus or ge2e, which are bundled")
    .argument("[audio]", "with --fit: an audio file of some seconds")
    .argument("[embedding]", "with --fit: a .npy file with what the original model gives for it")
    .option("--fit", "look for the front end with which the model gives that embedding")
    .addOption(configFile())
    .addOption(precision())
    .action(
      async (
        model: string,
        audio: string | undefined,
        embedding: string | undefined,
        { fit = false, ...options }: ModelSettings,
      ) => {
        if (!fit) return printInspection(inspectModel(model, options));
        if (audio === undefined || embedding === undefined)
          throw invalid("--fit needs two files: speakerscope model MODEL --fit AUDIO EMBEDDING.npy.");
        await printFit(model, audio, embedding, options);
      },
    );
}

function printInspection({ path, configPath, identity, settings, inputs, outputs }: ModelInspection): void {
  printLine(`Model ${path} (SHA-256 ${identity.sha256.slice(0, 12)}...)`);
  printLine(configPath === undefined ? "No configuration beside it" : `Configuration ${configPath}`);
  const tensors = [
    ...inputs.map((value) => ["input", value] as const),
    ...outputs.map((value) => ["output", value] as const),
  ].map(([kind, { name, type, shape }]) => [
    kind,
    name,
    type ?? "?",
    shape === undefined ? "?" : `(${shape.map((axis) => axis ?? "?").join(", ")})`,
  ]);
  print(["", "tensor", "type", "shape"], tensors);
  print(
    ["setting", "value", "told by"],
    settings.map(({ key, value, teller }) => [key, text(value), teller]),
  );
  print(
    ["front end", "value"],
    Object.entries(identity.frontend).map(([key, value]) => [key, text(value)]),
  );
}

async function printFit(
  model: string,
  audio: string,
  embedding: string,
  options: ModelSettings,
): Promise<void> {
  const fits = await fitModel(model, audio, embedding, options);
  const [best] = fits;
  if (best === undefined)
    throw invalid(
      `The graph of ${model} takes no features of any family that is known. Say in a configuration what it takes; see docs/models.md.`,
      { path: model },
    );
  print(
    ["settings", "cosine"],
    fits.slice(0, shown).map(({ settings, cosine }) => [settings, cosine.toFixed(6)]),
  );
  const { equal, worse } = fitting(fits);
  if (equal.length === 0)
    throw invalid(
      `None of the ${fits.length} front ends that were tried gives that embedding; the nearest comes to a cosine of ${shownCosine(best.cosine)}.`,
      { path: model, got: best.cosine },
    );
  const named = (some: readonly Fit[]) =>
    some
      .slice(0, shown)
      .map(({ settings }) => settings)
      .join("; ");
  printLine(`It fits with ${best.settings}`);
  if (equal.length > 1)
    printLine(`It fits as well with ${named(equal.slice(1))}: this file does not tell them apart`);
  if (worse.length > 0) printLine(`Near misses, which are not it: ${named(worse)}`);
}

function print(headings: readonly string[], rows: readonly (readonly string[])[]): void {
  for (const line of textTable(
    headings.map((heading) => ({ heading })),
    rows,
  ))
    printLine(line);
}

const text = (value: unknown): string => (typeof value === "object" ? JSON.stringify(value) : String(value));
