import { type Command, InvalidArgumentError, type Option } from "commander";
import { conflict, invalid, shown, unknown } from "../errors.js";
import { readYaml } from "../format/read-yaml.js";
import { boolean } from "./options.js";

/** Environment variables that set options, as in the Python pipeline's script. */
const fromEnvironment = [
  "COMPUTE_SIMILARITY",
  "SIMILARITY_THRESHOLD",
  "SAVE_INDIVIDUAL",
  "MERGE_INDIVIDUAL",
  "BATCH_SIZE",
  "GPUS",
];

/**
 * The settings of a command: from its flags, else the environment, else a YAML or JSON file whose keys are the names of the
 * flags (`data_root: ...`), else the defaults. All values are parsed alike.
 *
 * @throws `invalid` or `unknown`, naming the key or variable and its value
 */
export function resolveSettings(
  command: Command,
  settingsFile: string | undefined,
  environment: NodeJS.ProcessEnv = process.env,
): Record<string, unknown> {
  const settings: Record<string, unknown> = command.opts();
  const isOpen = (option: Option) => command.getOptionValueSource(option.attributeName()) !== "cli";
  const byName = new Map(command.options.map((option) => [option.name().replaceAll("-", "_"), option]));
  const fromFile = settingsFile === undefined ? {} : readYaml(settingsFile, "The settings file");
  const seen = new Map<Option, string>();
  for (const [name, value] of Object.entries(fromFile)) {
    const option = byName.get(name.replaceAll("-", "_"));
    if (option === undefined || option.name() === "settings")
      throw unknown(
        `The key ${name} in ${settingsFile} is not known. The keys are ${[...byName.keys()].filter((key) => key !== "settings").join(", ")}.`,
        { path: settingsFile, got: name },
      );
    if (seen.has(option))
      throw conflict(
        `${settingsFile} has both ${seen.get(option)} and ${name}, which mean the same. Keep one.`,
        {
          path: settingsFile,
        },
      );
    seen.set(option, name);
    const parsed = parse(option, value, `${name} in ${settingsFile}`);
    if (isOpen(option)) settings[option.attributeName()] = parsed;
  }
  for (const variable of fromEnvironment) {
    const option = byName.get(variable.toLowerCase());
    const text = environment[variable];
    if (option === undefined || text === undefined || text === "") continue;
    const parsed = parse(option, text, `The environment variable ${variable}`);
    if (isOpen(option)) settings[option.attributeName()] = parsed;
  }
  return settings;
}

/** Parses the value of an option from a file or the environment. */
function parse(option: Option, value: unknown, place: string): unknown {
  const text = textOf(option, value);
  if (text === undefined)
    throw invalid(`${place} is ${shown(value)}, which is no value for it.`, { got: value });
  try {
    if (option.parseArg !== undefined) return option.parseArg(text, undefined);
    return option.isBoolean() ? boolean(text) : text;
  } catch (cause) {
    if (!(cause instanceof InvalidArgumentError)) throw cause;
    throw invalid(`${place} is ${shown(value)}: ${cause.message.replace(/\.$/, "")}.`, { got: value, cause });
  }
}

/** The value as it would be written after the flag. */
function textOf(option: Option, value: unknown): string | undefined {
  const isSwitch = option.optional || option.isBoolean();
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  if (typeof value === "boolean") return isSwitch ? String(value) : undefined;
  const isList = Array.isArray(value) && option.name() === "gpus";
  return isList && value.every((item) => typeof item === "number") ? value.join(" ") : undefined;
}
