import type { Matrix } from "../types.js";

/** What NeMo adds to a deviation before it divides by it. */
const deviationOffset = 1e-5;

/** Subtracts from every column its mean over the rows, and divides by the deviation (n - 1) if asked; in place. */
export function normalizeColumns({ data, rows, columns }: Matrix, byDeviation: boolean): void {
  for (let column = 0; column < columns; column++) {
    let sum = 0;
    for (let at = column; at < data.length; at += columns) sum += data[at]!;
    const mean = sum / rows;
    let square = 0;
    for (let at = column; at < data.length; at += columns) square += (data[at]! - mean) ** 2;
    const divisor = byDeviation ? Math.sqrt(square / (rows - 1)) + deviationOffset : 1;
    for (let at = column; at < data.length; at += columns) data[at] = (data[at]! - mean) / divisor;
  }
}
