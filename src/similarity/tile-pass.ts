import { loadWasm } from "../util/load-wasm.js";
import { fineBins } from "./histogram.js";
import { PairCollector } from "./pair-list.js";
import type { Limits, Reduction } from "./reduction.js";
import type { Grid, Tile } from "./tile-queue.js";

/** What wasm/src/lib.rs exports; addresses are those of its memory. */
interface TilesWasm {
  memory: WebAssembly.Memory;
  words(length: number): number;
  reduce(pass: number): void;
  gram(rows: number, count: number, size: number, sums: number): void;
}

/** wasm/src/lib.rs: the million bins lie in the middle of its counters. */
const counters = 1 << 20;
const firstBin = (counters - fineBins) / 2;
/** Most values per call: each may be a pair, which takes room. */
const callValues = 1 << 18;
const pairWords = 3 * callValues;
/** The counters have 32 bits and cannot overflow before this many values. */
const counterValues = 2 ** 32 - 1;

/** The fields of `Pass` in wasm/src/lib.rs, in their order. */
const fields = [
  ["values", "counters", "index", "score", "bars", "columnBars", "pairs", "k", "held"],
  ["row", "column", "width", "diagonal", "from", "to", "firstRow", "lastRow", "firstColumn", "lastColumn"],
  ["threshold", "floor", "lowest", "highest", "above", "listed"],
].flat();
const at = (name: string) => fields.indexOf(name);

let compiled: WebAssembly.Module | undefined;

/** The module with a memory of its own. */
export function openTiles(): TilesWasm {
  compiled ??= loadWasm("similarity", "wasm", "tiles.wasm");
  return new WebAssembly.Instance(compiled).exports as unknown as TilesWasm;
}

/** Memory for passes over tiles of one size, with up to so many rows and neighbours. */
interface Room {
  size: number;
  rows: number;
  neighbours: number;
  wasm: TilesWasm;
  addresses: Record<string, number>;
  pass: number;
}

/** The room of the last pass that ended: where many small ones follow each other, fresh memory would cost the most. */
let spare: Room | undefined;
/** Rooms with more neighbours are not kept. */
const spareNeighbours = 1 << 20;

function takeRoom(size: number, rows: number, neighbours: number): Room {
  const kept = spare;
  if (kept?.size === size && kept.rows >= rows && kept.neighbours >= neighbours) {
    spare = undefined;
    return kept;
  }
  const wasm = openTiles();
  // Above 2 GB an address comes as a negative number.
  const words = (length: number) => wasm.words(length) >>> 0;
  const addresses = {
    values: words(size * size),
    counters: words(counters),
    index: words(neighbours),
    score: words(neighbours),
    bars: words(rows),
    columnBars: words(size + 8),
    pairs: words(pairWords),
  };
  return { size, rows, neighbours, wasm, addresses, pass: words(fields.length) };
}

/** Opens a pass that reduces tiles: one look at each value, in WebAssembly, finds all that is asked for. */
export function openTilePass(
  { size, from: held, to, k }: Grid,
  { threshold, maxPairs, hasCounts = true }: Limits,
) {
  const rows = k > 0 ? to - held : 0;
  const room = takeRoom(size, rows, rows * k);
  const { wasm, addresses, pass } = room;
  // All memory is allocated now, so the buffer stays the same from here on.
  const { buffer } = wasm.memory;
  const values = new Float32Array(buffer, addresses.values, size * size);
  const integers = new Int32Array(buffer, pass, fields.length);
  const floats = new Float32Array(buffer, pass, fields.length);
  const counts = new Uint32Array(buffer, addresses.counters, counters);
  const index = new Int32Array(buffer, addresses.index, rows * k).fill(-1);
  const score = new Float32Array(buffer, addresses.score, rows * k).fill(-Infinity);
  const bars = new Float32Array(buffer, addresses.bars, rows).fill(-Infinity);
  const pairRows = new Int32Array(buffer, addresses.pairs, pairWords);
  const pairScores = new Float32Array(buffer, addresses.pairs, pairWords);
  integers.set([...Object.values(addresses), k, held]);
  floats[at("threshold")] = leastFloatFrom(threshold);
  const pairs = new PairCollector(threshold, maxPairs);
  const fine = new Float64Array(hasCounts ? fineBins : 0);
  let [counted, lowest, highest, highPairs] = [0, Infinity, -Infinity, 0];

  const emptyCounters = () => {
    for (let c = 0; hasCounts && c < counters; c++)
      if (counts[c] > 0) fine[Math.min(fineBins - 1, Math.max(0, c - firstBin))] += counts[c];
    counts.fill(0);
    counted = 0;
  };

  return {
    /** Where the values of a tile have to be, row after row. */
    values,
    /** Reduces the tile whose values are there. */
    reduce({ rows, columns, counted: looking, seeking, diagonal }: Tile): void {
      const width = columns.to - columns.from;
      const height = rows.to - rows.from;
      counted += width * height;
      if (counted > counterValues) emptyCounters();
      const step = Math.max(1, Math.floor(callValues / width));
      for (let from = 0; from < height; from += step) {
        const part = [rows.from, columns.from, width, Number(diagonal), from, Math.min(height, from + step)];
        const looks = [looking.from - rows.from, looking.to - rows.from];
        const seeks = [seeking.from - columns.from, seeking.to - columns.from];
        integers.set([...part, ...looks, ...seeks], at("row"));
        floats[at("floor")] = leastFloatFrom(pairs.floor);
        wasm.reduce(pass);
        lowest = Math.min(lowest, floats[at("lowest")]);
        highest = Math.max(highest, floats[at("highest")]);
        highPairs += integers[at("above")];
        const listed = 3 * integers[at("listed")];
        for (let p = 0; p < listed; p += 3) pairs.add(pairRows[p], pairRows[p + 1], pairScores[p + 2]);
      }
    },
    /** Exchanges with other workers the similarity that a neighbour of these rows and columns has to reach. */
    shareBars(shared: Float32Array, { counted, seeking }: Tile): void {
      if (k === 0) return;
      for (const { from, to } of [counted, seeking])
        for (let i = from - held; i < to - held; i++) {
          if (bars[i] < shared[i]) bars[i] = shared[i];
          else if (bars[i] > shared[i]) shared[i] = bars[i];
        }
    },
    /** The result over all tiles. The pass has then ended. */
    result(): Reduction {
      emptyCounters();
      const neighbours = { k, index: index.slice(), score: score.slice() };
      if (room.neighbours <= spareNeighbours) spare = room;
      return { fine, lowest, highest, highPairs, pairs: pairs.best(), neighbours };
    },
  };
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
