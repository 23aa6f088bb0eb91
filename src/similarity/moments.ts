import { dot } from "../vectors/dot.js";
import { sumOfRows } from "../vectors/sum-of-rows.js";
import type { UnitRows } from "../vectors/unit-rows.js";
import { breather } from "./breather.js";
import { gramRows, openGram } from "./gram.js";
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
  const later = { ...rows, from: to, to: first.n };
  return combined(await within(rows, breathe), await between(rows, later, breathe));
}

/**
 * The moments over all pairs of two sets.
 *
 * With the means u and v, x = u + x' and y = v + y', a similarity deviates from u·v by v·x' + u·y' + x'·y'. Squared and
 * summed over all pairs the mixed terms vanish, because the x' sum to 0, and so do the y'. Deviations from the mean are
 * summed, not the products themselves, so that rows that are all alike have no deviation.
 */
async function between(a: Rows, b: Rows, breathe: Breathe): Promise<Moments> {
  const [n, m] = [a.to - a.from, b.to - b.from];
  if (2 * n * m <= (n + m) * a.dimension) return directly(a, breathe, () => b);
  const [u, v] = [meanOf(a), meanOf(b)];
  const [left, right] = [await spreadOf(a, u, v, breathe), await spreadOf(b, v, u, breathe)];
  const squares =
    m * left.alongOther + n * right.alongOther + dot(left.scatter, 0, right.scatter, 0, left.scatter.length);
  return { count: n * m, mean: dot(u, 0, v, 0, a.dimension), squares };
}

/** The moments over the pairs i < j of one set: half of all pairs without those of a row with itself. */
async function within(a: Rows, breathe: Breathe): Promise<Moments> {
  const n = a.to - a.from;
  if (n <= a.dimension) return directly(a, breathe, (from) => ({ ...a, from }));
  const u = meanOf(a);
  const { scatter, alongOther, selves, squaredSelves } = await spreadOf(a, u, u, breathe);
  const squares = (2 * n * alongOther + dot(scatter, 0, scatter, 0, scatter.length) - squaredSelves) / 2;
  return centred((n * (n - 1)) / 2, dot(u, 0, u, 0, a.dimension), -selves / 2, squares);
}

/** The moments, from the sums of the deviations from some centre and of their squares. */
const centred = (count: number, centre: number, sum: number, squares: number): Moments => ({
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
  return count === 0 ? { count, mean: Number.NaN, squares: 0 } : centred(count, centre, sum, squares);
}

const meanOf = ({ data, dimension, from, to }: Rows) =>
  sumOfRows(data.subarray(from * dimension, to * dimension), dimension).map((sum) => sum / (to - from));

/** Sums over the deviations x' of rows from their mean. */
interface Spread {
  /** Σx'x'ᵀ, symmetric, padded with zeros to whole vectors of 4. */
  scatter: Float64Array;
  /** Σ(x'·v)², where v is the mean of the other set. */
  alongOther: number;
  /** How far a row's product with itself is from u·u, and the square of that, summed. */
  selves: number;
  squaredSelves: number;
}

async function spreadOf(
  { data, dimension: d, from, to }: Rows,
  mean: Float64Array,
  other: Float64Array,
  breathe: Breathe,
): Promise<Spread> {
  const gram = openGram(d);
  const { rows: block, size } = gram;
  let [alongOther, selves, squaredSelves] = [0, 0, 0];
  for (let start = from; start < to; start += gramRows) {
    const count = Math.min(gramRows, to - start);
    for (let r = 0; r < count; r++) {
      let [square, along] = [0, 0];
      for (let k = 0, at = (start + r) * d; k < d; k++) {
        const x = data[at + k] - mean[k];
        block[r * size + k] = x;
        square += x * x;
        along += x * other[k];
      }
      alongOther += along * along;
      selves += square;
      squaredSelves += (square + 2 * along) ** 2;
    }
    gram.add(count);
    await breathe();
  }
  return { scatter: gram.sum(), alongOther, selves, squaredSelves };
}
