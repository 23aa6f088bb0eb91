/** The k most similar rows of every row. */
export interface Neighbours {
  /** Neighbours a row: at most what was asked for, less where there are fewer other rows. */
  k: number;
  /** Int32Array (rows, k), best first, of equal ones the lower first; a row is not its own neighbour. */
  index: Int32Array;
  /** Float32Array (rows, k), the similarities. */
  score: Float32Array;
}
