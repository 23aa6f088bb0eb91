import type { Pair } from "../types.js";

/** Pairs of rows with their similarity, most similar first, then by row: one order for every backend. */
export interface PairList {
  /** Int32Array (pairs, 2). */
  rows: Int32Array;
  /** Float32Array (pairs). */
  scores: Float32Array;
}

export const pairsOf = ({ rows, scores }: PairList): Pair[] =>
  Array.from(scores, (similarity, p) => ({ i: rows[2 * p], j: rows[2 * p + 1], similarity }));

/** The best `limit` pairs of several lists. */
export function bestPairs(lists: readonly PairList[], limit: number): PairList {
  const total = lists.reduce((sum, { scores }) => sum + scores.length, 0);
  const rows = new Int32Array(2 * total);
  const scores = new Float32Array(total);
  let at = 0;
  for (const list of lists) {
    rows.set(list.rows, 2 * at);
    scores.set(list.scores, at);
    at += list.scores.length;
  }
  const order = Uint32Array.from(scores.keys()).sort(
    (a, b) => scores[b] - scores[a] || rows[2 * a] - rows[2 * b] || rows[2 * a + 1] - rows[2 * b + 1],
  );
  const best = order.subarray(0, Math.min(limit, total));
  return {
    rows: Int32Array.from({ length: 2 * best.length }, (_, r) => rows[2 * best[r >> 1] + (r & 1)]),
    scores: Float32Array.from(best, (p) => scores[p]),
  };
}

/** Keeps the best `limit` of the pairs it is given, and holds at most twice as many. */
export class PairCollector {
  /** Pairs below are dropped: first the threshold, later the last of the `limit` best pairs. */
  floor: number;
  private rows: number[] = [];
  private scores: number[] = [];

  constructor(
    threshold: number,
    private readonly limit: number,
  ) {
    this.floor = threshold;
  }

  add(i: number, j: number, similarity: number): void {
    if (similarity < this.floor) return;
    this.rows.push(i, j);
    this.scores.push(similarity);
    if (this.scores.length <= 2 * this.limit) return;
    const { rows, scores } = this.best();
    [this.rows, this.scores] = [Array.from(rows), Array.from(scores)];
    this.floor = this.limit === 0 ? Infinity : scores[this.limit - 1];
  }

  best(): PairList {
    const list = { rows: Int32Array.from(this.rows), scores: Float32Array.from(this.scores) };
    return bestPairs([list], this.limit);
  }
}
