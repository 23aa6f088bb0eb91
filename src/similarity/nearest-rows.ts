/** The k most similar rows of every row. */
export interface Neighbours {
  /** Neighbours a row: at most what was asked for, less where there are fewer other rows. */
  k: number;
  /** Int32Array (rows, k), best first; a row is not its own neighbour. */
  index: Int32Array;
  /** Float32Array (rows, k), the similarities. */
  score: Float32Array;
}

/** Keeps the k best candidates of every row; of equal ones those that came first, which is those with the lower index. */
export class NearestRows {
  readonly index: Int32Array;
  readonly score: Float32Array;
  /** The score that a candidate of the row has to beat, Float32Array (rows). */
  readonly bar: Float32Array;

  constructor(
    readonly rows: number,
    readonly k: number,
  ) {
    this.index = new Int32Array(rows * k).fill(-1);
    this.score = new Float32Array(rows * k).fill(-Infinity);
    this.bar = new Float32Array(rows).fill(k > 0 ? -Infinity : Infinity);
  }

  /** Takes a candidate that beats the bar of its row. */
  add(row: number, candidate: number, similarity: number): void {
    const { k, index, score } = this;
    const first = row * k;
    let at = first + k - 1;
    for (; at > first && score[at - 1] < similarity; at--) {
      score[at] = score[at - 1];
      index[at] = index[at - 1];
    }
    score[at] = similarity;
    index[at] = candidate;
    this.bar[row] = score[first + k - 1];
  }
}
