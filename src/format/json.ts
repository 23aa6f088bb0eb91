import { invalid, shown } from "../errors.js";
import { PythonFloat, pythonRepr } from "./python-float.js";

const chunkLength = 1 << 16;

/**
 * Text of JSON as Python's `json.dump(value, file, indent=2)` writes it, character for character: numbers as `repr`
 * gives them, everything beyond ASCII as `\uXXXX`.
 *
 * Whole numbers are ints, others floats; `float(1)` is `1.0`, and so are the numbers of a Float32Array or Float64Array.
 * Float32 numbers appear as Python sees them after `float(x)`: 0.18672515451908112.
 *
 * @param value null, boolean, number, bigint, string, `float(x)`, array or other iterable (list), plain object or Map (dict)
 * @throws invalid for NaN, the infinities, undefined and everything else that JSON does not have
 * @example
 * writeFileSync("summary.json", pythonJson({ total_speakers: 10, mean: float(0.5) }));
 */
export function pythonJson(value: unknown): string {
  return [...pythonJsonChunks(value)].join("");
}

/**
 * The same text in pieces of about 64 kB, so that no string has to hold a list of a million rows; a generator of rows
 * is drawn from as the text is.
 *
 * @example
 * for (const text of pythonJsonChunks(rows)) file.write(text);
 */
export function* pythonJsonChunks(value: unknown): Generator<string> {
  let pending = "";
  for (const piece of pieces(value, "\n", "value")) {
    pending += piece;
    if (pending.length >= chunkLength) {
      yield pending;
      pending = "";
    }
  }
  if (pending) yield pending;
}

/** @param newline a line feed and the indentation of the line that `value` begins on */
function* pieces(value: unknown, newline: string, subject: string): Generator<string> {
  if (newline.length > 1000)
    throw invalid(
      `${subject.slice(0, 60)} is nested more than 500 levels deep, or lies within itself, so it is no JSON.`,
    );
  const scalar = scalarText(value, subject);
  if (scalar !== undefined) {
    yield scalar;
    return;
  }
  const inner = `${newline}  `;
  if (value instanceof Float32Array || value instanceof Float64Array) {
    if (value.length === 0) yield "[]";
    else yield `[${inner}${Array.from(value, (x) => pythonRepr(x, subject)).join(`,${inner}`)}${newline}]`;
    return;
  }
  const isList =
    typeof (value as Iterable<unknown>)[Symbol.iterator] === "function" && !(value instanceof Map);
  const [open, close] = isList ? "[]" : "{}";
  let count = 0;
  if (isList) {
    for (const item of value as Iterable<unknown>) {
      yield count === 0 ? open + inner : `,${inner}`;
      yield* pieces(item, inner, `${subject}[${count++}]`);
    }
  } else {
    for (const [key, item] of value instanceof Map ? value : Object.entries(value as object)) {
      yield `${count++ === 0 ? open : ","}${inner}${keyText(key, subject)}: `;
      yield* pieces(item, inner, `${subject}.${key}`);
    }
  }
  yield count === 0 ? open + close : newline + close;
}

function scalarText(value: unknown, subject: string): string | undefined {
  switch (typeof value) {
    case "string":
      return quoted(value);
    case "boolean":
    case "bigint":
      return String(value);
    case "number":
      return Number.isSafeInteger(value) && !Object.is(value, -0)
        ? String(value)
        : pythonRepr(value, subject);
    case "object":
      if (value === null) return "null";
      return value instanceof PythonFloat ? pythonRepr(value.value, subject) : undefined;
    default:
      throw invalid(
        `${subject} is ${anyOf(value)}. JSON holds null, booleans, numbers, text, lists and objects.`,
        { got: value },
      );
  }
}

function keyText(key: unknown, subject: string): string {
  if (typeof key === "string") return quoted(key);
  if (typeof key === "bigint" || Number.isSafeInteger(key)) return `"${key}"`;
  throw invalid(`${subject} has ${shown(key)} as a key. A key must be text or a whole number.`, { got: key });
}

/** `undefined`, or `a function`. */
const anyOf = (value: unknown): string => (value === undefined ? "undefined" : `a ${typeof value}`);

/** JSON.stringify escapes as Python does, but leaves DEL and everything above it as they are. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
