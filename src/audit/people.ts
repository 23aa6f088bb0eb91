import { type Plda, type PldaOptions, pldaOfSums } from "../scoring/plda.js";
import { scatter } from "../vectors/scatter.js";
import type { AuditCorpus } from "./audit-corpus.js";

/** Who the rows are thought to be, and models trained on all but some of these people. */
export interface People {
  /** Int32Array (n): row to person. */
  personOf: Int32Array;
  count: number;
  /** Float64Array (count): rows of each that are kept. */
  counts: Float64Array;
  /** Float64Array (count, dimension): the sum of these rows. */
  sums: Float64Array;
  folds: number;
  /** Whose rows no model of the fold has seen. */
  foldOf(person: number): number;
  /** The model trained on everybody outside a fold: it has learned nothing of those whom it is to judge. */
  modelWithout(fold: number): Plda;
}

/**
 * @param personOf Int32Array (n): any numbers from 0 on
 * @param kept Uint8Array (n): 1 for the rows to train on
 */
export function people(
  { data, n, dimension: d }: Pick<AuditCorpus, "data" | "n" | "dimension">,
  personOf: Int32Array,
  kept: Uint8Array,
  { folds, ...options }: PldaOptions & { folds: number },
): People {
  const count = personOf.reduce((most, person) => Math.max(most, person), -1) + 1;
  const foldOf = (person: number) => person % folds;
  const counts = new Float64Array(count);
  const sums = new Float64Array(count * d);
  const squares = Array.from({ length: folds }, () => new Float64Array(d * d));
  for (let i = 0; i < n; i++) {
    if (!kept[i]) continue;
    const person = personOf[i];
    counts[person]++;
    for (let k = 0; k < d; k++) sums[person * d + k] += data[i * d + k];
  }
  const block = new Float32Array(1024 * d);
  for (let fold = 0; fold < folds; fold++) {
    let rows = 0;
    const flush = () => {
      scatter(block.subarray(0, rows * d), d).forEach((x, at) => {
        squares[fold][at] += x;
      });
      rows = 0;
    };
    for (let i = 0; i < n; i++)
      if (kept[i] && foldOf(personOf[i]) === fold) {
        block.set(data.subarray(i * d, (i + 1) * d), rows * d);
        if (++rows === 1024) flush();
      }
    flush();
  }
  const models: Plda[] = [];
  const modelWithout = (fold: number) => {
    const repeats = counts.map((x, person) => (foldOf(person) === fold ? 0 : Math.max(0, x - 1)));
    // Where the others are too few to learn from, the fold has to help.
    const isAlone = repeats.filter((x) => x > 0).length < 2;
    const isIn = (other: number) => isAlone || other !== fold;
    models[fold] ??= pldaOfSums(
      {
        dimension: d,
        sums,
        counts: counts.map((x, person) => (isIn(foldOf(person)) ? x : 0)),
        squares: squares.reduce(
          (sum, of, other) => (isIn(other) ? sum.map((x, at) => x + of[at]) : sum),
          new Float64Array(d * d),
        ),
      },
      options,
    );
    return models[fold];
  };
  return { personOf, count, counts, sums, folds, foldOf, modelWithout };
}

/**
 * Sums of rows, divided by their counts, on the axes of a model; with counts of 1 the rows themselves.
 *
 * @returns Float64Array (rows, rank)
 */
export function onAxes(
  { dimension: d, mean, axes, between }: Plda,
  sums: Float64Array | Float32Array,
  counts?: Float64Array,
): Float64Array {
  const rank = between.length;
  const rows = sums.length / d;
  const offsets = Float64Array.from(between, (_, r) => {
    let sum = 0;
    for (let k = 0; k < d; k++) sum += mean[k] * axes[r * d + k];
    return sum;
  });
  const result = new Float64Array(rows * rank);
  for (let i = 0; i < rows; i++) {
    const count = counts === undefined ? 1 : Math.max(counts[i], 1);
    // Four axes at a time: the additions then need not wait for each other.
    for (let r = 0; r < rank; r += 4) {
      const q0 = r * d;
      const q1 = Math.min(r + 1, rank - 1) * d;
      const q2 = Math.min(r + 2, rank - 1) * d;
      const q3 = Math.min(r + 3, rank - 1) * d;
      let [sum0, sum1, sum2, sum3] = [0, 0, 0, 0];
      for (let k = 0, p = i * d; k < d; k++) {
        const x = sums[p + k];
        sum0 += x * axes[q0 + k];
        sum1 += x * axes[q1 + k];
        sum2 += x * axes[q2 + k];
        sum3 += x * axes[q3 + k];
      }
      const at = i * rank + r;
      result[at] = sum0 / count - offsets[r];
      if (r + 1 < rank) result[at + 1] = sum1 / count - offsets[r + 1];
      if (r + 2 < rank) result[at + 2] = sum2 / count - offsets[r + 2];
      if (r + 3 < rank) result[at + 3] = sum3 / count - offsets[r + 3];
    }
  }
  return result;
}
