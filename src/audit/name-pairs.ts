import type { Plda } from "../scoring/plda.js";
import { pldaScore } from "../scoring/plda-score.js";
import { gatherRows } from "../vectors/gather-rows.js";
import { quantile } from "../vectors/quantile.js";
import type { AuditCorpus } from "./audit-corpus.js";
import { fewLikePerson } from "./hubs.js";
import { nearest } from "./nearest.js";
import { type Labels, type OnePerson, onePerson } from "./one-person.js";
import { onAxes, type People } from "./people.js";
import { trust } from "./wrong-labels.js";

/** Two names that may be of one person. */
export interface NamePair extends OnePerson {
  first: number;
  second: number;
  /** The log likelihood ratio of the model for the rows that seem to be theirs. */
  ratio: number;
}

export interface NamePairs {
  /** Sorted by `first`, then `second`. */
  pairs: NamePair[];
  /** What the utterances of one name score in two halves, the median of all names that have four or more. */
  usual: number;
}

/** Names with less have no row that is likely theirs. */
const leastCount = 0.3;
/** More names do not change their median. */
const enoughHalves = 500;
/** Below such a log likelihood ratio no choice of rows makes one person of two names. */
const leastRatio = -10;

/**
 * The pairs of names that may be of one person: each with its nearest names, and names of few rows with the owners whom these rows
 * resemble.
 *
 * @param people the names, each a person, with the weights of `labels`
 */
export async function namePairs(
  corpus: AuditCorpus,
  people: People,
  labels: Labels,
  { abortSignal }: { abortSignal?: AbortSignal } = {},
): Promise<NamePairs> {
  const { n, names, nameOf } = corpus;
  const { weights, evidence } = labels;
  const { counts, sums } = people;
  const some = Int32Array.from([...names.keys()].filter((s) => counts[s] > leastCount));
  const model = people.modelWithout(0);
  const rank = model.between.length;
  if (some.length < 2 || rank === 0) return { pairs: [], usual: 0 };
  const means = onAxes(model, sums, counts);
  const setOf = (s: number) => ({ count: counts[s], mean: means.subarray(s * rank, (s + 1) * rank) });
  const ratioOf = (first: number, second: number) =>
    counts[first] > leastCount && counts[second] > leastCount
      ? pldaScore(model, setOf(first), setOf(second))
      : -Infinity;

  const { k, index } = await nearest(model.between, gatherRows(means, some, rank), { abortSignal });
  const compared = onePerson(corpus, people, labels);
  const pairs = new Map<number, NamePair>();
  const add = (s: number, t: number, isLikely: boolean) => {
    const [first, second] = s < t ? [s, t] : [t, s];
    const key = first * names.length + second;
    const before = pairs.get(key);
    if (before !== undefined && (!isLikely || before.score !== trust * before.ratio)) return;
    const ratio = before?.ratio ?? ratioOf(first, second);
    pairs.set(key, {
      first,
      second,
      ratio,
      ...(isLikely || ratio > leastRatio
        ? compared(first, second)
        : { score: trust * ratio, firstRows: -1, secondRows: -1 }),
    });
  };
  for (let i = 0; i < n; i++)
    if (evidence.nearest[i] >= 0 && evidence.other[i] > 0) add(nameOf[i], evidence.nearest[i], true);
  some.forEach((s, row) => {
    for (let c = row * k; c < (row + 1) * k; c++) add(s, some[index[c]], false);
  });
  return {
    pairs: withoutHubs([...pairs.values()]).sort((a, b) => a.first - b.first || a.second - b.second),
    usual: usualScore(corpus, model, weights),
  };
}

/**
 * Names of few and noisy utterances resemble many others. As with labels (`hubs`), what the fourth best of its pairs has above zero is
 * taken off all pairs of a name.
 */
function withoutHubs(pairs: readonly NamePair[]): NamePair[] {
  const likeness = new Map<number, number[]>();
  for (const { first, second, ratio } of pairs)
    for (const name of [first, second]) {
      const ratios = likeness.get(name) ?? [];
      if (ratio > 0) ratios.push(ratio);
      likeness.set(name, ratios);
    }
  for (const ratios of likeness.values()) ratios.sort((a, b) => b - a);
  const hub = (name: number) => likeness.get(name)![fewLikePerson] ?? 0;
  return pairs.map((pair) => ({ ...pair, score: pair.score - trust * (hub(pair.first) + hub(pair.second)) }));
}

function usualScore({ names, data, dimension: d }: AuditCorpus, model: Plda, weights: Float64Array): number {
  const scores: number[] = [];
  for (const { from, to } of names.filter((name) => name.to - name.from > 3).slice(0, enoughHalves)) {
    const rows = onAxes(model, data.subarray(from * d, to * d));
    const rank = model.between.length;
    const halves = [0, 1].map((half) => {
      const mean = new Float64Array(rank);
      let count = 0;
      for (let i = from + half; i < to; i += 2) {
        count += weights[i];
        for (let r = 0; r < rank; r++) mean[r] += weights[i] * rows[(i - from) * rank + r];
      }
      return { count, mean: mean.map((x) => x / count) };
    });
    if (halves.every(({ count }) => count > leastCount))
      scores.push(trust * pldaScore(model, halves[0], halves[1]));
  }
  return scores.length === 0 ? 0 : quantile(Float64Array.from(scores).sort(), 0.5);
}
