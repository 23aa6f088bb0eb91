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

/** Which pairs are listed, and whether they are counted. */
export interface Limits {
  /** Pairs at or above are counted and listed. */
  threshold: number;
  /** Most pairs to list. */
  maxPairs: number;
  /** Whether the fine bins are wanted; default true. */
  hasCounts?: boolean;
}

/** What reducing some tiles gives. */
export interface Reduction {
  /** Float64Array (1,000,000), counts of the fine bins; empty where they are not wanted. */
  fine: Float64Array;
  lowest: number;
  highest: number;
  /** Pairs at or above the threshold. */
  highPairs: number;
  pairs: PairList;
  neighbours: Neighbours;
}

/** Merges the reductions of several workers, each of other tiles of the same rows. */
export const mergeReductions = (parts: readonly Reduction[], maxPairs: number): Reduction =>
  combined(parts, maxPairs, (lists) => lists.reduce(betterOf));

/** Joins the reductions of consecutive blocks of rows; only one is held at a time. */
export const joinReductions = (parts: Iterable<Reduction>, maxPairs: number): Reduction =>
  combined(parts, maxPairs, (lists) => {
    const length = lists.reduce((sum, { index }) => sum + index.length, 0);
    const joint = { k: lists[0].k, index: new Int32Array(length), score: new Float32Array(length) };
    let at = 0;
    for (const { index, score } of lists) {
      joint.index.set(index, at);
      joint.score.set(score, at);
      at += index.length;
    }
    return joint;
  });

function combined(
  parts: Iterable<Reduction>,
  maxPairs: number,
  together: (lists: Neighbours[]) => Neighbours,
): Reduction {
  let fine: Float64Array = new Float64Array();
  let [lowest, highest, highPairs] = [Infinity, -Infinity, 0];
  let pairs: PairList = { rows: new Int32Array(), scores: new Float32Array() };
  const neighbours: Neighbours[] = [];
  for (const part of parts) {
    if (fine.length === 0) fine = part.fine.slice();
    else for (let f = 0; f < fine.length; f++) fine[f] += part.fine[f];
    lowest = Math.min(lowest, part.lowest);
    highest = Math.max(highest, part.highest);
    highPairs += part.highPairs;
    pairs = bestPairs([pairs, part.pairs], maxPairs);
    neighbours.push(part.neighbours);
  }
  return { fine, lowest, highest, highPairs, pairs, neighbours: together(neighbours) };
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
