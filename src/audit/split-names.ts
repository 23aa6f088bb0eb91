import { pldaScore } from "../scoring/plda-score.js";
import { breather } from "../similarity/breather.js";
import { gatherRows } from "../vectors/gather-rows.js";
import { quantile } from "../vectors/quantile.js";
import type { AuditCorpus } from "./audit-corpus.js";
import { bestSplit, type Split } from "./best-split.js";
import { chanceOfOther, chanceOfOwn, type Labels } from "./one-person.js";
import { onAxes, type People } from "./people.js";
import { trust } from "./wrong-labels.js";

/** A name in two parts. */
export interface SplitName {
  name: number;
  /** Rows of the smaller part. */
  part: number[];
  /** The log likelihood ratio of the model for two people against one, at the best split. */
  ratio: number;
  /** The natural log likelihood ratio of two people against one, any of whose labels may be wrong. */
  score: number;
}

export interface SplitNames {
  names: SplitName[];
  /** What a name would score that held the people of two others, the median. */
  usual: number;
}

/** More pairs of names do not change their median. */
const enough = 500;

/**
 * The best split in two of every name with four rows or more.
 *
 * Two people have to explain the rows better than one does, when any label may be wrong: rows leave their person, one after the other,
 * while somebody else explains them better. Any rows could have been the second person's, so that the split counts for one of
 * the 2^(n-1) that there are.
 *
 * A name is judged by a model that has not seen it: one that has takes what sets two people apart for variation within one.
 */
export async function splitNames(
  corpus: AuditCorpus,
  people: People,
  labels: Labels,
  {
    onRows = () => undefined,
    abortSignal,
  }: { onRows?: (count: number) => void; abortSignal?: AbortSignal } = {},
): Promise<SplitNames> {
  const { names, data, dimension: d, firstEqual } = corpus;
  const found: SplitName[] = [];
  const breathe = breather(abortSignal, "The audit");
  for (const [name, { from, to }] of names.entries()) {
    await breathe();
    onRows(to - from);
    const all = Int32Array.from({ length: to - from }, (_, row) => from + row);
    // Copies of one utterance are no person of their own.
    const distinct = all.filter((i) => firstEqual[i] === i);
    const n = distinct.length;
    if (n < 4) continue;
    const model = people.modelWithout(people.foldOf(people.personOf[from]));
    const { between } = model;
    const rows = onAxes(model, gatherRows(data, distinct, d));
    const weights = new Map<number, number>();
    for (const i of all) weights.set(firstEqual[i], (weights.get(firstEqual[i]) ?? 0) + labels.weights[i]);
    const seeming = Int32Array.from(distinct.keys()).filter((row) => weights.get(distinct[row])! > 0.5);
    const splits = candidates(rows, between, seeming);
    const others = Float64Array.from(
      distinct,
      (i) => chanceOfOther(labels, labels.evidence.alternative[i]) - chanceOfOwn(labels),
    );
    const logLikelihood = (person: Uint8Array) => likelihoodWithoutWrong(rows, between, person, others);
    const one = logLikelihood(new Uint8Array(n).fill(1));
    const scored = splits.map((split) => ({
      ...split,
      two: logLikelihood(split.isFirst) + logLikelihood(split.isFirst.map((isFirst) => 1 - isFirst)),
    }));
    if (scored.length === 0) continue;
    const best = scored.reduce((best, split) => (split.two > best.two ? split : best));
    const isFirst = new Set(distinct.filter((_, row) => best.isFirst[row]));
    found.push({
      name,
      part: [...all].filter((i) => isFirst.has(firstEqual[i])),
      ratio: best.ratio,
      score: best.two - one - (n - 1) * Math.LN2,
    });
  }
  return { names: found, usual: usualScore(corpus, people) };
}

/** What a name would score that held the people of two names. */
function usualScore({ names }: AuditCorpus, people: People): number {
  const model = people.modelWithout(0);
  const rank = model.between.length;
  const some = Int32Array.from([...names.keys()].filter((s) => people.counts[s] > 1.5)).subarray(0, enough);
  const counts = Float64Array.from(some, (s) => people.counts[s]);
  const means = onAxes(model, gatherRows(people.sums, some, model.dimension), counts);
  const setOf = (s: number) => ({ count: counts[s], mean: means.subarray(s * rank, (s + 1) * rank) });
  const scores = Array.from(
    some.subarray(1),
    (_, s) => -trust * pldaScore(model, setOf(s), setOf(s + 1)) - (counts[s] + counts[s + 1] - 1) * Math.LN2,
  );
  return scores.length === 0 ? 0 : quantile(Float64Array.from(scores).sort(), 0.5);
}

/** The best split of all rows, and that of the rows whose labels seem right: wrong ones can stand out more than a second person. */
function candidates(rows: Float64Array, between: Float64Array, seeming: Int32Array): Split[] {
  const n = rows.length / between.length;
  const splits = [bestSplit(rows, between)];
  if (seeming.length < n) {
    const split = bestSplit(gatherRows(rows, seeming, between.length), between);
    const isFirst = new Uint8Array(n);
    split?.isFirst.forEach((is, k) => {
      isFirst[seeming[k]] = is;
    });
    splits.push(split && { ...split, isFirst });
  }
  return splits.filter((split) => split !== undefined);
}

/**
 * The log likelihood of a person's rows against one person for each, when those that somebody else explains better are left to
 * somebody else. Two rows stay: fewer are no person.
 *
 * @param others how much likelier it is of every row that somebody else explains it, before its voice is heard
 */
function likelihoodWithoutWrong(
  rows: Float64Array,
  between: Float64Array,
  person: Uint8Array,
  others: Float64Array,
): number {
  const rank = between.length;
  const isOwn = person.slice();
  const sum = new Float64Array(rank);
  let count = 0;
  let square = 0;
  let parts: { n: number; constant: number; weights: Float64Array } | undefined;
  const squares = Float64Array.from(others, (_, row) => {
    let own = 0;
    for (let r = 0; r < rank; r++) own += (rows[row * rank + r] ** 2 * between[r]) / (between[r] + 1);
    return own;
  });
  const move = (row: number, sign: number) => {
    count += sign;
    square += sign * squares[row];
    for (let r = 0; r < rank; r++) sum[r] += sign * rows[row * rank + r];
  };
  isOwn.forEach((is, row) => {
    if (is) move(row, 1);
  });

  /** The log likelihood ratio of one person against one for each row, without one of the rows if it is given. */
  function cohesionWithout(row = -1): number {
    const { constant, weights } = partsOf(row < 0 ? count : count - 1);
    let twice = constant - square + (row < 0 ? 0 : squares[row]);
    for (let r = 0; r < rank; r++) twice += (sum[r] - (row < 0 ? 0 : rows[row * rank + r])) ** 2 * weights[r];
    return twice / 2;
  }
  function partsOf(n: number): { constant: number; weights: Float64Array } {
    if (parts?.n === n) return parts;
    let constant = 0;
    for (const psi of between) constant += n * Math.log(psi + 1) - Math.log(n * psi + 1);
    parts = { n, constant, weights: between.map((psi) => psi / (n * psi + 1)) };
    return parts;
  }

  let left = 0;
  let most = trust * cohesionWithout();
  while (count > 2) {
    let best = -1;
    isOwn.forEach((is, row) => {
      if (!is) return;
      const likelihood = left + others[row] + trust * cohesionWithout(row);
      if (likelihood > most) [best, most] = [row, likelihood];
    });
    if (best < 0) break;
    isOwn[best] = 0;
    left += others[best];
    move(best, -1);
  }
  return most;
}
