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

/** Longer lists are cut. */
const listedItems = 6;

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every(isSimple)) {
    const left = value.length - listedItems;
    return [...value.slice(0, listedItems).map(short), ...(left > 0 ? [`${left} more`] : [])].join(", ");
  }
  if (isRecord(value) && Object.values(value).every(isSimple))
    return Object.entries(value)
      .map(([name, one]) => `${name}: ${short(one)}`)
      .join(", ");
  if ((value instanceof Float32Array || value instanceof Float64Array) && value.length > listed)
    return vectorText(value);
  return inspect(value, { depth: 1, maxArrayLength: 6, breakLength: Infinity });
}

const isSimple = (value: unknown) =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean";

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/**
 * The values of a column, numbers with one number of decimals, so that they stand below each other: as many as the largest one needs.
 * Where a small one would lose by that, the column is as it was.
 */
export function columnTexts(values: readonly unknown[]): string[] {
  const numbers = values.filter((value) => typeof value === "number").filter(Number.isFinite);
  const largest = Math.max(...numbers.map(Math.abs));
  const digits = Math.max(...numbers.map(digitsOf));
  const decimals = largest > 0 ? digits - 1 - Math.floor(Math.log10(largest)) : 0;
  const loses = (value: number) => Math.abs(Number(value.toFixed(decimals)) - value) > 0.01 * Math.abs(value);
  if (decimals <= 0 || decimals > 12 || numbers.some(loses) || numbers.every(Number.isInteger))
    return values.map(short);
  return values.map((value) =>
    typeof value === "number" && Number.isFinite(value) ? value.toFixed(decimals) : short(value),
  );
}

/** How many significant digits are shown of a number. */
const digitsOf = (value: number) =>
  shortNumber(value).replace(/e.*$/, "").replace(/\D/g, "").replace(/^0+/, "").length;

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
