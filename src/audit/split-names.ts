import type { AuditCorpus } from "./audit-corpus.js";
import { bestSplit, cohesion } from "./best-split.js";
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

/**
 * The best split in two of every name with four rows or more.
 *
 * Two people have to explain the rows better than one does, when any label may be wrong: rows leave their person, one after the other,
 * while somebody else explains them better. Any rows could have been the second person's, so that the split counts for one of
 * the 2^(n-1) that there are.
 *
 * A name is judged by a model that has not seen it: one that has takes what sets two people apart for variation within one.
 */
export function splitNames(corpus: AuditCorpus, people: People, labels: Labels): SplitName[] {
  const { names, data, dimension: d } = corpus;
  const found: SplitName[] = [];
  for (const [name, { from, to }] of names.entries()) {
    const n = to - from;
    if (n < 4) continue;
    const { between, ...axes } = people.modelWithout(people.foldOf(people.personOf[from]));
    const rows = onAxes({ between, ...axes }, data.subarray(from * d, to * d));
    const split = bestSplit(rows, between);
    if (split === undefined) continue;
    const others = Float64Array.from(
      labels.evidence.alternative.subarray(from, to),
      (alternative) => chanceOfOther(labels, alternative) - chanceOfOwn(labels),
    );
    const logLikelihood = (person: Uint8Array) => likelihoodWithoutWrong(rows, between, person, others);
    const one = logLikelihood(new Uint8Array(n).fill(1));
    const two = logLikelihood(split.isFirst) + logLikelihood(split.isFirst.map((isFirst) => 1 - isFirst));
    found.push({
      name,
      part: [...split.isFirst.keys()].filter((row) => split.isFirst[row]).map((row) => from + row),
      ratio: split.ratio,
      score: two - one - (n - 1) * Math.LN2,
    });
  }
  return found;
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
  const isOwn = person.slice();
  let count = isOwn.reduce((sum, is) => sum + is, 0);
  let left = 0;
  let most = trust * cohesion(rows, isOwn, between);
  for (; count > 2; count--) {
    let best = -1;
    for (let row = 0; row < isOwn.length; row++) {
      if (!isOwn[row]) continue;
      isOwn[row] = 0;
      const likelihood = left + others[row] + trust * cohesion(rows, isOwn, between);
      if (likelihood > most) [best, most] = [row, likelihood];
      isOwn[row] = 1;
    }
    if (best < 0) break;
    isOwn[best] = 0;
    left += others[best];
  }
  return most;
}
