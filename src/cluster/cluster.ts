import { invalid } from "../errors.js";
import { UntrainableError } from "../scoring/plda.js";
import { quantity, thereAre } from "../shared/text.js";
import { nearestRows } from "../similarity/nearest-rows.js";
import type { LongTask, Progress } from "../types.js";
import { compare } from "../util/compare.js";
import { demandList } from "../util/demand.js";
import { type UnitRows, unitRows } from "../vectors/unit-rows.js";
import { certainty } from "./certainty.js";
import { type ClusteredUtterance, type Clustering, type Person, showClustering } from "./clustering.js";
import { cosineVoices } from "./cosine-voices.js";
import { type LearnedVoices, learnedVoices } from "./learned-voices.js";
import { joinLeftAlone } from "./left-alone.js";
import { groupsOf, link, type Merge, partsOf } from "./link.js";
import { isOnePerson } from "./one-person.js";
import { leastCosine, strangers, worth } from "./strangers.js";
import { countOf, sizesOf, type Voices } from "./voices.js";
import { withoutCommon } from "./without-common.js";

export type { ClusteredUtterance, Clustering, Person };

export interface ClusterOptions extends LongTask<Extract<Progress, { stage: "similarity" }>> {
  /** How many people there are, where that is known; default: as many as the voices say. */
  count?: number;
  /** Join voices whose mean cosine is at least this, in [-1, 1]; default: a threshold found in the corpus. */
  threshold?: number;
}

/** Fewer groups of two and more say nothing about how people differ. */
const leastGroups = 5;
/** Below so many utterances nothing tells one kind of cosines from another. */
const leastUtterances = 10;
/** How much more evidence a join needs than that any two of the groups are one person, log(K): the scores are too sure. */
const caution = 1.5;
/**
 * What a person's utterances have in common beyond the voice looks like evidence too. The more of it there is (r, 0.1 and more),
 * the less a likeness is worth in log odds: this / r.
 */
const trust = 0.02;
/** Cosines may mislead by a factor of twenty, in log odds. */
const doubt = Math.log(20);
/**
 * By how much the model may ask for too much and for too little evidence. It errs towards too many people. Four in five ranges of
 * their number hold with these.
 */
const leeway = { down: 20, up: 10 };

/**
 * Puts unlabelled speech into people, in two passes, each of which joins the two groups that are most alike until none are alike
 * enough. Only the 100 nearest utterances of each are looked at (30 in corpora above 20,000).
 *
 * 1. By cosines, without the mean of all utterances and with their spread evened out, in the mean over all pairs of two groups.
 *    The threshold is found in the corpus: from where on three in ten pairs are more than strangers would give, or fewer where
 *    people have more than five utterances, whose mean says more.
 * 2. By what these groups show (five of two utterances and more are needed): a two-covariance model (`plda`) is trained on them,
 *    and gives the log likelihood ratio of two groups being one person. Since a person's utterances share more than the voice, n of
 *    them count as n / (1 + r (n - 1)), with the least r from 0.1 to 0.4 with which four fifths of what the first pass joined last
 *    stay together. Groups are joined down to 1.5 log(K), with K groups of the first pass: the more people there are, the less
 *    likely are two groups one of them. Who is left alone is put to whom they are most like, where that is likelier than that they
 *    are a person of one utterance, of whom there are as many as the corpus shows.
 *
 * Where nothing sets the utterances apart and they are alike, they are one person.
 *
 * The result is the same for any order of the utterances. Measured error rates are in docs/audit.md.
 *
 * @param utterances embeddings of one model, (n,) of Float32Array (dimension); their keys are distinct
 * @throws `invalid` for embeddings that are zero, not finite or of different length, for keys that occur twice, a `count` or
 *   `threshold` out of range, a `count` that neighbours do not come down to, and for fewer than 10 utterances without either;
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
  demandList(utterances, "cluster takes the list of utterances with their embeddings");
  checkOptions(utterances.length, count, threshold);
  const order = [...utterances.keys()].sort((a, b) => compare(utterances[a].key, utterances[b].key));
  const sorted = order.map((i) => utterances[i]);
  const twice = sorted.find(({ key }, i) => i > 0 && sorted[i - 1].key === key);
  if (twice !== undefined)
    throw invalid(`Two utterances have the key ${twice.key}. Give each a key of its own.`, {
      got: twice.key,
    });
  const rows = unitRows(sorted);
  const { n } = rows;
  const done = (groups: Int32Array, probability: number | Float64Array, info: Partial<Clustering["info"]>) =>
    clustering(
      sorted,
      order,
      groups,
      typeof probability === "number" ? new Float64Array(n).fill(probability) : probability,
      { model: "cosine", threshold: threshold ?? Number.NaN, rounds: 0, ...info },
    );
  if (n < 2) return done(new Int32Array(n), Number.NaN, {});
  if (threshold !== undefined) {
    const nearest = await neighbours(rows, { abortSignal, onProgress });
    const merges = await link(cosineVoices(rows), nearest, { least: threshold }, abortSignal);
    return done(groupsOf(n, merges), Number.NaN, {});
  }
  if (count === undefined && n < leastUtterances)
    throw invalid(
      `${thereAre(n, "utterance")}, too few to show what sets one voice from another. Give ${leastUtterances} or more, a threshold, or the count of people.`,
      { got: n },
    );
  const own = withoutCommon(rows);
  if (own === undefined && count === undefined) return done(new Int32Array(n), 1, {});
  const { centred, whitened } = own ?? { centred: rows, whitened: rows };
  const nearest = await neighbours(whitened, { abortSignal, onProgress });
  const others = strangers(whitened);
  const nearestOfEach = Float64Array.from({ length: n }, (_, i) => nearest.score[i * nearest.k]);
  if (count === undefined && isOnePerson(rows, whitened, nearestOfEach, others))
    return done(new Int32Array(n), 1, {});

  /** Who are one person where groups are from `least` on, or as many as are asked for, and how many there are by less or more evidence. */
  const joined = async (
    voices: Voices,
    least: number,
    { down, up }: { down: number; up: number },
  ): Promise<Found> => {
    const downTo = count === undefined ? { least: least - down } : { count };
    const merges = await link(voices, nearest, downTo, abortSignal);
    if (count !== undefined && merges.length < n - count)
      throw invalid(
        `The utterances do not come down to ${count} ${count === 1 ? "person" : "people"}: ${n - merges.length} groups have no neighbours in common. Ask for more, or give a threshold.`,
        { got: count },
      );
    const kept = count === undefined ? above(merges, least) : merges;
    return {
      voices,
      groups: groupsOf(n, kept),
      // People who are joined by their count alone are no surer to be one.
      least,
      reached: count === undefined ? least : (kept.at(-1)?.likeness ?? least),
      range: [n - above(merges, least - down).length, n - above(merges, least + up).length],
    };
  };

  const scale = worth / others.deviation;
  const margin = doubt / scale;
  const byCosine = cosineVoices(whitened);
  const guess = leastCosine(others);
  const merges = await link(byCosine, nearest, { least: guess - margin }, abortSignal);
  const each = usualSize(groupsOf(n, above(merges, guess)));
  const cosine = Math.max(leastCosine(others, each), guess - margin);
  // Those who are learned from are people by what is heard: a count could put two into one.
  const heard = above(merges, cosine);
  const people = groupsOf(n, heard);
  const least = caution * Math.log(countOf(people));
  const learned = learnedFrom(centred, people, partsOf(n, heard), least);
  const logOdds = learned === undefined ? scale : trust / learned.r;
  const found =
    learned === undefined
      ? await joined(byCosine, cosine, { down: margin, up: margin })
      : await joined(learned, least, leeway);
  const groups =
    learned === undefined || count !== undefined
      ? found.groups
      : joinLeftAlone(learned, found.groups, nearest);
  const made = done(groups, certainty(found.voices, groups, nearest, found.least, logOdds), {
    model: learned === undefined ? "cosine" : "plda",
    threshold: found.reached,
    rounds: learned === undefined ? 0 : 1,
  });
  const fewer = countOf(found.groups) - countOf(groups);
  if (count === undefined) made.summary.range = [Math.max(1, found.range[0] - fewer), found.range[1] - fewer];
  return made;
}

interface Found {
  voices: Voices;
  /** Int32Array (n). */
  groups: Int32Array;
  /** How alike groups of one person have to be. */
  least: number;
  /** How alike those are that were joined last. */
  reached: number;
  range: [fewest: number, most: number];
}

/** Those made before the first that is less alike. */
function above(merges: readonly Merge[], least: number): readonly Merge[] {
  const end = merges.findIndex(({ likeness }) => likeness < least);
  return end < 0 ? merges : merges.slice(0, end);
}

/** Undefined where the groups are too few to learn from. */
function learnedFrom(
  rows: Pick<UnitRows, "data" | "n" | "dimension">,
  groups: Int32Array,
  parts: Int32Array,
  least: number,
): LearnedVoices | undefined {
  if (repeatedGroups(groups) < leastGroups) return undefined;
  try {
    return learnedVoices(rows, groups, parts, least);
  } catch (error) {
    if (error instanceof UntrainableError) return undefined;
    throw error;
  }
}

function neighbours(
  { data, n, dimension }: Pick<UnitRows, "data" | "n" | "dimension">,
  options: LongTask<Extract<Progress, { stage: "similarity" }>>,
) {
  return nearestRows(
    { data, rows: n, columns: dimension },
    { topK: Math.min(n - 1, n <= 20_000 ? 100 : 30), backend: "onnx", ...options },
  );
}

/** How many utterances the person of an utterance has, in the mean over utterances. */
const usualSize = (groups: Int32Array) =>
  sizesOf(groups).reduce((sum, size) => sum + size * size, 0) / groups.length;

const repeatedGroups = (groups: Int32Array) => sizesOf(groups).filter((size) => size > 1).length;

function checkOptions(n: number, count: number | undefined, threshold: number | undefined): void {
  if (count !== undefined && !(Number.isInteger(count) && count >= 1 && count <= n))
    throw invalid(
      `count is ${count}. It has to be a whole number from 1 to the ${quantity(n, "utterance")}.`,
      {
        got: count,
      },
    );
  if (threshold !== undefined && !(threshold >= -1 && threshold <= 1))
    throw invalid(`The threshold is ${threshold}. It has to be a cosine between -1 and 1.`, {
      got: threshold,
    });
  if (count !== undefined && threshold !== undefined)
    throw invalid("Both count and threshold are given. Give one of them.");
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
  const sure = new Float64Array(sizes.length);
  groups.forEach((group, i) => {
    sure[group] += probability[i];
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
      probability: sure[group] / sizes[group],
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
