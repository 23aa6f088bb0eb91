import { fineBins } from "./histogram.js";
import { bestPairs, type PairList } from "./pair-list.js";

/** The k most similar rows of every row. */
export interface Neighbours {
  /** Neighbours a row: at most what was asked for, less where there are fewer other rows. */
  k: number;
  /** Int32Array (rows, k), best first, of equal ones the lower first; a row is not its own neighbour. */
  index: Int32Array;
  /** Float32Array (rows, k), the similarities. */
  score: Float32Array;
}

/** What was found in some tiles. */
export interface Found {
  /** Float64Array (1,000,000), counts of the fine bins. */
  fine: Float64Array;
  lowest: number;
  highest: number;
  /** Pairs at or above the threshold. */
  highPairs: number;
  pairs: PairList;
  neighbours: Neighbours;
}

/** What was found in the tiles of several workers, all about the same rows. */
export function mergeFound(parts: readonly Found[], maxPairs: number): Found {
  const neighbours = parts.map((part) => part.neighbours);
  return { ...sumOf(parts, maxPairs), neighbours: neighbours.reduce(betterOf) };
}

/** What was found about several ranges of rows, in their order. */
export function joinFound(parts: readonly Found[], maxPairs: number): Found {
  const lists = parts.map(({ neighbours }) => neighbours);
  const length = lists.reduce((sum, { index }) => sum + index.length, 0);
  const neighbours = {
    k: lists[0].k,
    index: new Int32Array(length),
    score: new Float32Array(length),
  };
  let at = 0;
  for (const { index, score } of lists) {
    neighbours.index.set(index, at);
    neighbours.score.set(score, at);
    at += index.length;
  }
  return { ...sumOf(parts, maxPairs), neighbours };
}

function sumOf(parts: readonly Found[], maxPairs: number): Omit<Found, "neighbours"> {
  const fine = parts.length === 1 ? parts[0].fine : new Float64Array(fineBins);
  if (parts.length > 1) for (const part of parts) for (let f = 0; f < fineBins; f++) fine[f] += part.fine[f];
  return {
    fine,
    lowest: Math.min(...parts.map(({ lowest }) => lowest)),
    highest: Math.max(...parts.map(({ highest }) => highest)),
    highPairs: parts.reduce((sum, { highPairs }) => sum + highPairs, 0),
    pairs: bestPairs(
      parts.map(({ pairs }) => pairs),
      maxPairs,
    ),
  };
}

/** The best of two lists of neighbours for every row. */
function betterOf(a: Neighbours, b: Neighbours): Neighbours {
  const { k } = a;
  const index = new Int32Array(a.index.length);
  const score = new Float32Array(a.index.length);
  for (let row = 0; row < index.length; row += k)
    for (let at = row, p = row, q = row; at < row + k; at++) {
      const isFirst = a.score[p] > b.score[q] || (a.score[p] === b.score[q] && a.index[p] <= b.index[q]);
      const [from, place] = isFirst ? [a, p++] : [b, q++];
      index[at] = from.index[place];
      score[at] = from.score[place];
    }
  return { k, index, score };
}
