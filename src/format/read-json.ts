import { invalid, reasonOf, shown } from "../errors.js";
import { readText } from "../util/read-file.js";

/** An object of a JSON file: its values may be of any type. */
export type JsonObject = Record<string, unknown>;

/**
 * The value in a JSON file.
 *
 * @param what what the file is, for error messages: `The speaker list`
 * @throws `missing`, `invalid` or `unsupported`, naming the file
 */
export function readJson(path: string, what: string): unknown {
  const text = readText(path, what);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid(`${what} ${path} is not JSON (${reasonOf(cause)}).`, { path, cause });
  }
}

/** The value of a text; undefined where it is not JSON. */
export function parsedJson(text: string, reviver?: (key: string, value: unknown) => unknown): unknown {
  try {
    return JSON.parse(text, reviver);
  } catch {
    return undefined;
  }
}

/**
 * The text of JSON with whole numbers that a float64 cannot hold as text: two ids of 17 digits would otherwise become one.
 * Other readers, Python's among them, hold them exactly.
 */
export const withExactIntegers = (text: string): string =>
  /\d{16}/.test(text)
    ? text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) =>
        /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"${token}"` : token,
      )
    : text;

/** The object in a JSON file. */
export function readJsonObject(path: string, what: string): JsonObject {
  const value = readJson(path, what);
  if (isObject(value)) return value;
  throw invalid(`${what} ${path} holds ${shown(value)}, not an object.`, { path, got: value });
}

/** The rows of a JSON file that holds a list of objects. */
export function readJsonRows(path: string, what: string): JsonObject[] {
  const value = readJson(path, what);
  if (!Array.isArray(value))
    throw invalid(`${what} ${path} holds ${shown(value)}, not a list.`, { path, got: value });
  const wrong = value.findIndex((row) => !isObject(row));
  if (wrong < 0) return value;
  throw invalid(`Row ${wrong + 1} of ${path} is ${shown(value[wrong])}, not an object.`, {
    path,
    got: value[wrong],
  });
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
