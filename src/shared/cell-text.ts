import { inspect } from "node:util";

const cellChars = 120;
/** Longer vectors are told instead of listed. */
const listed = 20;
const shownValues = 8;

/** One value in a table cell or a list: short, on one line. */
export function short(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return shortNumber(value);
  const line = textOf(value).replaceAll("\n", " ");
  return line.length > cellChars ? `${line.slice(0, cellChars - 1)}…` : line;
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if ((value instanceof Float32Array || value instanceof Float64Array) && value.length > listed)
    return vectorText(value);
  return inspect(value, { depth: 1, maxArrayLength: 6, breakLength: Infinity });
}

/** Six significant digits, as numpy and pandas show by default. */
export const shortNumber = (value: number): string =>
  Number.isInteger(value) || !Number.isFinite(value) ? String(value) : String(Number(value.toPrecision(6)));

/** A vector on one line: its shape, its norm and its first eight values. */
export function vectorText(vector: Float32Array | Float64Array): string {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const values = Array.from(vector.subarray(0, shownValues), (value) => String(Number(value.toPrecision(3))));
  if (vector.length > shownValues) values.push("…");
  return `${vector.constructor.name} (${vector.length}), norm ${shortNumber(Math.sqrt(squares))}: ${values.join(", ")}`;
}
