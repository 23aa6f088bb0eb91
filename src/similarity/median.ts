import { fineBins, fineEdge, leastFloatFrom, nextFloat } from "./histogram.js";
import type { UnitRows } from "./unit-rows.js";

/** Float32 values in [low, high). */
export interface Bracket {
  low: number;
  high: number;
}

/** What a finder holds: values, or, of more of them, counts of buckets with the least and largest of each. */
export type MedianShare =
  | { low: number; high: number; values: Float32Array }
  | { low: number; high: number; counts: Float64Array; least: Float32Array; largest: Float32Array };

const buckets = 1 << 20;

/**
 * The exact median of far more values than fit in memory: only those within a bracket are looked at. The first sixteen
 * million of these are kept. Where there are more, only how many fall into each of a million buckets, with the least and
 * the largest of each: as a rule the median's bucket then holds one float32, and where it does not (a median near 0,
 * where floats lie close) the bucket is the bracket for another look.
 */
export class MedianFinder {
  readonly low: number;
  readonly high: number;
  /** A value of the bracket is that near to this one, squared. */
  readonly middle: number;
  readonly reach: number;
  private readonly scale: number;
  private values: Float32Array;
  /** How many values are kept. */
  private count = 0;
  private table: { counts: Float64Array; least: Float32Array; largest: Float32Array } | null = null;

  constructor(
    { low, high }: Bracket,
    private readonly kept = 1 << 24,
  ) {
    this.values = new Float32Array(Math.min(kept, 1 << 16));
    this.low = low;
    this.high = high;
    this.middle = Math.fround((low + high) / 2);
    // The squared distance is a float32: the margin takes in what its rounding might leave out.
    this.reach = ((high - low) / 2 + 5e-7) ** 2 * (1 + 1e-5);
    this.scale = (buckets - 1) / (high - low);
  }

  /** Takes values of the bracket. */
  take(values: Float32Array): void {
    const more = values.length;
    if (this.count + more > this.kept) this.empty();
    while (this.count + more > this.values.length) {
      const larger = new Float32Array(2 * this.values.length);
      larger.set(this.values.subarray(0, this.count));
      this.values = larger;
    }
    this.values.set(values, this.count);
    this.count += more;
  }

  /**
   * The median of `total` values of which `below` are under the bracket; or a narrower bracket to look into; or null
   * when it is not in this one.
   */
  result(total: number, below: number): { median: number } | { bracket: Bracket; below: number } | null {
    const [first, second] = [Math.floor((total - 1) / 2) - below, Math.floor(total / 2) - below];
    if (this.table === null) {
      if (first < 0 || second >= this.count) return null;
      const [lower, upper] = this.atRanks(first, second);
      return { median: (lower + upper) / 2 };
    }
    this.empty();
    const lower = this.find(first);
    const upper = this.find(second);
    if (lower === null || upper === null) return null;
    const { least, largest } = this.table;
    const [low, last] = [least[lower.at], largest[upper.at]];
    if (low === largest[lower.at] && last === least[upper.at]) return { median: (low + last) / 2 };
    return { bracket: { low, high: nextFloat(last) }, below: below + lower.before };
  }

  /** What was found so far. */
  share(): MedianShare {
    const { low, high, table } = this;
    if (table === null) return { low, high, values: this.values.slice(0, this.count) };
    this.empty();
    return { low, high, ...table };
  }

  /** Takes over what another finder with the same bracket found. */
  absorb(share: MedianShare): void {
    if ("values" in share) {
      this.take(share.values);
      return;
    }
    this.empty();
    const { counts, least, largest } = this.table!;
    for (let at = 0; at < buckets; at++) {
      counts[at] += share.counts[at];
      least[at] = Math.min(least[at], share.least[at]);
      largest[at] = Math.max(largest[at], share.largest[at]);
    }
  }

  /** Two neighbouring ranks of the kept values; only those in the parts where they are get sorted. */
  private atRanks(first: number, second: number): [number, number] {
    const parts = 4096;
    const scale = (parts - 1) / (this.high - this.low);
    const { values, count, low } = this;
    const counts = new Int32Array(parts);
    for (let v = 0; v < count; v++) counts[Math.floor((values[v] - low) * scale)]++;
    let [at, before] = [0, 0];
    while (first >= before + counts[at]) before += counts[at++];
    let [last, through] = [at, before + counts[at]];
    while (second >= through) through += counts[++last];
    const candidates = new Float32Array(through - before);
    for (let v = 0, c = 0; v < count; v++) {
      const part = Math.floor((values[v] - low) * scale);
      if (part >= at && part <= last) candidates[c++] = values[v];
    }
    candidates.sort();
    return [candidates[first - before], candidates[second - before]];
  }

  /** Moves the kept values into the buckets. */
  private empty(): void {
    this.table ??= {
      counts: new Float64Array(buckets),
      least: new Float32Array(buckets).fill(Infinity),
      largest: new Float32Array(buckets).fill(-Infinity),
    };
    const { counts, least, largest } = this.table;
    for (let v = 0; v < this.count; v++) {
      const value = this.values[v];
      const at = Math.floor((value - this.low) * this.scale);
      counts[at]++;
      if (value < least[at]) least[at] = value;
      if (value > largest[at]) largest[at] = value;
    }
    this.count = 0;
  }

  private find(rank: number): { at: number; before: number } | null {
    if (rank < 0 || this.table === null) return null;
    const { counts } = this.table;
    let before = 0;
    for (let at = 0; at < buckets; at++) {
      if (rank < before + counts[at]) return { at, before };
      before += counts[at];
    }
    return null;
  }
}

/**
 * Where the median most likely is, in whole fine bins of the histogram: five standard deviations of its rank to both
 * sides, from similarities of random pairs.
 *
 * @param total how many similarities there are
 * @param pick a random pair of rows, from two numbers in [0, 1)
 */
export function likelyBracket(
  a: UnitRows,
  b: UnitRows,
  { total, pick }: { total: number; pick: (x: number, y: number) => [number, number] },
): Bracket {
  const size = Math.max(1 << 12, Math.min(1 << 19, Math.ceil(total / 2048)));
  const random = mulberry(1);
  const sample = new Float32Array(size);
  const d = a.dimension;
  for (let s = 0; s < size; s++) {
    const [i, j] = pick(random(), random());
    sample[s] = dot(a.data, i * d, b.data, j * d, d);
  }
  sample.sort();
  const margin = 2.5 * Math.sqrt(size);
  const at = (rank: number) => sample[Math.max(0, Math.min(size - 1, Math.round(rank)))];
  const bin = (value: number) =>
    Math.max(0, Math.min(fineBins - 1, Math.floor((value + 1) * (fineBins / 2))));
  return fineBracket(bin(at(size / 2 - margin)), bin(at(size / 2 + margin)));
}

/** Two sums, because one would wait for itself. */
function dot(a: Float32Array, p: number, b: Float32Array, q: number, length: number): number {
  let [even, odd] = [0, 0];
  let k = 0;
  for (; k + 1 < length; k += 2) {
    even += a[p + k] * b[q + k];
    odd += a[p + k + 1] * b[q + k + 1];
  }
  return k < length ? even + odd + a[p + k] * b[q + k] : even + odd;
}

/** The bracket of the fine bins from `first` to `last`. */
export function fineBracket(first: number, last: number): Bracket {
  // The outermost bins also hold what rounding carried beyond -1 and 1.
  const low = first === 0 ? -2 : leastFloatFrom(fineEdge(first));
  const high = last === fineBins - 1 ? 2 : leastFloatFrom(fineEdge(last + 1));
  return { low, high };
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
