import type { Plda } from "../scoring/plda.js";
import { type PldaSet, pldaScore } from "../scoring/plda-score.js";
import { random } from "../vectors/random.js";
import type { AuditCorpus } from "./audit-corpus.js";
import { nearest } from "./nearest.js";
import { onAxes, type People } from "./people.js";
import { twoGroups } from "./two-groups.js";

/** Two names that may be of one person. */
export interface NamePair {
  first: number;
  second: number;
  /** The mean of the log likelihood ratios of the models that have not seen the one and the other. */
  ratio: number;
  /** Natural log odds that they are of one person. */
  logOdds: number;
}

/**
 * Pairs of names by how sure it is that they are of one person: the score between the sets of their kept rows, held
 * against the scores of names split in two at random (which are of one person) and of all other pairs. Pairs across
 * data sets are held against each other: a change of channel lowers them all.
 */
export async function namePairs(
  corpus: AuditCorpus,
  people: People,
  kept: Uint8Array,
  { abortSignal }: { abortSignal?: AbortSignal } = {},
): Promise<NamePair[]> {
  const { names, dimension: d } = corpus;
  const { counts, sums } = sumsOfNames(corpus, kept);
  const some = [...names.keys()].filter((s) => counts[s] > 0);
  if (some.length < 2) return [];
  const foldOfName = (s: number) => people.foldOf(people.personOf[names[s].from]);
  const setsOf = (model: Plda, of: readonly number[]) => {
    const own = Float64Array.from(of, (s) => counts[s]);
    const block = new Float64Array(of.length * d);
    of.forEach((s, row) => {
      block.set(sums.subarray(s * d, (s + 1) * d), row * d);
    });
    return onAxes(model, block, own);
  };

  const first = people.modelWithout(0);
  const { k, index } = await nearest(first.between, setsOf(first, some), { abortSignal });
  const pairs = new Map<number, NamePair>();
  some.forEach((s, row) => {
    for (let c = row * k; c < (row + 1) * k; c++) {
      const t = some[index[c]];
      const [a, b] = s < t ? [s, t] : [t, s];
      pairs.set(a * names.length + b, { first: a, second: b, ratio: 0, logOdds: -Infinity });
    }
  });

  const planted: number[] = [];
  for (let fold = 0; fold < people.folds; fold++) {
    const model = people.modelWithout(fold);
    const rank = model.between.length;
    const means = setsOf(model, some);
    const sets = new Map<number, PldaSet>(
      some.map((s, row) => [s, { count: counts[s], mean: means.subarray(row * rank, (row + 1) * rank) }]),
    );
    for (const pair of pairs.values()) {
      const sides = Number(foldOfName(pair.first) === fold) + Number(foldOfName(pair.second) === fold);
      if (sides > 0)
        pair.ratio += (sides / 2) * pldaScore(model, sets.get(pair.first)!, sets.get(pair.second)!);
    }
    const halved = some.filter((s) => foldOfName(s) === fold && counts[s] > 1);
    const halves = halved.flatMap((s) => halvesOf(corpus, kept, s));
    const block = new Float64Array(halves.length * d);
    halves.forEach(({ sum }, h) => {
      block.set(sum, h * d);
    });
    const halfMeans = onAxes(
      model,
      block,
      Float64Array.from(halves, ({ count }) => count),
    );
    const half = (h: number) => ({
      count: halves[h].count,
      mean: halfMeans.subarray(h * rank, (h + 1) * rank),
    });
    halved.forEach((_, h) => {
      planted.push(pldaScore(model, half(2 * h), half(2 * h + 1)));
    });
  }
  const isAcross = ({ first: a, second: b }: NamePair) => names[a].dataset !== names[b].dataset;
  const sorted = [...pairs.values()].sort((a, b) => a.first - b.first || a.second - b.second);
  for (const across of [false, true]) {
    const group = sorted.filter((pair) => isAcross(pair) === across);
    const { logOdds } = twoGroups(
      Float64Array.from(group, ({ ratio }) => ratio),
      Float64Array.from(planted),
      {
        tail: Math.min(Math.round(0.4 * some.length), group.length >> 1),
        isShifted: across,
        total: pairsOf(corpus, some, across),
      },
    );
    group.forEach((pair, p) => {
      pair.logOdds = logOdds[p];
    });
  }
  return sorted;
}

function sumsOfNames({ names, data, dimension: d }: AuditCorpus, kept: Uint8Array) {
  const counts = new Float64Array(names.length);
  const sums = new Float64Array(names.length * d);
  names.forEach(({ from, to }, s) => {
    for (let i = from; i < to; i++)
      if (kept[i]) {
        counts[s]++;
        for (let k = 0; k < d; k++) sums[s * d + k] += data[i * d + k];
      }
  });
  return { counts, sums };
}

/** Sums of one half of a name's rows, and of the other. Sessions stay whole where there are two. */
function halvesOf(
  { names, data, dimension: d, sessionOf }: AuditCorpus,
  kept: Uint8Array,
  s: number,
): { sum: Float64Array; count: number }[] {
  const { from, to } = names[s];
  const sessions = new Map<number, number[]>();
  for (let i = from; i < to; i++)
    if (kept[i]) {
      const session = sessions.get(sessionOf[i]);
      if (session === undefined) sessions.set(sessionOf[i], [i]);
      else session.push(i);
    }
  const units = sessions.size > 1 ? [...sessions.values()] : [...sessions.values()].flat().map((i) => [i]);
  const next = random(from + 1);
  for (let u = units.length - 1; u > 0; u--) {
    const other = Math.floor(next() * (u + 1));
    [units[u], units[other]] = [units[other], units[u]];
  }
  return [units.slice(0, units.length >> 1), units.slice(units.length >> 1)].map((part) => {
    const rows = part.flat();
    const sum = new Float64Array(d);
    for (const i of rows) for (let k = 0; k < d; k++) sum[k] += data[i * d + k];
    return { sum, count: rows.length };
  });
}

/** How many pairs there are within the data sets, or across them. */
function pairsOf({ names }: AuditCorpus, some: readonly number[], across: boolean): number {
  const sizes = new Map<string, number>();
  for (const s of some) sizes.set(names[s].dataset, (sizes.get(names[s].dataset) ?? 0) + 1);
  const within = [...sizes.values()].reduce((sum, n) => sum + (n * (n - 1)) / 2, 0);
  return across ? (some.length * (some.length - 1)) / 2 - within : within;
}
