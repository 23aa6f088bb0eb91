import { pldaScore } from "../scoring/plda-score.js";
import type { AuditCorpus } from "./audit-corpus.js";
import { nearest } from "./nearest.js";
import { onAxes, type People } from "./people.js";

/** Two names that may be of one person. */
export interface NamePair {
  first: number;
  second: number;
  /** The log likelihood ratio of the model that they are of one person. */
  ratio: number;
}

/** The names nearest to each, with the score between the two sets of rows. */
export interface NamePairs {
  /** Sorted by `first`, then `second`. */
  pairs: NamePair[];
  /** Names that have rows of their own. */
  some: number[];
  /** The score of any two names; undefined where one has no rows. */
  ratioOf(first: number, second: number): number | undefined;
}

/** Names with less have no row that is likely theirs. */
const leastCount = 0.3;

/**
 * The score between names: each one's rows, by how sure it is that they are its own, as sets of utterances of a two-covariance model.
 *
 * @param weights Float64Array (n); rows with none do not count
 */
export async function namePairs(
  corpus: AuditCorpus,
  people: People,
  weights: Float64Array,
  { abortSignal }: { abortSignal?: AbortSignal } = {},
): Promise<NamePairs> {
  const { names, data, dimension: d } = corpus;
  const counts = new Float64Array(names.length);
  const sums = new Float64Array(names.length * d);
  names.forEach(({ from, to }, s) => {
    for (let i = from; i < to; i++) {
      counts[s] += weights[i];
      for (let k = 0; k < d; k++) sums[s * d + k] += weights[i] * data[i * d + k];
    }
  });
  const some = [...names.keys()].filter((s) => counts[s] > leastCount);
  const model = people.modelWithout(0);
  const rank = model.between.length;
  const means = onAxes(model, sums, counts);
  const setOf = (s: number) => ({ count: counts[s], mean: means.subarray(s * rank, (s + 1) * rank) });
  const ratioOf = (first: number, second: number) =>
    counts[first] > leastCount && counts[second] > leastCount
      ? pldaScore(model, setOf(first), setOf(second))
      : undefined;
  if (some.length < 2 || rank === 0) return { pairs: [], some, ratioOf };

  const block = new Float64Array(some.length * rank);
  some.forEach((s, row) => {
    block.set(means.subarray(s * rank, (s + 1) * rank), row * rank);
  });
  const { k, index } = await nearest(model.between, block, { abortSignal });
  const pairs = new Map<number, NamePair>();
  some.forEach((s, row) => {
    for (let c = row * k; c < (row + 1) * k; c++) {
      const t = some[index[c]];
      const [first, second] = s < t ? [s, t] : [t, s];
      const key = first * names.length + second;
      if (!pairs.has(key)) pairs.set(key, { first, second, ratio: ratioOf(first, second)! });
    }
  });
  return {
    pairs: [...pairs.values()].sort((a, b) => a.first - b.first || a.second - b.second),
    some,
    ratioOf,
  };
}
