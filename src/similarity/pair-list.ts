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

/** Keeps the best `limit` of the pairs that it is given, in memory for twice as many. */
export class PairCollector {
  /** A pair below is not wanted: the threshold at first, the last kept pair once there are more than `limit`. */
  floor: number;
  private rows = new Int32Array(2 << 10);
  private scores = new Float32Array(1 << 10);
  private count = 0;

  constructor(
    threshold: number,
    private readonly limit: number,
  ) {
    this.floor = threshold;
  }

  add(i: number, j: number, similarity: number): void {
    if (similarity < this.floor) return;
    if (this.count === this.scores.length) this.makeRoom();
    this.rows[2 * this.count] = i;
    this.rows[2 * this.count + 1] = j;
    this.scores[this.count++] = similarity;
  }

  best(): PairList {
    const { rows, scores, count, limit } = this;
    return bestPairs([{ rows: rows.subarray(0, 2 * count), scores: scores.subarray(0, count) }], limit);
  }

  private makeRoom(): void {
    const { limit, count } = this;
    const kept = count >= 2 * limit ? this.best() : { rows: this.rows, scores: this.scores };
    if (count >= 2 * limit) {
      this.count = kept.scores.length;
      this.floor = limit === 0 ? Infinity : kept.scores[limit - 1];
    }
    const room = Math.max(2 * this.count, 1 << 10);
    this.rows = new Int32Array(2 * room);
    this.rows.set(kept.rows);
    this.scores = new Float32Array(room);
    this.scores.set(kept.scores);
  }
}
