import { loadWasm } from "../util/load-wasm.js";
import { fineBins } from "./histogram.js";
import type { Bracket } from "./median.js";
import { groupSize } from "./tile-statistics.js";

/** What wasm/src/lib.rs exports; addresses are those of its memory. */
interface Wasm {
  memory: WebAssembly.Memory;
  words(length: number): number;
  scan(
    values: number,
    size: number,
    width: number,
    first: number,
    last: number,
    diagonal: boolean,
    bins: number,
    kept: number,
    best: number,
    scan: number,
  ): void;
  best(values: number, groups: number, best: number): void;
}

/** The part of a tile that is looked at: rows [first, last), of each the first `width` values, or those behind the diagonal. */
export interface ScanRegion {
  size: number;
  width: number;
  first: number;
  last: number;
  diagonal: boolean;
}

/** What is found in one pass. */
export interface ScanResult {
  lowest: number;
  highest: number;
  /** Values at or above the threshold. */
  above: number;
  /** Values in the bracket; valid until the next pass. */
  kept: Float32Array;
}

const lanes = 4;
/** One more bin at both ends, for what rounding carries beyond -1 and 1. */
const countedBins = fineBins + 2;
const scanFields = 7;

let compiled: WebAssembly.Module | undefined;

/** Looks at tiles of up to `capacity` values in WebAssembly: histogram, extremes, counts, candidates in a single pass. */
export class TileScan {
  private readonly wasm: Wasm;
  private readonly at: { values: number; kept: number; best: number; bins: number; scan: number };
  private readonly memory: ArrayBuffer;

  constructor(private readonly capacity: number) {
    compiled ??= loadWasm("similarity", "wasm", "tiles.wasm");
    this.wasm = new WebAssembly.Instance(compiled).exports as unknown as Wasm;
    const { words } = this.wasm;
    this.at = {
      values: words(capacity),
      kept: words(capacity),
      best: words(capacity / groupSize + lanes),
      bins: words(countedBins * lanes),
      scan: words(scanFields),
    };
    // Nothing is asked for later, so this stays the memory.
    this.memory = this.wasm.memory.buffer as ArrayBuffer;
  }

  /** Takes a tile in. */
  load(values: Float32Array): void {
    new Float32Array(this.memory, this.at.values, this.capacity).set(values);
  }

  /** Adds the fine bins of a region to `fine`, and finds the rest. */
  scan(region: ScanRegion, { low, high }: Bracket, threshold: number, fine?: Float64Array): ScanResult {
    const { at, memory } = this;
    const bins = new Uint32Array(memory, at.bins, countedBins * lanes).fill(0);
    const settings = new Float32Array(memory, at.scan, scanFields);
    settings.set([low, high, threshold]);
    const { size, width, first, last, diagonal } = region;
    this.wasm.scan(at.values, size, width, first, last, diagonal, at.bins, at.kept, at.best, at.scan);
    if (fine !== undefined)
      for (let b = 0; b < bins.length; b++)
        if (bins[b] > 0) fine[Math.min(fineBins - 1, Math.max(0, Math.floor(b / lanes) - 1))] += bins[b];
    const [, , , lowest, highest] = settings;
    const [above, kept] = new Uint32Array(memory, at.scan, scanFields).subarray(5);
    return { lowest, highest, above, kept: new Float32Array(memory, at.kept, kept) };
  }

  /** Finds the best of every group in the rows [first, last), which `scan` does for its own rows. */
  findBest(size: number, first: number, last: number): void {
    const { values, best } = this.at;
    const start = first * size;
    this.wasm.best(values + 4 * start, ((last - first) * size) / groupSize, best + (4 * start) / groupSize);
  }

  /** The best of every group, valid until the next tile. */
  best(groups: number): Float32Array {
    return new Float32Array(this.memory, this.at.best, groups);
  }
}
