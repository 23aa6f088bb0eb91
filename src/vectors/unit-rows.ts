import { invalid } from "../errors.js";
import { quantity } from "../shared/text.js";
import type { Matrix } from "../types.js";

/** What can be compared: embeddings with their keys, or the rows of a matrix. */
export type Rows = Matrix | readonly { embedding: Float32Array; key?: string }[];

/** Rows scaled to length 1, which makes a cosine a dot product. */
export interface UnitRows {
  /** Float32Array (n, dimension). */
  data: Float32Array;
  n: number;
  dimension: number;
  keys: string[];
}

/**
 * Checks rows and scales each to length 1 (in float64, then rounded).
 *
 * @throws `invalid` for rows of different dimensions, for NaN and infinite values, and for a zero vector, which has no
 * direction; the row is named
 */
export function unitRows(rows: Rows, { what = "Row" } = {}): UnitRows {
  const { n, dimension, row, keys } = view(rows);
  const data = new Float32Array(n * dimension);
  for (let i = 0; i < n; i++) {
    const values = row(i);
    const name = nameOf(what, i, keys[i]);
    const length = checkedLength(values, dimension, name);
    for (let k = 0, at = i * dimension; k < dimension; k++) data[at + k] = values[k] / length;
  }
  return { data, n, dimension, keys };
}

/**
 * Checks the rows of a file, so that the file is named where one is wrong.
 *
 * @throws `invalid` as `unitRows` does
 */
export function checkRowsOf(path: string, rows: Rows): void {
  const { n, dimension, row, keys } = view(rows);
  for (let i = 0; i < n; i++) checkedLength(row(i), dimension, nameOf("Row", i, keys[i]), path);
}

const nameOf = (what: string, i: number, key: string) =>
  `${what} ${i}${key === String(i) ? "" : ` (${key})`}`;

/** The length of a row that has a direction. */
function checkedLength(values: Float32Array, dimension: number, name: string, path?: string): number {
  const wrong = (sentence: string, got?: unknown) => invalid(`${name} ${sentence}`, { path, got });
  if (values.length !== dimension)
    throw wrong(
      `has ${quantity(values.length, "value")}, row 0 has ${dimension}. All rows must have as many: embeddings of two models cannot be compared.`,
      values.length,
    );
  let square = 0;
  for (let k = 0; k < dimension; k++) square += values[k] * values[k];
  if (!Number.isFinite(square)) {
    const value = values.find((x) => !Number.isFinite(x)) ?? "values too large to square";
    throw wrong(`holds ${value}. All values must be finite as float32: leave it out, or extract it again.`);
  }
  if (square === 0)
    throw wrong("is a zero vector, which has no direction. Leave it out, or extract it again.");
  return Math.sqrt(square);
}

function view(rows: Rows) {
  if (Array.isArray(rows)) {
    const list = rows as readonly { embedding: Float32Array; key?: string }[];
    const row = (i: number) => list[i].embedding;
    const keys = list.map(({ key }, i) => key ?? String(i));
    const dimension = list.length === 0 ? 0 : checkedRow(row(0));
    return { n: list.length, dimension, row, keys };
  }
  const { data, rows: n, columns } = rows as Matrix;
  if (!(data instanceof Float32Array))
    throw invalid(
      "The rows are no Float32Array. Give { data: Float32Array, rows, columns }, or a list of { embedding }.",
    );
  if (data.length !== n * columns)
    throw invalid(`The matrix has ${quantity(data.length, "value")}. It must have ${n} x ${columns}.`, {
      got: data.length,
    });
  if (n > 0 && columns === 0) throw invalid("The rows have 0 values each. They must have at least 1.");
  const keys = Array.from({ length: n }, (_, i) => String(i));
  return { n, dimension: columns, row: (i: number) => data.subarray(i * columns, (i + 1) * columns), keys };
}

function checkedRow(row: unknown): number {
  if (!(row instanceof Float32Array) || row.length === 0)
    throw invalid("Row 0 has no embedding. It must be a Float32Array with values.");
  return row.length;
}
