import type { Pair } from "../types.js";

/** Descending similarity, then ascending rows: one order for every backend and tile size. */
export const byRank = (a: Pair, b: Pair) => b.similarity - a.similarity || a.i - b.i || a.j - b.j;

/** Keeps the best `limit` pairs at or above a threshold, in memory for twice as many. */
export class BestPairs {
  /** A pair below is not wanted: the threshold at first, the last kept pair once there are more than `limit`. */
  floor: number;
  /** True once pairs at or above the threshold were left out. */
  private full = false;
  private kept: Pair[] = [];

  constructor(
    threshold: number,
    readonly limit: number,
  ) {
    this.floor = threshold;
  }

  add(i: number, j: number, similarity: number): void {
    const last = this.full ? this.kept[this.limit - 1] : undefined;
    const pair = { i, j, similarity };
    if (last !== undefined && byRank(pair, last) > 0) return;
    this.kept.push(pair);
    if (this.kept.length >= 2 * this.limit + 1024) this.prune();
  }

  sorted(): Pair[] {
    this.prune();
    return this.kept;
  }

  private prune(): void {
    this.kept.sort(byRank);
    if (this.kept.length <= this.limit) return;
    this.kept.length = this.limit;
    this.full = true;
    this.floor = this.limit === 0 ? Infinity : this.kept[this.limit - 1].similarity;
  }
}
