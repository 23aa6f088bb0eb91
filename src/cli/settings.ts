import { readFileSync } from "node:fs";
import { type Command, InvalidArgumentError, type Option } from "commander";
import { parse } from "yaml";
import { invalid, reasonOf, unknown } from "../errors.js";

/** The settings of the pipeline that may stand in the environment, as in the Python pipeline's script. */
const fromEnvironment = [
  "COMPUTE_SIMILARITY",
  "SIMILARITY_THRESHOLD",
  "SAVE_INDIVIDUAL",
  "MERGE_INDIVIDUAL",
  "BATCH_SIZE",
  "GPUS",
];

/**
 * The settings of a command: from its flags, else from the environment, else from a YAML or JSON file whose keys are
 * the names of the flags (`data_root: ...`), else the defaults.
 */
export function resolveSettings(
  command: Command,
  settingsFile: string | undefined,
  environment: NodeJS.ProcessEnv = process.env,
): Record<string, unknown> {
  const settings: Record<string, unknown> = command.opts();
  const isOpen = (option: Option) => command.getOptionValueSource(option.attributeName()) !== "cli";
  const take = (option: Option, text: string, where: string) => {
    try {
      settings[option.attributeName()] = option.parseArg ? option.parseArg(text, undefined) : text;
    } catch (error) {
      const want = error instanceof InvalidArgumentError ? error.message : reasonOf(error);
      throw invalid(where, "setting", { got: text, want });
    }
  };
  const byName = new Map(command.options.map((option) => [option.name().replaceAll("-", "_"), option]));
  for (const [name, value] of Object.entries(readSettings(settingsFile))) {
    const option = byName.get(name.replaceAll("-", "_"));
    if (option === undefined || name === "settings")
      throw unknown("settings", `key ${name}`, { path: settingsFile, want: [...byName.keys()].join(", ") });
    if (isOpen(option))
      take(option, Array.isArray(value) ? value.join(" ") : String(value), `${settingsFile}, ${name}`);
  }
  for (const variable of fromEnvironment) {
    const option = byName.get(variable.toLowerCase());
    const text = environment[variable];
    if (option !== undefined && text !== undefined && text !== "" && isOpen(option))
      take(option, text, variable);
  }
  return settings;
}

function readSettings(path: string | undefined): Record<string, unknown> {
  if (path === undefined) return {};
  let value: unknown;
  try {
    value = parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw invalid("settings", "file", { path, want: `YAML or JSON; ${reasonOf(cause)}`, cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid("settings", "file", { path, got: value, want: "keys such as data_root" });
  return value as Record<string, unknown>;
}
