import { invalid, ScopeError } from "../errors.js";
import { calibrateWithoutLabels } from "../scoring/calibrate-without-labels.js";
import { unlabelledScores } from "../scoring/unlabelled-scores.js";
import { nearestRows } from "../similarity/nearest-rows.js";
import type { LongTask, Progress } from "../types.js";
import { compare } from "../util/compare.js";
import { unitRows } from "../vectors/unit-rows.js";
import { certainty } from "./certainty.js";
import { type ClusteredUtterance, type Clustering, type Person, showClustering } from "./clustering.js";
import { cosineLikeness, learnedLikeness } from "./likeness.js";
import { countOf, groupsOf, type Likeness, link, type Merge } from "./link.js";

export type { ClusteredUtterance, Clustering, Person };

export interface ClusterOptions extends LongTask<Extract<Progress, { stage: "similarity" }>> {
  /** How many people there are, where that is known; default: as many as the voices say. */
  count?: number;
  /** Join voices whose mean cosine is at least this, in [-1, 1]; default: a threshold found in the corpus. */
  threshold?: number;
}

const rounds = 4;
/** Below so many groups of two and more the directions in which voices differ cannot be learned. */
const leastGroups = 20;
/** Twenty times more evidence, in log odds. */
const doubt = Math.log(20);

/**
 * Puts unlabelled speech into people. Groups are joined by average linkage: those whose voices are most alike, in the mean over
 * all pairs, until none are alike enough. Where 20 groups and more have several utterances it learns from them: a
 * two-covariance model (`plda`) is trained on the groups, they are formed anew by its scores, and so four times. Only the 100 nearest
 * utterances of each are looked at (30 in corpora above 20,000), so that half a million take minutes.
 *
 * The threshold is the corpus's own. The cosines of neighbours and of random pairs fall into two kinds (`calibrateWithoutLabels`);
 * two groups become one where their mean log likelihood ratio is at least log(K) / 2, with K groups so far: the more
 * people there are, the less likely two groups are one of them, and since their pairs share utterances the ratio counts half.
 *
 * The result is the same for any order of the utterances. Measured error rates are in docs/audit.md.
 *
 * @param utterances embeddings of one model, (n,) of Float32Array (dimension); their keys are distinct
 * @throws `invalid` for embeddings that are zero, not finite or of different length, for keys that occur twice, a `count` or
 *   `threshold` out of range, and for a corpus that shows no threshold: fewer than 10 utterances, or all equally alike;
 *   `interrupted` when `abortSignal` is aborted
 * @see Brümmer and de Villiers, The speaker partitioning problem, Odyssey 2010
 * @example
 * const { people, summary } = await cluster(utterances);
 * console.table(people.slice(0, 10));
 */
export async function cluster(
  utterances: readonly { key: string; embedding: Float32Array }[],
  { count, threshold, abortSignal, onProgress }: ClusterOptions = {},
): Promise<Clustering> {
  checkOptions(utterances.length, count, threshold);
  const order = [...utterances.keys()].sort((a, b) => compare(utterances[a].key, utterances[b].key));
  const sorted = order.map((i) => utterances[i]);
  const twice = sorted.find(({ key }, i) => i > 0 && sorted[i - 1].key === key);
  if (twice !== undefined)
    throw invalid(`Two utterances have the key ${twice.key}. Give each a key of its own.`, {
      got: twice.key,
    });
  const rows = unitRows(sorted);
  const { data, n, dimension } = rows;
  if (n < 2)
    return clustering(
      sorted,
      order,
      new Int32Array(n),
      Float64Array.from(sorted, () => 1),
      {
        model: "cosine",
        threshold: threshold ?? Number.NaN,
        rounds: 0,
      },
    );
  const nearest = await nearestRows(
    { data, rows: n, columns: dimension },
    { topK: Math.min(n - 1, n <= 20_000 ? 100 : 30), backend: "onnx", abortSignal, onProgress },
  );
  const found = async (likeness: Likeness, least: number): Promise<Found> => {
    const merges = await link(
      likeness,
      nearest,
      count === undefined ? least - doubt : -Infinity,
      abortSignal,
    );
    const kept = count === undefined ? above(merges, least) : most(merges, n, count);
    return { likeness, merges, groups: groupsOf(n, kept), least: count === undefined ? least : lowest(kept) };
  };

  if (threshold !== undefined) {
    const likeness = cosineLikeness(rows, 1, 0);
    const groups = groupsOf(n, above(await link(likeness, nearest, threshold, abortSignal), threshold));
    const unknown = new Float64Array(n).fill(Number.NaN);
    return clustering(sorted, order, groups, unknown, { model: "cosine", threshold, rounds: 0 });
  }
  const { scale, offset } = await calibrated(sorted, count);
  let result = await found(cosineLikeness(rows, scale, offset), Math.log(n) / 2);
  let round = 0;
  for (; round < rounds && repeatedGroups(result.groups) >= leastGroups; round++) {
    const groups = countOf(result.groups);
    result = await found(learnedLikeness(rows, result.groups), Math.log(groups) / 2);
  }
  const { likeness, merges, groups, least } = result;
  const made = clustering(sorted, order, groups, certainty(likeness, groups, nearest, least), {
    model: round > 0 ? "plda" : "cosine",
    threshold: round > 0 ? least : (least - offset) / scale,
    rounds: round,
  });
  if (count === undefined)
    made.summary.range = [n - above(merges, least - doubt).length, n - above(merges, least + doubt).length];
  return made;
}

interface Found {
  likeness: Likeness;
  merges: Merge[];
  /** Int32Array (n). */
  groups: Int32Array;
  least: number;
}

const above = (merges: readonly Merge[], least: number) => merges.filter(({ likeness }) => likeness >= least);

const lowest = (merges: readonly Merge[]) =>
  merges.reduce((least, { likeness }) => Math.min(least, likeness), Infinity);

function most(merges: readonly Merge[], n: number, count: number): Merge[] {
  if (merges.length < n - count)
    throw invalid(
      `The utterances do not come down to ${count} people: ${n - merges.length} groups have no neighbours in common. Ask for more, or give a threshold.`,
      { got: count },
    );
  return [...merges].sort((a, b) => b.likeness - a.likeness || a.a - b.a || a.b - b.b).slice(0, n - count);
}

function sizesOf(groups: Int32Array): Int32Array {
  const sizes = new Int32Array(countOf(groups));
  for (const group of groups) sizes[group]++;
  return sizes;
}

const repeatedGroups = (groups: Int32Array) => sizesOf(groups).filter((size) => size > 1).length;

function checkOptions(n: number, count: number | undefined, threshold: number | undefined): void {
  if (count !== undefined && !(Number.isInteger(count) && count >= 1 && count <= n))
    throw invalid(`count is ${count}. It has to be a whole number from 1 to the ${n} utterances.`, {
      got: count,
    });
  if (threshold !== undefined && !(threshold >= -1 && threshold <= 1))
    throw invalid(`The threshold is ${threshold}. It has to be a cosine between -1 and 1.`, {
      got: threshold,
    });
  if (count !== undefined && threshold !== undefined)
    throw invalid("Both count and threshold are given. Give one of them.");
}

/** What a cosine says in log odds, as log(x) = scale x cosine + offset. */
async function calibrated(
  rows: readonly { key: string; embedding: Float32Array }[],
  count: number | undefined,
): Promise<{ scale: number; offset: number }> {
  try {
    return calibrateWithoutLabels(await unlabelledScores(rows), { resamples: 0 });
  } catch (error) {
    if (!(error instanceof ScopeError) || error.tag !== "invalid") throw error;
    // With a count, no more is needed than an order of the cosines.
    if (count !== undefined) return { scale: 1, offset: 0 };
    throw invalid(
      `The corpus shows no threshold of its own. ${error.message} Or give a threshold, or the count of people.`,
    );
  }
}

function clustering(
  sorted: readonly { key: string }[],
  order: readonly number[],
  groups: Int32Array,
  probability: Float64Array,
  info: Clustering["info"],
): Clustering {
  const sizes = sizesOf(groups);
  const ranked = [...sizes.keys()].sort((a, b) => sizes[b] - sizes[a] || a - b);
  const digits = Math.max(3, String(sizes.length).length);
  const names: string[] = [];
  ranked.forEach((group, rank) => {
    names[group] = `person-${String(rank + 1).padStart(digits, "0")}`;
  });
  const typical = new Int32Array(sizes.length).fill(-1);
  groups.forEach((group, i) => {
    if (typical[group] < 0 || probability[i] > probability[typical[group]]) typical[group] = i;
  });
  const items: ClusteredUtterance[] = [];
  order.forEach((given, i) => {
    items[given] = { key: sorted[i].key, person: names[groups[i]], probability: probability[i] };
  });
  return showClustering({
    items,
    people: ranked.map((group) => ({
      person: names[group],
      utterances: sizes[group],
      typical: sorted[typical[group]].key,
    })),
    summary: {
      utterances: items.length,
      people: sizes.length,
      alone: sizes.filter((size) => size === 1).length,
    },
    info,
  });
}
