import { openTiles } from "./tile-pass.js";

/** Rows that are added at once: they stay in the cache. */
export const gramRows = 64;

/**
 * Opens a sum of the outer products of rows with themselves, in float64 and by WebAssembly: four times as fast as a loop here.
 *
 * Rows are put into `rows`, `size` numbers apart, and up to `gramRows` of them are added by `add`. `size` is the dimension padded to
 * whole vectors of 4; what lies behind a row stays 0.
 */
export function openGram(dimension: number) {
  const size = 4 * Math.ceil(dimension / 4);
  const wasm = openTiles();
  const [atRows, atSums] = [wasm.words(2 * gramRows * size), wasm.words(2 * size * size)];
  const rows = new Float64Array(wasm.memory.buffer, atRows, gramRows * size);
  const sums = new Float64Array(wasm.memory.buffer, atSums, size * size);
  return {
    size,
    rows,
    add: (count: number): void => wasm.gram(atRows, count, size, atSums),
    /** The sum, (size, size), symmetric. */
    sum(): Float64Array {
      // `gram` fills the blocks on and above the diagonal.
      for (let p = 0; p < size; p++) for (let q = 0; q < p; q++) sums[p * size + q] = sums[q * size + p];
      return sums;
    },
  };
}
