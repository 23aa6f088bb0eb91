import type { AuditCorpus } from "./audit-corpus.js";
import { bestSplit, cohesion } from "./best-split.js";
import { onAxes, type People } from "./people.js";

/** A name in two parts. */
export interface SplitName {
  name: number;
  /** Rows of the smaller part. */
  part: number[];
  /** The log likelihood ratio of two people against one, at the best split. */
  ratio: number;
  /** What speaks for two people under the name. */
  score: number;
}

/**
 * The best split in two of every name. Two people speak for themselves by the ratio, and by how well the smaller part holds together:
 * rows that have nothing to do with each other are wrong labels, and so are rows that go with other names.
 *
 * A name is judged by a model that has not seen it: one that has takes what sets two people apart for variation within one.
 *
 * @param wanted names to look at
 * @param otherRatio Float64Array (n): log likelihood ratio of each row for the likeliest other person
 */
export function splitNames(
  corpus: AuditCorpus,
  people: People,
  wanted: readonly number[],
  otherRatio: Float64Array,
): SplitName[] {
  const { names, data, dimension: d } = corpus;
  const spread = Math.log(names.length);
  const found: SplitName[] = [];
  for (const name of wanted) {
    const { from, to } = names[name];
    if (to - from < 4) continue;
    const model = people.modelWithout(people.foldOf(people.personOf[from]));
    const rows = onAxes(model, data.subarray(from * d, to * d));
    const split = bestSplit(rows, model.between);
    if (split === undefined) continue;
    const part: number[] = [];
    let known = 0;
    split.isFirst.forEach((isFirst, r) => {
      if (isFirst === 0) return;
      part.push(from + r);
      known += Math.max(0, otherRatio[from + r] - spread);
    });
    const score = split.ratio + cohesion(rows, split.isFirst, model.between) - known;
    found.push({ name, part, ratio: split.ratio, score });
  }
  return found;
}
