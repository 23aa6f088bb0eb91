import type { Plda } from "../scoring/plda.js";
import { random } from "../vectors/random.js";
import type { AuditCorpus } from "./audit-corpus.js";
import { bestSplit, type Split } from "./best-split.js";
import { onAxes, type People } from "./people.js";
import { twoGroups } from "./two-groups.js";

/** A name that may hold two people. */
export interface MergedName {
  name: number;
  /** Rows of the smaller part. */
  part: number[];
  /** The log likelihood ratio of two people against one, at the best split. */
  ratio: number;
  logOdds: number;
}

/** Names put together on purpose, to see what such a split looks like. */
const examples = 120;

/**
 * Names by how sure it is that they hold two people: the best split in two, held against that of two names put together
 * (half of the rows of each, so that these are no larger than a name) and of all other names. One row apart from the rest
 * is a matter of its label, not of the name.
 */
export function mergedSpeakers(corpus: AuditCorpus, people: People, kept: Uint8Array): MergedName[] {
  const { names, data, dimension: d } = corpus;
  const { personOf, foldOf } = people;
  const splitOf = (model: Plda, rows: readonly number[]): Split | undefined => {
    const block = new Float32Array(rows.length * d);
    rows.forEach((i, row) => {
      block.set(data.subarray(i * d, (i + 1) * d), row * d);
    });
    return bestSplit(onAxes(model, block), model.between);
  };
  const modelFor = (s: number) => people.modelWithout(foldOf(personOf[names[s].from]));
  const observed: MergedName[] = [];
  names.forEach(({ from, to }, name) => {
    if (to - from < 4) return;
    const rows = Array.from({ length: to - from }, (_, r) => from + r);
    const split = splitOf(modelFor(name), rows);
    if (split === undefined) return;
    const part = rows.filter((_, r) => split.isFirst[r] === 1);
    observed.push({ name, part, ratio: split.ratio, logOdds: -Infinity });
  });

  const keptRows = names.map(({ from, to }) =>
    Array.from({ length: to - from }, (_, r) => from + r).filter((i) => kept[i]),
  );
  const large = [...names.keys()].filter((s) => keptRows[s].length > 1);
  const planted: number[] = [];
  const next = random(2);
  const pick = () => large[Math.floor(next() * large.length)];
  for (let example = 0; example < examples && large.length > 3; example++) {
    const [a, b] = [pick(), pick()];
    if (a === b) continue;
    const half = (s: number) => keptRows[s].slice(0, Math.max(2, (keptRows[s].length >> 1) + 1));
    const split = splitOf(modelFor(a), [...half(a), ...half(b)]);
    if (split !== undefined) planted.push(split.ratio);
  }
  const { logOdds } = twoGroups(
    Float64Array.from(observed, ({ ratio }) => ratio),
    Float64Array.from(planted),
    { tail: Math.floor(observed.length / 3) },
  );
  observed.forEach((merged, at) => {
    merged.logOdds = logOdds[at];
  });
  return observed;
}
