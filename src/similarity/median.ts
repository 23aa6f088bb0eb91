import type { UnitRows } from "./unit-rows.js";

/** Values in [low, high], and how many values are below. */
export interface Bracket {
  low: number;
  high: number;
  below: number;
}

const buckets = 1 << 18;

/**
 * The exact median of far more values than fit in memory: only those within a bracket are looked at, and of those only
 * how many fall into each of 262,144 buckets, with the least and the largest of each. As a rule the median's bucket
 * then holds one float32; where it does not, the bucket is the next, much narrower bracket.
 */
export class MedianFinder {
  readonly low: number;
  readonly high: number;
  private readonly scale: number;
  private readonly counts = new Float64Array(buckets);
  private readonly least = new Float32Array(buckets).fill(Infinity);
  private readonly largest = new Float32Array(buckets).fill(-Infinity);

  constructor({ low, high }: { low: number; high: number }) {
    this.low = low;
    this.high = high;
    this.scale = high > low ? (buckets - 1) / (high - low) : 0;
  }

  /** Takes a value in [low, high]. */
  add(value: number): void {
    const at = ((value - this.low) * this.scale) | 0;
    this.counts[at]++;
    if (value < this.least[at]) this.least[at] = value;
    if (value > this.largest[at]) this.largest[at] = value;
  }

  /**
   * The median of `total` values of which `below` are under the bracket; or a narrower bracket to look into; or null
   * when it is not in this one.
   */
  result(total: number, below: number): { median: number } | { bracket: Bracket } | null {
    const lower = this.find(Math.floor((total - 1) / 2) - below);
    const upper = this.find(Math.floor(total / 2) - below);
    if (lower === null || upper === null) return null;
    const [low, high] = [this.least[lower.at], this.largest[upper.at]];
    if (low === this.largest[lower.at] && high === this.least[upper.at]) return { median: (low + high) / 2 };
    return { bracket: { low, high, below: below + lower.before } };
  }

  private find(rank: number): { at: number; before: number } | null {
    if (rank < 0) return null;
    let before = 0;
    for (let at = 0; at < buckets; at++) {
      if (rank < before + this.counts[at]) return { at, before };
      before += this.counts[at];
    }
    return null;
  }
}

/**
 * Where the median most likely is: five standard deviations of its rank to both sides, from similarities of random pairs.
 *
 * @param total how many similarities there are
 * @param pick a random pair of rows, from two numbers in [0, 1)
 */
export function likelyBracket(
  a: UnitRows,
  b: UnitRows,
  { total, pick }: { total: number; pick: (x: number, y: number) => [number, number] },
): { low: number; high: number } {
  const size = Math.max(1 << 12, Math.min(1 << 19, Math.ceil(total / 256)));
  const random = mulberry(1);
  const sample = new Float32Array(size);
  const d = a.dimension;
  for (let s = 0; s < size; s++) {
    const [i, j] = pick(random(), random());
    let dot = 0;
    for (let k = 0, p = i * d, q = j * d; k < d; k++) dot += a.data[p + k] * b.data[q + k];
    sample[s] = dot;
  }
  sample.sort();
  const margin = 2.5 * Math.sqrt(size);
  const at = (rank: number) => sample[Math.max(0, Math.min(size - 1, Math.round(rank)))];
  return { low: at(size / 2 - margin), high: at(size / 2 + margin) };
}

/** The same random numbers in every run (Mulberry32, T. Ettinger, 2017). */
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
