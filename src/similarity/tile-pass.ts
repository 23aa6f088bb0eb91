import { loadWasm } from "../util/load-wasm.js";
import { fineBins } from "./histogram.js";
import { PairCollector } from "./pair-list.js";
import type { Limits, Reduction } from "./reduction.js";
import type { Grid, Tile } from "./tile-queue.js";

/** What wasm/src/lib.rs exports; addresses are those of its memory. */
interface Wasm {
  memory: WebAssembly.Memory;
  words(length: number): number;
  reduce(pass: number): void;
}

/** wasm/src/lib.rs: the million bins lie in the middle of its counters. */
const counters = 1 << 20;
const firstBin = (counters - fineBins) / 2;
/** Values that one call looks at, at most: each may be a pair. */
const callValues = 1 << 18;
/** A counter has 32 bits: until so many values it cannot run over. */
const counterValues = 2 ** 32 - 1;

/** The fields of `Pass` in wasm/src/lib.rs, in their order. */
const fields = [
  ["values", "counters", "index", "score", "bars", "columnBars", "pairs", "k", "held"],
  ["row", "column", "width", "diagonal", "from", "to", "firstRow", "lastRow", "firstColumn", "lastColumn"],
  ["threshold", "floor", "lowest", "highest", "above", "listed"],
].flat();
const at = (name: string) => fields.indexOf(name);

let compiled: WebAssembly.Module | undefined;

/** The module, which holds the pass over a tile and the sums of outer products. */
export function tilesModule(): WebAssembly.Module {
  compiled ??= loadWasm("similarity", "wasm", "tiles.wasm");
  return compiled;
}

/** Reduces tiles: one pass in WebAssembly finds all that is asked of the values. */
export class TilePass {
  /** Where the values of a tile have to be, row after row. */
  readonly values: Float32Array;
  private readonly wasm: Wasm;
  private readonly pass: number;
  private readonly integers: Int32Array;
  private readonly floats: Float32Array;
  private readonly counters: Uint32Array;
  private readonly bars: Float32Array;
  private readonly index: Int32Array;
  private readonly score: Float32Array;
  private readonly pairRows: Int32Array;
  private readonly pairScores: Float32Array;
  private readonly pairs: PairCollector;
  private readonly fine = new Float64Array(fineBins);
  private counted = 0;
  private lowest = Infinity;
  private highest = -Infinity;
  private highPairs = 0;

  constructor(
    private readonly grid: Grid,
    { threshold, maxPairs }: Limits,
  ) {
    const { size, from, to, k } = grid;
    const rows = k > 0 ? to - from : 0;
    this.wasm = new WebAssembly.Instance(tilesModule()).exports as unknown as Wasm;
    // Above 2 GB an address comes as a negative number.
    const words = (length: number) => this.wasm.words(length) >>> 0;
    const pairWords = 3 * callValues;
    const addresses = {
      values: words(size * size),
      counters: words(counters),
      index: words(rows * k),
      score: words(rows * k),
      bars: words(rows),
      columnBars: words(size + 8),
      pairs: words(pairWords),
    };
    this.pass = words(fields.length);
    // All memory is there: from here on the buffer stays the same.
    const { buffer } = this.wasm.memory;
    this.values = new Float32Array(buffer, addresses.values, size * size);
    this.integers = new Int32Array(buffer, this.pass, fields.length);
    this.floats = new Float32Array(buffer, this.pass, fields.length);
    this.counters = new Uint32Array(buffer, addresses.counters, counters);
    this.index = new Int32Array(buffer, addresses.index, rows * k).fill(-1);
    this.score = new Float32Array(buffer, addresses.score, rows * k).fill(-Infinity);
    this.bars = new Float32Array(buffer, addresses.bars, rows).fill(-Infinity);
    this.pairRows = new Int32Array(buffer, addresses.pairs, pairWords);
    this.pairScores = new Float32Array(buffer, addresses.pairs, pairWords);
    this.integers.set([...Object.values(addresses), k, from]);
    this.floats[at("threshold")] = leastFloatFrom(threshold);
    this.pairs = new PairCollector(threshold, maxPairs);
  }

  /** Reduces the tile whose values are there. */
  reduce(tile: Tile): void {
    const { rows, columns, counted, seeking, diagonal } = tile;
    const { integers, floats } = this;
    const width = columns.to - columns.from;
    const height = rows.to - rows.from;
    this.counted += width * height;
    if (this.counted > counterValues) this.emptyCounters();
    const step = Math.max(1, Math.floor(callValues / width));
    for (let from = 0; from < height; from += step) {
      const part = [rows.from, columns.from, width, Number(diagonal), from, Math.min(height, from + step)];
      const looks = [counted.from - rows.from, counted.to - rows.from];
      const seeks = [seeking.from - columns.from, seeking.to - columns.from];
      integers.set([...part, ...looks, ...seeks], at("row"));
      floats[at("floor")] = leastFloatFrom(this.pairs.floor);
      this.wasm.reduce(this.pass);
      this.lowest = Math.min(this.lowest, floats[at("lowest")]);
      this.highest = Math.max(this.highest, floats[at("highest")]);
      this.highPairs += integers[at("above")];
      const listed = 3 * integers[at("listed")];
      for (let p = 0; p < listed; p += 3)
        this.pairs.add(this.pairRows[p], this.pairRows[p + 1], this.pairScores[p + 2]);
    }
  }

  /** Exchanges what a neighbour of the tile's rows and columns has to reach with other workers. */
  shareBars(shared: Float32Array, { counted, seeking }: Tile): void {
    if (this.grid.k === 0) return;
    const { bars } = this;
    const held = this.grid.from;
    for (const { from, to } of [counted, seeking])
      for (let i = from - held; i < to - held; i++) {
        if (bars[i] < shared[i]) bars[i] = shared[i];
        else if (bars[i] > shared[i]) shared[i] = bars[i];
      }
  }

  /** What all tiles come to. */
  result(): Reduction {
    this.emptyCounters();
    const { fine, lowest, highest, highPairs, index, score } = this;
    return {
      fine,
      lowest,
      highest,
      highPairs,
      pairs: this.pairs.best(),
      neighbours: { k: this.grid.k, index: index.slice(), score: score.slice() },
    };
  }

  private emptyCounters(): void {
    for (let c = 0; c < counters; c++)
      if (this.counters[c] > 0)
        this.fine[Math.min(fineBins - 1, Math.max(0, c - firstBin))] += this.counters[c];
    this.counters.fill(0);
    this.counted = 0;
  }
}

/** The least float32 that is not below a float64: a float32 is >= x exactly when it is >= this. */
function leastFloatFrom(x: number): number {
  const near = Math.fround(x);
  if (near >= x) return near;
  const bits = new Int32Array(new Float32Array([near]).buffer);
  if (near === 0) bits[0] = 1;
  else bits[0] += near > 0 ? 1 : -1;
  return new Float32Array(bits.buffer)[0];
}
