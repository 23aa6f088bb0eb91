import { invalid, reasonOf, shown } from "../errors.js";
import { readSmallText } from "../util/read-file.js";
import { isObject, type JsonObject, parsedJson } from "./read-json.js";

/**
 * The keys and values of a YAML or JSON file that a person wrote, at most 1 MiB.
 *
 * The object has no prototype, so that no key is there but those in the file.
 *
 * @param what what the file is, for error messages: `The model configuration`
 * @throws `missing`, `invalid` or `unsupported`, naming the file
 */
export function readYaml(path: string, what: string): JsonObject {
  const text = readSmallText(path, what);
  let value: unknown;
  try {
    value = parsedJson(text) ?? parseYaml(text);
  } catch (cause) {
    // The first line says what is wrong and where; the lines below it repeat a part of the file.
    const [reason] = reasonOf(cause).split("\n");
    throw invalid(`${what} ${path} is neither YAML nor JSON (${reason}).`, { path, cause });
  }
  if (!isObject(value))
    throw invalid(`${what} ${path} holds ${shown(value)}, not keys with values.`, { path, got: value });
  return ownKeys(value);
}

/** The parser is loaded where JSON is not enough: loading it and reading a small file take 40 ms of CPU time. */
function parseYaml(text: string): unknown {
  const { parse } = require("yaml") as typeof import("yaml");
  return parse(text);
}

/** A copy without a prototype. */
export const ownKeys = (object: object): JsonObject =>
  Object.assign(Object.create(null) as JsonObject, object);
