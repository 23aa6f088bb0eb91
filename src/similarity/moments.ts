import { dot } from "../vectors/dot.js";
import { sumOfRows } from "../vectors/sum-of-rows.js";
import type { UnitRows } from "../vectors/unit-rows.js";
import { breather } from "./breather.js";
import { tilesModule } from "./tile-pass.js";
import type { Range } from "./tile-queue.js";

/** Number, mean and sum of squared deviations of some similarities. */
export interface Moments {
  count: number;
  mean: number;
  squares: number;
}

type Rows = Pick<UnitRows, "data" | "dimension"> & Range;
type Breathe = () => Promise<void>;

/**
 * Mean and deviation of the similarities of the rows [from, to) with all that come after them, or with all rows of another
 * set; in float64, from sums over the vectors instead of over the pairs: O(n d²).
 */
export async function momentsOf(
  first: UnitRows,
  second: UnitRows,
  { from, to }: Range,
  abortSignal?: AbortSignal,
): Promise<Moments> {
  const breathe = breather(abortSignal);
  const { dimension } = first;
  const rows = { data: first.data, dimension, from, to };
  if (first !== second)
    return between(rows, { data: second.data, dimension, from: 0, to: second.n }, breathe);
  return combined(
    await within(rows, breathe),
    await between(rows, { ...rows, from: to, to: first.n }, breathe),
  );
}

/**
 * The moments over all pairs of two sets.
 *
 * Let u and v be the means, x = u + x' and y = v + y'. Then x·y = u·v + z·w for z = (x', x'·v, 1) and w = (y', 1, y'·u). The
 * sum of (z·w)² over all pairs is the sum over the elements of Σzzᵀ times those of Σwwᵀ. Nothing large cancels around the
 * means, so that rows that are all alike have no deviation.
 */
async function between(a: Rows, b: Rows, breathe: Breathe): Promise<Moments> {
  const [n, m] = [lengthOf(a), lengthOf(b)];
  if (2 * n * m <= (n + m) * a.dimension) return directly(a, breathe, () => b);
  const [u, v] = [meanOf(a), meanOf(b)];
  const [left, right] = [await outerProducts(a, u, v, breathe), await outerProducts(b, v, u, breathe)];
  return centred(n * m, dot(u, 0, v, 0, a.dimension), sumsOver(left, right));
}

/** The moments over the pairs i < j of one set: half of all pairs without those of a row with itself. */
async function within(a: Rows, breathe: Breathe): Promise<Moments> {
  const n = lengthOf(a);
  if (n <= a.dimension) return directly(a, breathe, (from) => ({ ...a, from }));
  const u = meanOf(a);
  const outer = await outerProducts(a, u, u, breathe);
  const all = sumsOver(outer, outer);
  const half = { sum: (all.sum - outer.own.sum) / 2, squares: (all.squares - outer.own.squares) / 2 };
  return centred((n * (n - 1)) / 2, dot(u, 0, u, 0, a.dimension), half);
}

const lengthOf = ({ from, to }: Range) => to - from;

interface Sums {
  sum: number;
  squares: number;
}

/** From the sums of the differences to a centre. */
const centred = (count: number, centre: number, { sum, squares }: Sums): Moments => ({
  count,
  mean: centre + sum / count,
  squares: Math.max(0, squares - (sum * sum) / count),
});

function combined(a: Moments, b: Moments): Moments {
  if (a.count === 0) return b;
  if (b.count === 0) return a;
  const count = a.count + b.count;
  const step = b.mean - a.mean;
  return {
    count,
    mean: a.mean + (step * b.count) / count,
    squares: a.squares + b.squares + (step * step * a.count * b.count) / count,
  };
}

/** Pair by pair, for few rows with many dimensions. */
async function directly(a: Rows, breathe: Breathe, others: (from: number) => Rows): Promise<Moments> {
  let [count, sum, squares, centre] = [0, 0, 0, 0];
  for (let i = a.from; i < a.to; i++) {
    const { data, from, to } = others(i + 1);
    for (let j = from; j < to; j++) {
      const similarity = dot(a.data, i, data, j, a.dimension);
      if (count++ === 0) centre = similarity;
      sum += similarity - centre;
      squares += (similarity - centre) ** 2;
    }
    await breathe();
  }
  return count === 0 ? { count, mean: Number.NaN, squares: 0 } : centred(count, centre, { sum, squares });
}

const meanOf = ({ data, dimension, from, to }: Rows) =>
  sumOfRows(data.subarray(from * dimension, to * dimension), dimension).map((sum) => sum / (to - from));

interface Wasm {
  memory: WebAssembly.Memory;
  words(length: number): number;
  gram(rows: number, count: number, size: number, sums: number): void;
}

/** Rows that are summed at once: they stay in the cache. */
const blockRows = 64;

interface OuterProducts {
  /** Elements of z; the last two change places in w. */
  length: number;
  /** Element (p, q) of Σzzᵀ. */
  at(p: number, q: number): number;
  /** Over the pairs of a row with itself. */
  own: Sums;
}

/** The sum of zzᵀ over rows z = (x', x'·other, 1). */
async function outerProducts(
  { data, dimension: d, from, to }: Rows,
  mean: Float64Array,
  other: Float64Array,
  breathe: Breathe,
): Promise<OuterProducts> {
  const size = 4 * Math.ceil((d + 2) / 4);
  const wasm = new WebAssembly.Instance(tilesModule()).exports as unknown as Wasm;
  const [atRows, atSums] = [wasm.words(2 * blockRows * size), wasm.words(2 * size * size)];
  const block = new Float64Array(wasm.memory.buffer, atRows, blockRows * size);
  const sums = new Float64Array(wasm.memory.buffer, atSums, size * size);
  const own = { sum: 0, squares: 0 };
  for (let start = from; start < to; start += blockRows) {
    const count = Math.min(blockRows, to - start);
    for (let r = 0; r < count; r++) {
      const z = r * size;
      let [square, along] = [0, 0];
      for (let k = 0, at = (start + r) * d; k < d; k++) {
        const x = data[at + k] - mean[k];
        block[z + k] = x;
        square += x * x;
        along += x * other[k];
      }
      block[z + d] = along;
      block[z + d + 1] = 1;
      own.sum += square + 2 * along;
      own.squares += (square + 2 * along) ** 2;
    }
    wasm.gram(atRows, count, size, atSums);
    await breathe();
  }
  // Of two elements that are equal one is there.
  return { length: d + 2, at: (p, q) => sums[p < q ? p * size + q : q * size + p], own };
}

/** Sums over all pairs z·w. */
function sumsOver(a: OuterProducts, b: OuterProducts): Sums {
  const { length } = a;
  const turned = (p: number) => (p < length - 2 ? p : 2 * length - 3 - p);
  let [sum, squares] = [0, 0];
  for (let p = 0; p < length; p++) {
    sum += a.at(p, length - 1) * b.at(turned(p), length - 1);
    for (let q = 0; q < length; q++) squares += a.at(p, q) * b.at(turned(p), turned(q));
  }
  return { sum, squares };
}
