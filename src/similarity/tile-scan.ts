import { invalid } from "../errors.js";
import { loadWasm } from "../util/load-wasm.js";
import type { Tile } from "./blocks.js";
import { fineBins, leastFloatFrom } from "./histogram.js";
import type { Bracket } from "./median.js";
import type { Neighbours } from "./neighbours.js";
import { groupSize, type TileStatistics } from "./tile-statistics.js";

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
  want(best: number, task: number, nearest: number, bars: number, lowest: number, wanted: number): number;
  take(
    values: number,
    whole: boolean,
    task: number,
    nearest: number,
    bars: number,
    wanted: number,
    count: number,
    pairs: number,
    room: number,
    from: number,
    next: number,
  ): number;
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

/** What is looked for in a tile besides its statistics. */
export interface Search {
  /** Columns whose neighbours are looked for among the rows. */
  mirrored: { from: number; to: number };
  /** Pairs at or above are given to `onPair`. */
  floor: number;
  onPair(i: number, j: number, similarity: number): void;
}

const lanes = 4;
/** One more bin at both ends, for what rounding carries beyond -1 and 1. */
const countedBins = fineBins + 2;
/** The first three fields have 64 bits. */
const scanSums = 6;
const scanFields = scanSums + 8;
const taskFields = 12;
const nearestFields = 4;
/** Pairs that are handed over at once. */
const pairRoom = 1 << 14;
/** Addresses have 32 bits. */
const neighbourBytes = 3e9;

let compiled: WebAssembly.Module | undefined;

/**
 * Looks at tiles in WebAssembly: histogram, extremes, counts and candidates for the median in a single pass; neighbours and
 * pairs where the best of eight promises some.
 */
export class TileScan {
  private readonly wasm: Wasm;
  private readonly memory: ArrayBuffer;
  private readonly at: Record<
    | "values"
    | "kept"
    | "best"
    | "wanted"
    | "bins"
    | "bars"
    | "lowest"
    | "index"
    | "score"
    | "bar"
    | "pairs"
    | "scan"
    | "task"
    | "nearest"
    | "next",
    number
  >;

  /**
   * @param tileRows the largest tile is as many rows of as many
   * @param wanted the k nearest neighbours of the rows [from, to) are looked for
   * @throws `invalid` for more neighbours than fit in its memory
   */
  constructor(
    tileRows: number,
    private readonly wanted = { from: 0, to: 0, k: 0 },
  ) {
    const { from, to, k } = wanted;
    const rows = to - from;
    if (8 * rows * k > neighbourBytes)
      throw invalid("similarity", "topK", {
        got: `${k} neighbours of ${rows} rows`,
        want: `at most ${neighbourBytes / 8} in all; share the rows out (--rows)`,
      });
    compiled ??= loadWasm("similarity", "wasm", "tiles.wasm");
    this.wasm = new WebAssembly.Instance(compiled).exports as unknown as Wasm;
    // Above 2 GB an address comes as a negative number.
    const words = (length: number) => this.wasm.words(length) >>> 0;
    const capacity = tileRows * tileRows;
    const groups = capacity / groupSize + lanes;
    this.at = {
      values: words(capacity),
      kept: words(capacity),
      best: words(groups),
      wanted: words(groups),
      bins: words(countedBins * lanes),
      bars: words(tileRows),
      lowest: words(tileRows / groupSize + lanes),
      index: words(rows * k),
      score: words(rows * k),
      bar: words(rows),
      pairs: words(3 * (pairRoom + groupSize)),
      scan: words(scanFields),
      task: words(taskFields),
      nearest: words(nearestFields),
      next: words(1),
    };
    // Nothing is asked for later, so this stays the memory.
    this.memory = this.wasm.memory.buffer as ArrayBuffer;
    const { index, score, bar, nearest } = this.at;
    this.integers(index, rows * k).fill(-1);
    this.floats(score, rows * k).fill(-Infinity);
    this.floats(bar, rows).fill(-Infinity);
    this.integers(nearest, nearestFields).set([k, index, score, bar]);
  }

  /** Takes in the values of a tile, or of some groups. */
  load(values: Float32Array): void {
    this.floats(this.at.values, values.length).set(values);
  }

  /** Takes in the best of every group, where that was found elsewhere. */
  loadBest(best: Float32Array): void {
    this.floats(this.at.best, best.length).set(best);
  }

  /** Adds bins and sums of the pairs of a tile to `statistics`, and finds the rest. */
  scan(tile: Tile, { low, high }: Bracket, threshold: number, statistics?: TileStatistics): ScanResult {
    const { at } = this;
    const { rows, columns, counted } = tile;
    const bins = this.integers(at.bins, countedBins * lanes).fill(0);
    new Float64Array(this.memory, at.scan, 1)[0] = statistics?.scale ?? 0;
    const found = this.floats(at.scan, scanFields);
    found.set([low, high, threshold], scanSums);
    const width = columns.to - columns.from;
    const [first, last] = [counted.from - rows.from, counted.to - rows.from];
    const diagonal = rows === columns;
    this.wasm.scan(at.values, columns.size, width, first, last, diagonal, at.bins, at.kept, at.best, at.scan);
    if (statistics !== undefined) {
      const { fine } = statistics;
      for (let b = 0; b < bins.length; b++)
        if (bins[b] > 0) fine[Math.min(fineBins - 1, Math.max(0, Math.floor(b / lanes) - 1))] += bins[b];
      const [, sum, squares] = new BigInt64Array(this.memory, at.scan, 3);
      statistics.sum += sum;
      statistics.squares += squares;
    }
    const [lowest, highest] = found.subarray(scanSums + 3);
    const [above, kept] = this.integers(at.scan, scanFields).subarray(scanSums + 5);
    return { lowest, highest, above, kept: this.floats(at.kept, kept) };
  }

  /** Finds the best of every group in the rows [first, last), which `scan` does for its own rows. */
  findBest(size: number, first: number, last: number): void {
    const { values, best } = this.at;
    const start = 4 * first * size;
    this.wasm.best(values + start, ((last - first) * size) / groupSize, best + start / groupSize);
  }

  /** The groups that have to be looked at, by their best: Int32Array, in the order of rows, then of columns. */
  want({ rows, columns, counted }: Tile, { mirrored, floor }: Search): Int32Array {
    const { at } = this;
    const task = [
      rows.to - rows.from,
      columns.size,
      columns.to - columns.from,
      Number(rows === columns),
      counted.from - rows.from,
      counted.to - rows.from,
      mirrored.from - columns.from,
      mirrored.to - columns.from,
      rows.from,
      columns.from,
      this.wanted.from,
    ];
    this.integers(at.task, taskFields).set(task);
    this.floats(at.task, taskFields)[task.length] = leastFloatFrom(floor);
    const count = this.wasm.want(at.best, at.task, at.nearest, at.bars, at.lowest, at.wanted);
    return this.integers(at.wanted, count);
  }

  /**
   * Takes neighbours and pairs from the groups that `want` has listed.
   *
   * @param whole the loaded values are those of the tile; else those of the groups, one after the other
   */
  take(groups: number, whole: boolean, { onPair }: Search): void {
    const { at, wasm } = this;
    const rows = this.integers(at.pairs, 3 * pairRoom);
    const values = this.floats(at.pairs, 3 * pairRoom);
    const next = this.integers(at.next, 1);
    for (let from = 0; from < groups; from = next[0]) {
      const { task, nearest, bars, wanted, pairs } = at;
      const listed = wasm.take(
        at.values,
        whole,
        task,
        nearest,
        bars,
        wanted,
        groups,
        pairs,
        pairRoom,
        from,
        at.next,
      );
      for (let p = 0; p < 3 * listed; p += 3) onPair(rows[p], rows[p + 1], values[p + 2]);
    }
  }

  /** The neighbours found so far. */
  neighbours(): Neighbours {
    const { from, to, k } = this.wanted;
    const { at } = this;
    const rows = to - from;
    return {
      k,
      index: this.integers(at.index, rows * k).slice(),
      score: this.floats(at.score, rows * k).slice(),
    };
  }

  private floats(address: number, length: number): Float32Array {
    return new Float32Array(this.memory, address, length);
  }

  private integers(address: number, length: number): Int32Array {
    return new Int32Array(this.memory, address, length);
  }
}
